/**
 * The lint: judges a TBSCertificate before a CA key signs it. What it does not know it refuses, so that a bug elsewhere
 * cannot make a certificate that means more than it should.
 */
import { bitString, DerError, oid, parseDer, sequence, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { importPublicKey, type Suite } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm, keyIdentifier } from './build-certificate.ts';
import { Certificate } from './certificate.ts';
import { attributeOf } from './name.ts';
import { type CertificateProfile, CRITICAL_EXTENDED_USAGES, PROFILES, profileOf } from './profiles.ts';

const DAY_MS = 86_400_000;
const MIN_SERIAL_OCTETS = 8;
const MAX_SERIAL_OCTETS = 20;
/** ITU-T X.520 upper bounds, where readers enforce them. */
const MAX_ATTRIBUTE_LENGTH = 64;

const ALLOWED_EXTENSIONS: readonly string[] = [
  OID.basicConstraints,
  OID.keyUsage,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  OID.certificatePolicies,
  OID.extendedKeyUsage,
  OID.subjectAltName,
  OID.crlDistributionPoints,
  OID.authorityInfoAccess,
  OID.qcStatements,
  OID.ocspNoCheck,
  OID.gmOrganisationCode,
];

export interface LintResult {
  /** What is wrong, each a short sentence; empty means it may be signed. */
  faults: string[];
  /** Set when the bytes could be read. */
  certificate?: Certificate;
  profile?: CertificateProfile;
}

/** Judges the bytes a CA key is asked to sign in `suite`. Never throws. */
export function lintTbs(tbs: Uint8Array, suite: Suite): LintResult {
  let certificate: Certificate;
  try {
    const algorithm = parseDer(tbs).expect(TAG.sequence).at(2).bytes;
    if (Buffer.compare(algorithm, encodeSignatureAlgorithm(suite)) !== 0) return { faults: ['signature algorithm is not that of the key'] };
    certificate = new Certificate(sequence(tbs, algorithm, bitString(Uint8Array.of(0))));
  } catch (error) {
    if (error instanceof DerError) return { faults: [`not a certificate: ${error.message}`] };
    throw error;
  }
  const name = profileOf(certificate);
  if (!name) return { faults: ['no profile of ours'], certificate };
  const profile = PROFILES[name];
  const faults = [
    ...lintFrame(certificate),
    ...lintNames(certificate, profile),
    ...lintKey(certificate, profile),
    ...lintExtensions(certificate, profile),
    ...lintLife(certificate, profile),
  ];
  return { faults, certificate, profile };
}

function lintFrame(certificate: Certificate): string[] {
  const faults: string[] = [];
  if (certificate.version !== 3) faults.push('not version 3');
  const octets = certificate.serialBytes;
  if ((octets[0] ?? 0x80) >= 0x80) faults.push('serial number not positive');
  if (octets.length < MIN_SERIAL_OCTETS || octets.length > MAX_SERIAL_OCTETS) faults.push('serial number not of 8 to 20 octets');
  if (certificate.faultyExtensions.length > 0) faults.push('an extension cannot be read');
  for (const type of certificate.extensions.keys()) {
    if (!ALLOWED_EXTENSIONS.includes(type)) faults.push(`extension ${type} is in no profile`);
  }
  return faults;
}

function lintNames(certificate: Certificate, profile: CertificateProfile): string[] {
  const faults: string[] = [];
  for (const type of profile.requiredSubject) {
    if (!attributeOf(certificate.subject, type)) faults.push(`subject lacks ${type}`);
  }
  for (const { oid: type, value } of [...certificate.subject.attributes, ...certificate.issuer.attributes]) {
    if (value.length === 0 || value.length > MAX_ATTRIBUTE_LENGTH || value !== value.trim())
      faults.push(`name attribute ${type} of wrong length`);
    if (/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u.test(value)) faults.push(`name attribute ${type} has invisible characters`);
    if (type === OID.country && !/^[A-Z]{2}$/.test(value)) faults.push('country is not two letters');
  }
  if (certificate.issuer.attributes.length === 0) faults.push('issuer without a name');
  if (certificate.selfIssued !== (profile.issuer === 'self')) faults.push('self-issued and profile disagree');
  return faults;
}

function lintKey(certificate: Certificate, profile: CertificateProfile): string[] {
  try {
    const { suite } = importPublicKey(certificate.spki);
    if (!profile.suites.includes(suite)) return [`a key of ${suite} is not for this profile`];
  } catch {
    return ['public key of a kind no profile takes'];
  }
  const own = certificate.ski;
  if (!own || Buffer.compare(own, keyIdentifier(certificate.spki)) !== 0) return ['subject key identifier is not that of the key'];
  return [];
}

function lintExtensions(certificate: Certificate, profile: CertificateProfile): string[] {
  const faults: string[] = [];
  const check = (fine: boolean, fault: string) => {
    if (!fine) faults.push(fault);
  };
  const critical = (type: string) => certificate.extensions.get(type)?.critical;
  check(critical(OID.basicConstraints) === true, 'basicConstraints missing or not critical');
  check(certificate.basicConstraints?.ca === profile.ca, 'basicConstraints and profile disagree');
  check(certificate.basicConstraints?.pathLength === profile.pathLength, 'path length and profile disagree');
  check(critical(OID.keyUsage) === true, 'keyUsage missing or not critical');
  check(sameMembers([...(certificate.keyUsage ?? [])], profile.keyUsage), 'key usage and profile disagree');
  check(sameMembers(certificate.extKeyUsage ?? [], profile.extendedKeyUsage ?? []), 'extended key usage and profile disagree');
  const criticalUsage = (profile.extendedKeyUsage ?? []).some((usage) => CRITICAL_EXTENDED_USAGES.includes(usage));
  check((critical(OID.extendedKeyUsage) ?? false) === criticalUsage, 'extended key usage wrongly critical');
  check(sameMembers(certificate.policies, profile.policy ? [profile.policy] : []), 'policies and profile disagree');
  check(certificate.extensions.has(OID.ocspNoCheck) === (profile.ocspNoCheck ?? false), 'ocsp-nocheck and profile disagree');
  const statements = profile.qcType ? sequence(sequence(oid(OID.qcType), sequence(oid(profile.qcType)))) : undefined;
  check(sameBytes(certificate.extensions.get(OID.qcStatements)?.value, statements), 'qcStatements and profile disagree');
  check(certificate.subjectAltNames.length > 0 === (profile.subjectAltNames ?? false), 'subject alternative names and profile disagree');
  check(!certificate.extensions.has(OID.gmOrganisationCode) || profile.organisationCode === true, 'organisation code and profile disagree');
  check(certificate.aki !== undefined || profile.issuer === 'self', 'authority key identifier missing');
  check(certificate.crlAddresses.length > 0 || profile.issuer === 'self' || profile.ocspNoCheck === true, 'nowhere to learn of revocation');
  const addresses = [...certificate.crlAddresses, ...certificate.aia.map(({ url }) => url)];
  check(addresses.every(isPlainAddress), 'an address is not http or https');
  const mayBeCritical = [OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage] as readonly string[];
  check(
    [...certificate.extensions.values()].every((item) => !item.critical || mayBeCritical.includes(item.oid)),
    'an extension is wrongly critical',
  );
  return faults;
}

function lintLife(certificate: Certificate, profile: CertificateProfile): string[] {
  const days = (certificate.notAfter.getTime() - certificate.notBefore.getTime()) / DAY_MS;
  if (days <= 0) return ['ends before it begins'];
  return days > profile.maxDays ? [`lives longer than ${profile.maxDays} days`] : [];
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

function isPlainAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol) && !/[^\x21-\x7e]/.test(address);
}
