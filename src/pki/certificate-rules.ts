/**
 * Rules for those who make certificates that a reader may, but need not, enforce. Path validation (RFC 5280 §6) does without
 * them, and many a certificate in use breaks one; so they are asked for: `rfc5280` are the MUSTs of §4, `tls` adds those of the
 * CA/Browser Forum's Baseline Requirements (§7.1) for web servers, which also relax one of them.
 */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { formatIpAddress, isHostName, parseIpAddress } from './addresses.ts';
import type { Certificate } from './certificate.ts';

export type CertificateRules = 'path' | 'rfc5280' | 'tls';

export interface Position {
  isLeaf: boolean;
  isAnchor: boolean;
}

const MAX_SERIAL_OCTETS = 20;
/** Extensions that MUST NOT be critical (§4.2.1.1, §4.2.1.2, §4.2.2.1). */
const NEVER_CRITICAL: readonly string[] = [OID.authorityKeyIdentifier, OID.subjectKeyIdentifier, OID.authorityInfoAccess, OID.freshestCrl];
/** Extensions that MUST be critical (§4.2.1.10, §4.2.1.11, §4.2.1.14). */
const ALWAYS_CRITICAL: readonly string[] = [OID.nameConstraints, OID.policyConstraints, OID.inhibitAnyPolicy];

/** Each broken rule as a short sentence; empty when the certificate keeps them. */
export function brokenRules(certificate: Certificate, rules: CertificateRules, position: Position): string[] {
  if (rules === 'path') return [];
  const faults = [
    ...frameFaults(certificate),
    ...keyIdentifierFaults(certificate),
    ...criticalityFaults(certificate, rules),
    ...constraintFaults(certificate),
    ...nameFaults(certificate),
  ];
  return rules === 'tls' ? [...faults, ...tlsFaults(certificate, position)] : faults;
}

function* frameFaults(certificate: Certificate): Generator<string> {
  const serial = certificate.serialBytes;
  if ((serial[0] ?? 0x80) >= 0x80 || serial.every((octet) => octet === 0)) yield '4.1.2.2: serial number not positive';
  if (serial.length > MAX_SERIAL_OCTETS) yield '4.1.2.2: serial number longer than 20 octets';
  if (certificate.issuer.attributes.length === 0) yield '4.1.2.4: issuer without a name';
  for (const time of validityOf(certificate)) if (!isProperTime(time)) yield '4.1.2.5: time not in the form for certificates';
}

function validityOf(certificate: Certificate): readonly DerElement[] {
  const fields = parseDer(certificate.tbs).children;
  return fields[fields[0]?.tag === context(0) ? 4 : 3]?.children ?? [];
}

/** UTCTime with seconds and Z until 2049, GeneralizedTime without a fraction from then on (§4.1.2.5.1 and .2). */
function isProperTime({ tag, content }: DerElement): boolean {
  const text = Buffer.from(content).toString('latin1');
  if (tag === TAG.utcTime) return /^\d{12}Z$/.test(text);
  return tag === TAG.generalizedTime && /^\d{14}Z$/.test(text) && Number(text.slice(0, 4)) >= 2050;
}

function* keyIdentifierFaults(certificate: Certificate): Generator<string> {
  if (certificate.basicConstraints?.ca && !certificate.ski) yield '4.2.1.2: authority without subject key identifier';
  // Only a self-signed certificate may do without; self-issued stands for it.
  if (!certificate.aki && !certificate.selfIssued) yield '4.2.1.1: authority key identifier missing';
}

function* criticalityFaults(certificate: Certificate, rules: CertificateRules): Generator<string> {
  for (const { oid, critical } of certificate.extensions.values()) {
    if (critical && NEVER_CRITICAL.includes(oid)) yield `4.2: extension ${oid} is critical`;
    // BR §7.1.2.5.2 lets nameConstraints be non-critical, as an exception to RFC 5280 that it spells out.
    const excepted = rules === 'tls' && oid === OID.nameConstraints;
    if (!critical && ALWAYS_CRITICAL.includes(oid) && !excepted) yield `4.2: extension ${oid} is not critical`;
  }
  if (certificate.basicConstraints?.ca && !certificate.extensions.get(OID.basicConstraints)?.critical) {
    yield '4.2.1.9: basicConstraints of an authority not critical';
  }
}

function* constraintFaults(certificate: Certificate): Generator<string> {
  const isCa = certificate.basicConstraints?.ca ?? false;
  if (certificate.nameConstraints && !isCa) yield '4.2.1.10: nameConstraints in a certificate of no authority';
  if (certificate.keyUsage?.has('key-cert-sign') && !isCa) yield '4.2.1.3: keyCertSign in a certificate of no authority';
  const { permitted = [], excluded = [] } = certificate.nameConstraints ?? {};
  for (const { base } of [...permitted, ...excluded]) {
    if (base?.kind === 'dns' && base.value.startsWith('.')) yield '4.2.1.10: dNSName constraint with a leading period';
  }
}

function* nameFaults(certificate: Certificate): Generator<string> {
  if (certificate.subject.attributes.length === 0 && !certificate.extensions.get(OID.subjectAltName)?.critical) {
    yield '4.2.1.6: neither a subject nor a critical alternative name';
  }
  for (const name of certificate.subjectAltNames) {
    if (name.kind === 'dns' && !isHostName(name.value.replace(/^\*\./, ''))) yield '4.2.1.6: dNSName not in preferred name syntax';
    if (name.kind === 'ip' && name.value.length !== 4 && name.value.length !== 16) yield '4.2.1.6: iPAddress of other length';
  }
}

// Baseline Requirements §7.1.

function* tlsFaults(certificate: Certificate, { isLeaf, isAnchor }: Position): Generator<string> {
  if (certificate.version !== 3) yield 'BR 7.1.1: not version 3';
  yield* keyFaults(certificate);
  if (isAnchor && certificate.selfIssued) yield* rootFaults(certificate);
  if (isLeaf) yield* subscriberFaults(certificate);
}

/** BR §6.1.5: RSA of 2048 bits or more, divisible by 8, or ECDSA on a named NIST curve. SM2 is admitted: our law asks for it. */
function* keyFaults(certificate: Certificate): Generator<string> {
  try {
    const { key, scheme } = certificate.publicKey();
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (scheme === 'rsa' && (bits < 2048 || bits % 8 !== 0)) yield 'BR 6.1.5: RSA key of a size that is not allowed';
  } catch {
    yield 'BR 6.1.5: key of a kind that is not allowed';
  }
}

function* rootFaults(certificate: Certificate): Generator<string> {
  if (certificate.extKeyUsage) yield 'BR 7.1.2.1.2: extKeyUsage in a root';
  const extension = certificate.extensions.get(OID.authorityKeyIdentifier);
  if (!extension) return;
  const { aki, ski } = certificate;
  if (!aki || !ski || Buffer.compare(aki, ski) !== 0) yield 'BR 7.1.2.1.3: key identifiers of a root differ';
  if (parseParts(extension.value).some(({ tag }) => (tag & 0x1f) !== 0))
    yield 'BR 7.1.2.1.3: issuer or serial number in a root’s key identifier';
}

function parseParts(value: Uint8Array): readonly DerElement[] {
  try {
    return parseDer(value).children;
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}

function* subscriberFaults(certificate: Certificate): Generator<string> {
  if (certificate.basicConstraints?.ca) yield 'BR 7.1.2.7.8: an authority as a server';
  const usage = certificate.extensions.get(OID.extendedKeyUsage);
  if (!certificate.extKeyUsage?.includes(OID.serverAuthentication)) yield 'BR 7.1.2.7.10: serverAuth missing';
  if (certificate.extKeyUsage?.includes(OID.anyExtendedKeyUsage)) yield 'BR 7.1.2.7.10: anyExtendedKeyUsage';
  if (usage?.critical) yield 'BR 7.1.2.7.6: extKeyUsage critical';
  const names = certificate.subjectAltNames;
  if (names.length === 0) yield 'BR 7.1.2.7.12: no alternative name';
  if (certificate.extensions.get(OID.subjectAltName)?.critical && certificate.subject.attributes.length > 0) {
    yield 'BR 7.1.2.7.12: alternative names critical beside a subject';
  }
  for (const name of names) {
    // One label after the wildcard is a registry's domain. Longer public suffixes need the list of them, which is not kept here.
    if (name.kind === 'dns' && /^\*\.?[^.]*$/.test(name.value)) yield 'BR 3.2.2.6: wildcard over a registry’s domain';
  }
  yield* commonNameFaults(certificate);
}

/** BR §7.1.4.3: a common name repeats one of the alternative names, letter for letter. */
function* commonNameFaults(certificate: Certificate): Generator<string> {
  const texts = certificate.subjectAltNames.flatMap((name) => {
    if (name.kind === 'dns') return [name.value];
    return name.kind === 'ip' ? [formatIpAddress(name.value)] : [];
  });
  for (const { oid, value } of certificate.subject.attributes) {
    if (oid !== OID.commonName || texts.includes(value)) continue;
    yield parseIpAddress(value) ? 'BR 7.1.4.3: common name is another address' : 'BR 7.1.4.3: common name is no alternative name';
  }
}
