export interface DomainProbe {
  /** Host name in lower case, without a final dot. */
  name: string;
  token: string;
  /** What must stand there, whole. */
  expected: string;
}

/** `unreachable`: nobody answered in time, or only at an address that is not public. `other-content`: something else stands there. */
export type DomainFault = 'unreachable' | 'not-found' | 'other-content';

/** Whether who controls a name on the network has put there what we asked for. */
export interface DomainControl {
  /** Undefined when it stands there; otherwise why it proves nothing. Never throws for what the other side does. */
  check(probe: DomainProbe): Promise<DomainFault | undefined>;
}

/** Where it must stand. */
export const DOMAIN_CONTROL_PATH = '/.well-known/tongren-domain/';
