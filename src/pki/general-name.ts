/** GeneralName (RFC 5280 §4.2.1.6) and the distribution points that are made of them. */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { type Name, nameKey, parseName, readRdn, relativeNameKey } from './name.ts';

export type GeneralName =
  | { kind: 'email' | 'dns' | 'uri'; value: string }
  /** SmtpUTF8Mailbox (RFC 9598): a mailbox beyond ASCII. */
  | { kind: 'utf8-email'; value: string }
  | { kind: 'ip'; value: Uint8Array }
  | { kind: 'directory'; value: Name }
  /** `form` tells name forms apart: the tag number, and for otherName the type after it. */
  | { kind: 'registered-id' | 'other'; value: Uint8Array; form: string };

const TEXT_KINDS: Record<number, 'email' | 'dns' | 'uri'> = { 1: 'email', 2: 'dns', 6: 'uri' };

/** Reads one GeneralName; kinds we do not look into come as `other`. Throws DerError. */
export function parseGeneralName(element: DerElement): GeneralName {
  if ((element.tag & 0xc0) !== 0x80) throw new DerError('not a general name');
  const number = element.tag & 0x1f;
  if (number > 8) throw new DerError('no such general name');
  const text = TEXT_KINDS[number];
  if (text) return { kind: text, value: readIa5(element.content) };
  if (number === 7) return { kind: 'ip', value: element.content };
  if (number === 4) return { kind: 'directory', value: parseName(element.inner()) };
  if (number === 0) return parseOtherName(element);
  return { kind: number === 8 ? 'registered-id' : 'other', value: element.content, form: String(number) };
}

function parseOtherName(element: DerElement): GeneralName {
  const [type, value] = element.expect(context(0)).children;
  const oid = type?.asOid() ?? '';
  if (oid === OID.smtpUtf8Mailbox && value) return { kind: 'utf8-email', value: value.inner().expect(TAG.utf8String).asText() };
  return { kind: 'other', value: element.content, form: `0:${oid}` };
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

/** A string equal for names that mean the same: directory names by their prepared form, addresses as they stand. */
export function generalNameKey(name: GeneralName): string {
  switch (name.kind) {
    case 'directory':
      return `directory:${nameKey(name.value)}`;
    case 'email':
    case 'dns':
    case 'uri':
    case 'utf8-email':
      return `${name.kind}:${name.value}`;
    case 'ip':
      return `ip:${Buffer.from(name.value).toString('hex')}`;
    default:
      return `${name.form}:${Buffer.from(name.value).toString('hex')}`;
  }
}

export interface DistributionPointName {
  /** Full names, where the point has them. */
  names: readonly GeneralName[];
  /** Set for `nameRelativeToCRLIssuer`: the prepared RDN. */
  relative?: string;
}

export interface DistributionPoint extends DistributionPointName {
  /** Which reasons the point serves, as a mask of ReasonFlags; absent: all. */
  reasons?: number;
  crlIssuer: readonly GeneralName[];
}

/** keyCompromise to aACompromise: every reason that ReasonFlags knows. Bit 0 is unused (RFC 5280 §4.2.1.13). */
export const ALL_REASONS = 0x1fe;
export const HOLD_REASON = 1 << 6;

/** The first nine bits of a ReasonFlags BIT STRING's content; bit n of the mask is flag n. */
export function parseReasonFlags(content: Uint8Array): number {
  let mask = 0;
  for (let flag = 1; flag < 9; flag++) {
    if (((content[1 + (flag >> 3)] ?? 0) >> (7 - (flag & 7))) & 1) mask |= 1 << flag;
  }
  return mask;
}

/** One DistributionPoint of cRLDistributionPoints (RFC 5280 §4.2.1.13). */
export function parseDistributionPoint(element: DerElement): DistributionPoint {
  const reasons = element.expect(TAG.sequence).find(context(1, false));
  const issuer = element.find(context(2));
  return {
    ...parseDistributionPointName(element.find(context(0))?.inner()),
    ...(reasons ? { reasons: parseReasonFlags(reasons.content) } : {}),
    crlIssuer: issuer ? parseGeneralNames(issuer) : [],
  };
}

/** cRLDistributionPoints, and freshestCRL, which is made alike. */
export function parseDistributionPoints(value: Uint8Array): readonly DistributionPoint[] {
  const points = parseDer(value).expect(TAG.sequence).children;
  if (points.length === 0) throw new DerError('no distribution point inside');
  return points.map(parseDistributionPoint);
}

/** DistributionPointName, also used by issuingDistributionPoint. */
export function parseDistributionPointName(element: DerElement | undefined): DistributionPointName {
  if (!element) return { names: [] };
  if (element.tag === context(0)) return { names: parseGeneralNames(element) };
  return { names: [], relative: readRdn(element.expect(context(1))) };
}

/** Index strings of the names of a point; a relative one is completed with the CRL issuer's name. */
export function pointKeys(point: DistributionPointName, crlIssuer: Name): string[] {
  if (point.relative !== undefined) return [`directory:${relativeNameKey(crlIssuer, point.relative)}`];
  return point.names.map(generalNameKey);
}

/** The addresses among general names, http and https only. */
export function httpAddresses(names: readonly GeneralName[]): string[] {
  return names.flatMap((name) => (name.kind === 'uri' && /^https?:\/\//i.test(name.value) ? [name.value] : []));
}
