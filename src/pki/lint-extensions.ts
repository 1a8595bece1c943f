/** The lint of extensions: those of the profile, with the values of the profile, critical where RFC 5280 wants it, and no others. */
import { DerError } from '#crypto/der.ts';
import { oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import { isHostName } from './addresses.ts';
import type { Certificate } from './certificate.ts';
import { HOLDER_EXTENSIONS, parseHolderText, parseMandate } from './holder-extensions.ts';
import { type CertificateProfile, CRITICAL_EXTENDED_USAGES, keyUsageOf, MANDATE_EXTENSION } from './profiles.ts';

const ALLOWED: readonly string[] = [
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
  MANDATE_EXTENSION,
  ...HOLDER_EXTENSIONS.map(({ type }) => type),
];
const MAY_BE_CRITICAL: readonly string[] = [OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage];

/** @param keySuite suite of the subject's key, on which the key usage may depend. */
export function lintExtensions(certificate: Certificate, profile: CertificateProfile, keySuite: Suite | undefined): string[] {
  const faults: string[] = [];
  const check = (fine: boolean, fault: string) => {
    if (!fine) faults.push(fault);
  };
  const critical = (type: string) => certificate.extensions.get(type)?.critical;
  for (const type of certificate.extensions.keys()) check(ALLOWED.includes(type), `extension ${type} is in no profile`);
  check(critical(OID.basicConstraints) === true, 'basicConstraints missing or not critical');
  check(certificate.basicConstraints?.ca === profile.ca, 'basicConstraints and profile disagree');
  check(certificate.basicConstraints?.pathLength === profile.pathLength, 'path length and profile disagree');
  check(critical(OID.keyUsage) === true, 'keyUsage missing or not critical');
  check(sameMembers([...(certificate.keyUsage ?? [])], keyUsageOf(profile, keySuite)), 'key usage and profile disagree');
  check(sameMembers(certificate.extKeyUsage ?? [], profile.extendedKeyUsage ?? []), 'extended key usage and profile disagree');
  const criticalUsage = (profile.extendedKeyUsage ?? []).some((usage) => CRITICAL_EXTENDED_USAGES.includes(usage));
  check((critical(OID.extendedKeyUsage) ?? false) === criticalUsage, 'extended key usage wrongly critical');
  check(sameMembers(certificate.policies, profile.policy ? [profile.policy] : []), 'policies and profile disagree');
  check(certificate.extensions.has(OID.ocspNoCheck) === (profile.ocspNoCheck ?? false), 'ocsp-nocheck and profile disagree');
  const statements = profile.qcType ? sequence(sequence(oid(OID.qcType), sequence(oid(profile.qcType)))) : undefined;
  check(sameBytes(certificate.extensions.get(OID.qcStatements)?.value, statements), 'qcStatements and profile disagree');
  check(certificate.subjectAltNames.length > 0 === (profile.subjectAltNames ?? false), 'subject alternative names and profile disagree');
  check(certificate.subjectAltNames.every(isServerName), 'a subject alternative name is no host name or address');
  check(certificate.aki !== undefined || profile.issuer === 'self', 'authority key identifier missing');
  check(certificate.crlAddresses.length > 0 || profile.issuer === 'self' || profile.ocspNoCheck === true, 'nowhere to learn of revocation');
  const addresses = [...certificate.crlAddresses, ...certificate.aia.map(({ url }) => url)];
  check(addresses.every(isPlainAddress), 'an address is not http or https');
  check(
    [...certificate.extensions.values()].every((item) => !item.critical || MAY_BE_CRITICAL.includes(item.oid)),
    'an extension is wrongly critical',
  );
  return [...faults, ...lintHolder(certificate, profile)];
}

function lintHolder(certificate: Certificate, profile: CertificateProfile): string[] {
  const faults: string[] = [];
  for (const { type, allowedBy, text } of HOLDER_EXTENSIONS) {
    const value = certificate.extensions.get(type)?.value;
    if (!value) continue;
    const read = orUndefined(() => parseHolderText(type, value));
    if (profile[allowedBy] !== true) faults.push(`${allowedBy} and profile disagree`);
    else if (read === undefined || !text.test(read)) faults.push(`${allowedBy} of a form that is not issued`);
  }
  const value = certificate.extensions.get(MANDATE_EXTENSION)?.value;
  if ((value !== undefined) !== (profile.mandate ?? false)) faults.push('mandate and profile disagree');
  if (value && profile.mandate) {
    const mandate = orUndefined(() => parseMandate(value));
    if (!mandate) faults.push('mandate cannot be read');
    else if (certificate.notAfter > mandate.validUntil) faults.push('outlives the mandate');
  }
  return faults;
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function isServerName(name: Certificate['subjectAltNames'][number]): boolean {
  if (name.kind === 'ip') return name.value.length === 4 || name.value.length === 16;
  return name.kind === 'dns' && isHostName(name.value.replace(/^\*\.(?=[^.]+\.)/, ''));
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
