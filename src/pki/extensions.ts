/** The extensions of certificates and CRLs (RFC 5280 §4.2, §5.2): an index by OID, and readers for the values we understand. */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';

export interface Extension {
  oid: string;
  critical: boolean;
  /** Content of the OCTET STRING: the DER of the value, as it stood. */
  value: Uint8Array;
}

/** Extensions one certificate may have; real ones have about ten. */
const MAX_EXTENSIONS = 64;

/** Reads `Extensions`. Throws DerError for a repeated OID (RFC 5280 §4.2) or too many. */
export function parseExtensions(list: DerElement): Map<string, Extension> {
  const extensions = new Map<string, Extension>();
  const items = list.expect(TAG.sequence).children;
  if (items.length === 0 || items.length > MAX_EXTENSIONS) throw new DerError('no extensions, or too many');
  for (const item of items) {
    const [type, second, third] = item.expect(TAG.sequence).children;
    const oid = type?.asOid() ?? '';
    if (extensions.has(oid)) throw new DerError(`extension ${oid} stands twice`);
    const critical = third ? (second?.asBoolean() ?? false) : false;
    extensions.set(oid, { oid, critical, value: (third ?? item.at(1)).asOctets() });
  }
  return extensions;
}

export type KeyUsage =
  | 'digital-signature'
  | 'non-repudiation'
  | 'key-encipherment'
  | 'data-encipherment'
  | 'key-agreement'
  | 'key-cert-sign'
  | 'crl-sign'
  | 'encipher-only'
  | 'decipher-only';

/** In the order of the bits. */
export const KEY_USAGES: readonly KeyUsage[] = [
  'digital-signature',
  'non-repudiation',
  'key-encipherment',
  'data-encipherment',
  'key-agreement',
  'key-cert-sign',
  'crl-sign',
  'encipher-only',
  'decipher-only',
];

export function parseKeyUsage(value: Uint8Array): ReadonlySet<KeyUsage> {
  const bits = parseDer(value).expect(TAG.bitString).content;
  const usages = KEY_USAGES.filter((_usage, index) => ((bits[1 + (index >> 3)] ?? 0) >> (7 - (index & 7))) & 1);
  return new Set(usages);
}

export interface BasicConstraints {
  ca: boolean;
  pathLength?: number;
}

export function parseBasicConstraints(value: Uint8Array): BasicConstraints {
  const element = parseDer(value).expect(TAG.sequence);
  const ca = element.find(TAG.boolean)?.asBoolean() ?? false;
  const pathLength = element.find(TAG.integer)?.asNumber();
  if (pathLength !== undefined && pathLength < 0) throw new DerError('negative path length');
  return pathLength === undefined ? { ca } : { ca, pathLength };
}

/** SEQUENCE OF OBJECT IDENTIFIER: extendedKeyUsage, which names one purpose at least (§4.2.1.12). */
export function parseOidList(value: Uint8Array): readonly string[] {
  const list = parseDer(value)
    .expect(TAG.sequence)
    .children.map((element) => element.asOid());
  if (list.length === 0) throw new DerError('no purpose inside');
  return list;
}

/** Policy OIDs of certificatePolicies, without their qualifiers. Throws for a policy that stands twice (§4.2.1.4). */
export function parsePolicies(value: Uint8Array): readonly string[] {
  const policies = parseDer(value)
    .expect(TAG.sequence)
    .children.map((element) => element.at(0).asOid());
  if (policies.length === 0 || new Set(policies).size !== policies.length) throw new DerError('policies missing or repeated');
  return policies;
}

export interface PolicyMapping {
  issuerDomain: string;
  subjectDomain: string;
}

/** policyMappings (§4.2.1.5). Throws for a mapping from or to anyPolicy, which §6.1.4 a forbids. */
export function parsePolicyMappings(value: Uint8Array): readonly PolicyMapping[] {
  const mappings = parseDer(value)
    .expect(TAG.sequence)
    .children.map((pair) => ({ issuerDomain: pair.expect(TAG.sequence).at(0).asOid(), subjectDomain: pair.at(1).asOid() }));
  if (mappings.length === 0) throw new DerError('no mapping inside');
  if (mappings.some(({ issuerDomain, subjectDomain }) => issuerDomain === OID.anyPolicy || subjectDomain === OID.anyPolicy)) {
    throw new DerError('anyPolicy is mapped');
  }
  return mappings;
}

/** SkipCerts: after how many certificates each takes effect. */
export interface PolicyConstraints {
  requireExplicitPolicy?: number;
  inhibitPolicyMapping?: number;
}

/** policyConstraints (§4.2.1.11); one of the two must be there. */
export function parsePolicyConstraints(value: Uint8Array): PolicyConstraints {
  const element = parseDer(value).expect(TAG.sequence);
  const explicit = element.find(context(0, false));
  const mapping = element.find(context(1, false));
  if (!explicit && !mapping) throw new DerError('policyConstraints without a constraint');
  return {
    ...(explicit ? { requireExplicitPolicy: readSkipCerts(explicit.content) } : {}),
    ...(mapping ? { inhibitPolicyMapping: readSkipCerts(mapping.content) } : {}),
  };
}

export function parseInhibitAnyPolicy(value: Uint8Array): number {
  return readSkipCerts(parseDer(value).expect(TAG.integer).content);
}

/** No path is as long as 2^31; a larger number means the same. */
function readSkipCerts(content: Uint8Array): number {
  const first = content[0];
  if (first === undefined || first >= 0x80) throw new DerError('SkipCerts negative or empty');
  return content.length > 4 ? 0x7fffffff : Buffer.from(content).readUIntBE(0, content.length);
}

/** keyIdentifier of authorityKeyIdentifier, if it has one. */
export function parseAuthorityKey(value: Uint8Array): Uint8Array | undefined {
  return parseDer(value).expect(TAG.sequence).find(context(0, false))?.content;
}

export interface AccessDescription {
  method: 'ocsp' | 'ca-issuers' | 'other';
  url: string;
}

/** The addresses of authorityInfoAccess; locations that are not URIs are left out. */
export function parseAccess(value: Uint8Array): readonly AccessDescription[] {
  const found: AccessDescription[] = [];
  const items = parseDer(value).expect(TAG.sequence).children;
  if (items.length === 0) throw new DerError('no access description inside');
  for (const item of items) {
    const method = item.at(0).asOid();
    const location = item.at(1);
    if (location.tag !== context(6, false)) continue;
    const kind = method === OID.ocspAccess ? 'ocsp' : method === OID.caIssuersAccess ? 'ca-issuers' : 'other';
    found.push({ method: kind, url: Buffer.from(location.content).toString('latin1') });
  }
  return found;
}
