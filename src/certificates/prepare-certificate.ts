/** From what is asked for to the linted bytes that a CA key will sign. Reads nothing and writes nothing. */
import { randomBytes } from 'node:crypto';
import { OID } from '#crypto/oids.ts';
import { digest, importPublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import { encodeTbsCertificate, keyIdentifier } from '#pki/build-certificate.ts';
import { encodeName, type NameAttribute } from '#pki/name.ts';
import { type CertificateProfile, PROFILES } from '#pki/profiles.ts';
import { faultyField, Problem } from '#problem.ts';
import { type Authority, areaOf } from './authorities.ts';
import { type AuthoritySuite, crlUrl, issuerUrl, ocspUrl, wholeSeconds } from './certificate-deps.ts';
import type { CertificateSubject, IssueCertificateInput } from './issue-certificate.ts';
import { newSerial } from './serial.ts';
import { requireCleanTbs } from './sign-certificate.ts';

const DAY_MS = 86_400_000;

export interface PreparedCertificate {
  input: IssueCertificateInput;
  authority: Authority;
  root: Authority;
  row: {
    serialHex: string;
    issuerKey: string;
    profile: string;
    suite: string;
    subject: string;
    notBefore: Date;
    notAfter: Date;
    keyDigest: Uint8Array<ArrayBuffer>;
    tbs: Uint8Array<ArrayBuffer>;
    issuedAt: Date;
    issuedBy: string;
    crlPartition: number | null;
  };
}

/** Throws Problem `invalid-input` (profile, key or life), `authority-missing`, `certificate-refused`. */
export function prepareCertificate(
  input: IssueCertificateInput,
  { authorities, publicOrigin, at }: { authorities: readonly Authority[]; publicOrigin: string; at: Date },
): PreparedCertificate {
  const profile = PROFILES[input.profile];
  const { authority, root } = chooseAuthority(input, profile, authorities);
  const { keyName: issuerKey, certificate: issuing } = authority;
  requireOwnSuite(input.spki, input.suite);
  const notBefore = wholeSeconds(input.notBefore ?? at);
  const notAfter = endOf(input, profile, notBefore);
  if (!(notAfter > notBefore) || notAfter > issuing.notAfter || notBefore < issuing.notBefore) {
    throw faultyField('/days', 'The life does not fit into that of the issuing authority.', '有效期超出签发机构证书的有效期。');
  }
  const serial = newSerial(randomBytes);
  const crlPartition = partitionOf(serial.bytes, authority);
  const { uscc, identifyCode, taxationNumber, registrationNumber } = input.subject;
  const tbs = encodeTbsCertificate({
    profile,
    suite: input.suite,
    serial: serial.bytes,
    issuer: issuing.subject.der,
    subject: encodeName(subjectAttributes(input.subject, profile)),
    notBefore,
    notAfter,
    spki: input.spki,
    issuerKeyIdentifier: keyIdentifier(issuing.spki),
    crlUrl: crlUrl(publicOrigin, issuerKey, crlPartition ?? undefined),
    issuerUrl: issuerUrl(publicOrigin, issuerKey),
    ...(namesResponder(profile, publicOrigin) ? { ocspUrl: ocspUrl(publicOrigin) } : {}),
    ...(uscc ? { organisationCode: uscc } : {}),
    ...(identifyCode ? { identifyCode } : {}),
    ...(taxationNumber ? { taxationNumber } : {}),
    ...(registrationNumber ? { registrationNumber } : {}),
    ...(input.mandate ? { mandate: input.mandate } : {}),
    ...(input.subjectAltNames ? { subjectAltNames: input.subjectAltNames } : {}),
  });
  requireCleanTbs(tbs, input.suite, issuing);
  return {
    input,
    authority,
    root,
    row: {
      serialHex: serial.hex,
      issuerKey,
      profile: input.profile,
      suite: input.suite,
      subject: input.subject.commonName,
      notBefore,
      notAfter,
      keyDigest: keyDigestOf(input.spki),
      tbs: Uint8Array.from(tbs),
      issuedAt: at,
      issuedBy: input.by,
      crlPartition,
    },
  };
}

/** Serial numbers are random, so the partitions of an authority grow alike. */
function partitionOf(serial: Uint8Array, { crlPartitions }: Authority): number | null {
  return crlPartitions > 0 ? Buffer.from(serial).readUInt16BE(serial.length - 2) % crlPartitions : null;
}

/** SHA-256 of the SubjectPublicKeyInfo, by which the uses of one key are found. */
export function keyDigestOf(spki: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(digest('sha256', spki));
}

function chooseAuthority(input: IssueCertificateInput, profile: CertificateProfile, authorities: readonly Authority[]) {
  const area = areaOf(profile);
  if (!area && profile.issuer !== 'own')
    throw faultyField('/profile', 'An authority is not issued this way.', '不能以此方式签发机构证书。');
  const authority = authorities.find((one) =>
    area ? one.area === area && one.suite === input.suite && one.state === 'current' : one.keyName === input.issuerKey,
  );
  const root = authorities.find(({ keyName }) => keyName === authority?.issuerKey);
  if (!authority || !root || authority.suite !== input.suite) throw new Problem('authority-missing');
  return { authority, root };
}

/** A mandate that ends sooner ends the certificate. */
function endOf({ days, mandate }: IssueCertificateInput, profile: CertificateProfile, notBefore: Date): Date {
  const asked = new Date(notBefore.getTime() + days * DAY_MS);
  if (!profile.mandate || !mandate) return asked;
  const last = wholeSeconds(mandate.validUntil);
  return last < asked ? last : asked;
}

/**
 * Readers of PDF (NSS) ask the responder that a certificate names, and call a signer unknown when nobody answers there.
 * An instance on a loopback address is gone when its files are judged, so there its document signers name none, and the CRL tells.
 */
function namesResponder(profile: CertificateProfile, publicOrigin: string): boolean {
  if (profile.ocspNoCheck) return false;
  return profile.name !== 'document-signer' || !isLoopback(new URL(publicOrigin).hostname);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname);
}

/** One chain, one suite: a reader that can judge the leaf can judge the whole. */
function requireOwnSuite(spki: Uint8Array, suite: AuthoritySuite): void {
  try {
    if (importPublicKey(spki).suite === suite) return;
  } catch (error) {
    if (!(error instanceof UnsupportedKeyError)) throw error;
  }
  throw faultyField('/spki', 'The key is not of the suite of the authority.', '公钥算法与签发机构不一致。');
}

function subjectAttributes(subject: CertificateSubject, profile: CertificateProfile): NameAttribute[] {
  const coded = profile.requiredSubject.includes(OID.organisationIdentifier);
  const attributes: [string, string | undefined][] = [
    [OID.country, subject.country ?? 'CN'],
    [OID.province, subject.province],
    [OID.locality, subject.locality],
    [OID.organisation, subject.organisation],
    [OID.organisationalUnit, subject.organisationalUnit],
    // EN 319 412-1 §5.1.4: NTR is a national trade register, which the unified social credit code belongs to.
    [OID.organisationIdentifier, coded ? organisationIdentifierOf(subject) : undefined],
    [OID.commonName, subject.commonName],
  ];
  return attributes.flatMap(([oid, value]) => (value ? [{ oid, value: value.normalize('NFC') }] : []));
}

/** EN 319 412-1 §5.1.4: a scheme of two characters and a colon is a local one, here of internal codes. */
function organisationIdentifierOf({ uscc, internalCode }: CertificateSubject): string | undefined {
  if (uscc) return `NTRCN-${uscc}`;
  return internalCode ? `IC:CN-${internalCode}` : undefined;
}
