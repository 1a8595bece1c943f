/** Issues a certificate by profile: lint, store the bytes to be signed, sign, store the certificate. */
import { randomBytes } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { OID } from '#crypto/oids.ts';
import { importPublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import { encodeTbsCertificate, keyIdentifier, type SubjectAltName } from '#pki/build-certificate.ts';
import type { Certificate } from '#pki/certificate.ts';
import { encodeName, type NameAttribute } from '#pki/name.ts';
import { type CertificateProfile, PROFILES, type ProfileName } from '#pki/profiles.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { areaOf, listAuthorities } from './authorities.ts';
import { type AuthoritySuite, type CertificateDeps, crlUrl, issuerUrl, ocspUrl, wholeSeconds } from './certificate-deps.ts';
import { newSerial } from './serial.ts';
import { completeCertificate, requireCleanTbs } from './sign-certificate.ts';

const DAY_MS = 86_400_000;

export interface CertificateSubject {
  commonName: string;
  organisation?: string;
  organisationalUnit?: string;
  /** Unified social credit code of the organisation. */
  uscc?: string;
  /** Our own code for an organisation that has none. */
  internalCode?: string;
  province?: string;
  locality?: string;
  /** Default CN. */
  country?: string;
}

export interface IssueCertificateInput {
  profile: ProfileName;
  /** Suite of the authority that signs. */
  suite: AuthoritySuite;
  /** For profiles that each authority signs for itself: key name of the one that signs. */
  issuerKey?: string;
  subject: CertificateSubject;
  spki: Uint8Array;
  /** Default: now. */
  notBefore?: Date;
  days: number;
  /** Actor, as the audit log names it. */
  by: string;
  subjectAltNames?: readonly SubjectAltName[];
  /** Written in the transaction that stores the certificate, before it is signed: if it throws, there is no certificate. */
  within?: (tx: Transaction, serialHex: string) => Promise<void>;
}

export interface IssuedCertificate {
  certificate: Certificate;
  /** Leaf, issuing authority, root. */
  chain: Certificate[];
}

/** Throws Problem `invalid-input` (key or life), `certificate-refused` (the lint says why), `authority-missing`. */
export async function issueCertificate(deps: CertificateDeps, input: IssueCertificateInput): Promise<IssuedCertificate> {
  const profile = PROFILES[input.profile];
  const area = areaOf(profile);
  if (!area && profile.issuer !== 'own')
    throw faultyField('/profile', 'An authority is not issued this way.', '不能以此方式签发机构证书。');
  const authorities = await listAuthorities(deps);
  const authority = authorities.find((one) =>
    area ? one.area === area && one.suite === input.suite && one.state === 'current' : one.keyName === input.issuerKey,
  );
  const root = authorities.find(({ keyName }) => keyName === authority?.issuerKey)?.certificate;
  if (!authority || !root || authority.suite !== input.suite) throw new Problem('authority-missing');
  const { keyName: issuerKey, certificate: issuing } = authority;
  requireOwnSuite(input.spki, input.suite);
  const notBefore = wholeSeconds(input.notBefore ?? deps.clock.now());
  const notAfter = new Date(notBefore.getTime() + input.days * DAY_MS);
  if (!(input.days > 0) || notAfter > issuing.notAfter || notBefore < issuing.notBefore) {
    throw faultyField('/days', 'The life does not fit into that of the issuing authority.', '有效期超出签发机构证书的有效期。');
  }
  const serial = newSerial(randomBytes);
  const tbs = encodeTbsCertificate({
    profile,
    suite: input.suite,
    serial: serial.bytes,
    issuer: issuing.subject.der,
    subject: encodeName(subjectAttributes(input.subject, input.profile)),
    notBefore,
    notAfter,
    spki: input.spki,
    issuerKeyIdentifier: keyIdentifier(issuing.spki),
    crlUrl: crlUrl(deps.publicOrigin, issuerKey),
    issuerUrl: issuerUrl(deps.publicOrigin, issuerKey),
    ...(namesResponder(profile, deps.publicOrigin) ? { ocspUrl: ocspUrl(deps.publicOrigin) } : {}),
    ...(input.subject.uscc ? { organisationCode: input.subject.uscc } : {}),
    ...(input.subjectAltNames ? { subjectAltNames: input.subjectAltNames } : {}),
  });
  requireCleanTbs(tbs, input.suite);
  await deps.db.$transaction(async (tx) => {
    await tx.issuedCertificate.create({
      data: {
        serialHex: serial.hex,
        issuerKey,
        profile: input.profile,
        suite: input.suite,
        subject: input.subject.commonName,
        notBefore,
        notAfter,
        tbs: Uint8Array.from(tbs),
        issuedAt: deps.clock.now(),
        issuedBy: input.by,
      },
    });
    await recordEvent(tx, {
      kind: 'certificate-issued',
      actor: input.by,
      subject: `certificate:${serial.hex}`,
      detail: { profile: input.profile, suite: input.suite, issuer: issuerKey, notAfter: notAfter.toISOString() },
      at: deps.clock.now(),
    });
    await input.within?.(tx, serial.hex);
  });
  const certificate = await completeCertificate(deps, serial.hex);
  return { certificate, chain: [certificate, issuing, root] };
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

function subjectAttributes(subject: CertificateSubject, profile: ProfileName): NameAttribute[] {
  const attributes: [string, string | undefined][] = [
    [OID.country, subject.country ?? 'CN'],
    [OID.province, subject.province],
    [OID.locality, subject.locality],
    [OID.organisation, subject.organisation],
    [OID.organisationalUnit, subject.organisationalUnit],
    // EN 319 412-1 §5.1.4: NTR is a national trade register, which the unified social credit code belongs to.
    [OID.organisationIdentifier, profile === 'document-signer' ? organisationIdentifierOf(subject) : undefined],
    [OID.commonName, subject.commonName],
  ];
  return attributes.flatMap(([oid, value]) => (value ? [{ oid, value: value.normalize('NFC') }] : []));
}

/** EN 319 412-1 §5.1.4: a scheme of two characters and a colon is a local one, here of internal codes. */
function organisationIdentifierOf({ uscc, internalCode }: CertificateSubject): string | undefined {
  if (uscc) return `NTRCN-${uscc}`;
  return internalCode ? `IC:CN-${internalCode}` : undefined;
}
