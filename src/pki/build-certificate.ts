/** Writes certificates by profile (RFC 5280 §4, GM/T 0015). Signing happens elsewhere: this makes the bytes to be signed, and joins them with the signature. */
import { context, parseDer } from '#crypto/der.ts';
import {
  bitString,
  boolean,
  explicit,
  implicitPrimitive,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  tlv,
  x509Time,
} from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, type Suite } from '#crypto/suite.ts';
import { KEY_USAGES, type KeyUsage } from './extensions.ts';
import { encodeHolderExtensions, type HolderIdentifiers } from './holder-extensions.ts';
import { type CertificateProfile, CRITICAL_EXTENDED_USAGES, keyUsageOf } from './profiles.ts';

export type SubjectAltName = { dns: string } | { ip: Uint8Array };

export interface TbsCertificateInput extends HolderIdentifiers {
  profile: CertificateProfile;
  /** Suite of the issuer's key, in which this will be signed. */
  suite: Suite;
  /** Big-endian octets of a positive number, at most 20 (RFC 5280 §4.1.2.2). */
  serial: Uint8Array;
  /** DER Names. */
  issuer: Uint8Array;
  subject: Uint8Array;
  notBefore: Date;
  notAfter: Date;
  /** The subject's key. */
  spki: Uint8Array;
  /** The issuer's subject key identifier; a root leaves it out. */
  issuerKeyIdentifier?: Uint8Array;
  /** Where the issuer's CRL and certificate are fetched. */
  crlUrl?: string;
  issuerUrl?: string;
  ocspUrl?: string;
  subjectAltNames?: readonly SubjectAltName[];
}

/** SHA-1 over the bits of the public key (RFC 5280 §4.2.1.2, method 1): a name for the key, not a protection. */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  return digest('sha1', parseDer(spki).at(1).asBits());
}

/** AlgorithmIdentifier of a signature in this suite: SM2 without parameters, as most Chinese CAs write it. */
export function encodeSignatureAlgorithm(suite: Suite): Uint8Array {
  switch (suite) {
    case 'sm2-sm3':
      return sequence(oid(OID.sm2WithSm3));
    case 'es256':
      return sequence(oid(OID.ecdsaWithSha256));
    case 'ed25519':
      return sequence(oid(OID.ed25519));
    case 'rs256':
      return sequence(oid(OID.sha256WithRsa), nullValue());
  }
}

/** TBSCertificate: the bytes to be signed. */
export function encodeTbsCertificate(input: TbsCertificateInput): Uint8Array {
  return sequence(
    explicit(0, integer(2)),
    integer(input.serial),
    encodeSignatureAlgorithm(input.suite),
    input.issuer,
    sequence(x509Time(input.notBefore), x509Time(input.notAfter)),
    input.subject,
    input.spki,
    explicit(3, sequence(...encodeExtensions(input))),
  );
}

/** Certificate from the signed bytes and their signature. */
export function assembleCertificate(tbs: Uint8Array, suite: Suite, signature: Uint8Array): Uint8Array {
  return sequence(tbs, encodeSignatureAlgorithm(suite), bitString(signature));
}

function encodeExtensions(input: TbsCertificateInput): Uint8Array[] {
  const { profile } = input;
  const list = [
    extension(OID.basicConstraints, true, encodeBasicConstraints(profile)),
    extension(OID.keyUsage, true, encodeKeyUsage(keyUsageOf(profile, input.suite))),
    extension(OID.subjectKeyIdentifier, false, octetString(keyIdentifier(input.spki))),
  ];
  if (input.issuerKeyIdentifier) {
    list.push(extension(OID.authorityKeyIdentifier, false, sequence(implicitPrimitive(0, input.issuerKeyIdentifier))));
  }
  if (profile.policy) list.push(extension(OID.certificatePolicies, false, sequence(sequence(oid(profile.policy)))));
  if (profile.extendedKeyUsage) {
    const critical = profile.extendedKeyUsage.some((usage) => CRITICAL_EXTENDED_USAGES.includes(usage));
    list.push(extension(OID.extendedKeyUsage, critical, sequence(...profile.extendedKeyUsage.map((usage) => oid(usage)))));
  }
  if (input.subjectAltNames?.length) {
    const names = input.subjectAltNames.map((name) =>
      'dns' in name ? implicitPrimitive(2, Buffer.from(name.dns, 'latin1')) : implicitPrimitive(7, name.ip),
    );
    list.push(extension(OID.subjectAltName, false, sequence(...names)));
  }
  if (input.crlUrl) {
    const point = tlv(context(0), tlv(context(0), uri(input.crlUrl)));
    list.push(extension(OID.crlDistributionPoints, false, sequence(sequence(point))));
  }
  const access: Uint8Array[] = [];
  if (input.ocspUrl) access.push(sequence(oid(OID.ocspAccess), uri(input.ocspUrl)));
  if (input.issuerUrl) access.push(sequence(oid(OID.caIssuersAccess), uri(input.issuerUrl)));
  if (access.length > 0) list.push(extension(OID.authorityInfoAccess, false, sequence(...access)));
  if (profile.qcType) {
    list.push(extension(OID.qcStatements, false, sequence(sequence(oid(OID.qcType), sequence(oid(profile.qcType))))));
  }
  if (profile.ocspNoCheck) list.push(extension(OID.ocspNoCheck, false, nullValue()));
  for (const [type, value] of encodeHolderExtensions(profile, input)) list.push(extension(type, false, value));
  return list;
}

function extension(type: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octetString(value));
}

function uri(address: string): Uint8Array {
  return implicitPrimitive(6, Buffer.from(address, 'latin1'));
}

/** cA is left out when false: DER does not write defaults. */
function encodeBasicConstraints(profile: CertificateProfile): Uint8Array {
  if (!profile.ca) return sequence();
  return sequence(boolean(true), ...(profile.pathLength === undefined ? [] : [integer(profile.pathLength)]));
}

/** A named bit list: trailing zero bits are cut (X.690 §11.2.2). */
function encodeKeyUsage(usages: readonly KeyUsage[]): Uint8Array {
  const positions = usages.map((usage) => KEY_USAGES.indexOf(usage));
  const last = Math.max(...positions);
  const octets = new Uint8Array((last >> 3) + 1);
  for (const position of positions) octets[position >> 3] = (octets[position >> 3] ?? 0) | (0x80 >> (position & 7));
  return bitString(octets, 7 - (last & 7));
}
