/** GeneralName (RFC 5280 §4.2.1.6) and the distribution points that are made of them. */
import { context, type DerElement, DerError, TAG } from '#crypto/der.ts';
import { type Name, parseName } from './name.ts';

export type GeneralName =
  | { kind: 'email' | 'dns' | 'uri'; value: string }
  | { kind: 'ip'; value: Uint8Array }
  | { kind: 'directory'; value: Name }
  | { kind: 'registered-id' | 'other'; value: Uint8Array };

const TEXT_KINDS: Record<number, 'email' | 'dns' | 'uri'> = { 1: 'email', 2: 'dns', 6: 'uri' };

/** Reads one GeneralName; kinds we do not look into come as `other`. */
export function parseGeneralName(element: DerElement): GeneralName {
  if ((element.tag & 0xc0) !== 0x80) throw new DerError('not a general name');
  const number = element.tag & 0x1f;
  const text = TEXT_KINDS[number];
  if (text) return { kind: text, value: readIa5(element.content) };
  if (number === 7) return { kind: 'ip', value: element.content };
  if (number === 4) return { kind: 'directory', value: parseName(element.inner()) };
  return { kind: number === 8 ? 'registered-id' : 'other', value: element.content };
}

/** SEQUENCE OF GeneralName, not empty. */
export function parseGeneralNames(element: DerElement): GeneralName[] {
  if (element.children.length === 0) throw new DerError('no general name inside');
  return element.children.map(parseGeneralName);
}

function readIa5(content: Uint8Array): string {
  if (content.some((byte) => byte > 0x7f)) throw new DerError('not IA5 text');
  return Buffer.from(content).toString('latin1');
}

export interface DistributionPoint {
  /** Full names, where the point has them. */
  names: readonly GeneralName[];
  /** Set for `nameRelativeToCRLIssuer`. */
  relative: boolean;
  /** Octets of the ReasonFlags, when the point serves only some reasons. */
  reasons?: Uint8Array;
  crlIssuer: readonly GeneralName[];
}

/** One DistributionPoint of cRLDistributionPoints (RFC 5280 §4.2.1.13). */
export function parseDistributionPoint(element: DerElement): DistributionPoint {
  const reasons = element.expect(TAG.sequence).find(context(1, false));
  const issuer = element.find(context(2));
  return {
    ...parseDistributionPointName(element.find(context(0))?.inner()),
    ...(reasons ? { reasons: reasons.content.subarray(1) } : {}),
    crlIssuer: issuer ? parseGeneralNames(issuer) : [],
  };
}

/** DistributionPointName, also used by issuingDistributionPoint. */
export function parseDistributionPointName(element: DerElement | undefined): { names: readonly GeneralName[]; relative: boolean } {
  if (!element) return { names: [], relative: false };
  if (element.tag === context(0)) return { names: parseGeneralNames(element), relative: false };
  return { names: [], relative: true };
}

/** The addresses among general names, http and https only. */
export function httpAddresses(names: readonly GeneralName[]): string[] {
  return names.flatMap((name) => (name.kind === 'uri' && /^https?:\/\//i.test(name.value) ? [name.value] : []));
}
