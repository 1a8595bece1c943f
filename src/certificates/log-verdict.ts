/** What checking the issuance log says. Like every check of ours: a verdict with faults that can be named, never an exception for bad data. */

export type LogFaultKind =
  /** A certificate, its leaf or a hash over it is not what was logged. */
  | 'changed'
  /** A place of the log is empty, or the certificate of an entry is gone. */
  | 'removed'
  /** Two entries stand in each other's place. */
  | 'reordered'
  /** A signed certificate that is neither in the log nor waiting for it. */
  | 'unlogged'
  /** An entry for which no certificate was issued. */
  | 'extra'
  /** A certificate that has waited for the log far beyond the maximum merge delay. */
  | 'late'
  /** The log has another root than a signed head says for the same size: it was written anew, or shows different people different logs. */
  | 'forked'
  /** The log ends before a size that a signed head saw. */
  | 'cut-off'
  /** A head's signature, or the head itself, cannot be relied on. */
  | 'head-malformed'
  | 'head-forged'
  | 'head-unknown-key'
  /** A proof that the log gave does not prove what it should. */
  | 'proof-wrong'
  /** The certificate asked about is not in the log. */
  | 'not-logged'
  /** The log gave no answer that can be read. */
  | 'unreadable';

export interface LogFault {
  kind: LogFaultKind;
  /** Place in the log. */
  index?: number;
  /** Size of the head meant. */
  size?: number;
  serial?: string;
  detail?: string;
}

export interface LogVerdict {
  intact: boolean;
  /** Entries read. */
  entries: number;
  /** The newest signed head. */
  head?: { size: number; at: string };
  /** The heads' keys are vouched for by an authority or a key file that the reader trusts; otherwise only the log itself names them. */
  keysProven: boolean;
  /** Certificates that wait for their place; known with the database only. */
  waiting?: number;
  /** Where the certificate asked about stands. */
  certificate?: { index: number };
  /** At most `MAX_FAULTS`, in the order found. */
  faults: readonly LogFault[];
}

export const MAX_FAULTS = 200;
