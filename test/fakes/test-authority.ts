import { randomBytes } from 'node:crypto';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair, importPrivateKey, type PrivateKey, type Suite, signMessage } from '#crypto/suite.ts';
import { assembleCertificate, encodeTbsCertificate, keyIdentifier, type TbsCertificateInput } from '#pki/build-certificate.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl, type RevokedEntry } from '#pki/crl.ts';
import { assembleCrl, encodeTbsCrl, type TbsCrlInput } from '#pki/encode-crl.ts';
import { encodeName } from '#pki/name.ts';
import { type CertificateProfile, PROFILES, type ProfileName } from '#pki/profiles.ts';

const DAY_MS = 86_400_000;

export interface TestEntity {
  certificate: Certificate;
  key: PrivateKey;
}

export interface TestIssueOptions {
  profile?: ProfileName | CertificateProfile;
  commonName?: string;
  spki?: Uint8Array;
  notBefore?: Date;
  days?: number;
  change?: Partial<TbsCertificateInput>;
}

/** A name as our authorities write it. */
export const testName = (commonName: string, uscc?: string): Uint8Array =>
  encodeName([
    { oid: OID.country, value: 'CN' },
    { oid: OID.organisation, value: '示范市' },
    ...(uscc ? [{ oid: OID.organisationIdentifier, value: `NTRCN-${uscc}` }] : []),
    { oid: OID.commonName, value: commonName },
  ]);

/** The bytes to be signed for a certificate by profile, issued by `issuer`, or by itself. */
export function testTbs(suite: Suite, issuer: TestEntity | undefined, spki: Uint8Array, options: TestIssueOptions = {}): Uint8Array {
  const profile = typeof options.profile === 'object' ? options.profile : PROFILES[options.profile ?? 'seal'];
  const coded = profile.requiredSubject.includes(OID.organisationIdentifier);
  const subject = testName(options.commonName ?? profile.name, coded ? '11110000000000000X' : undefined);
  const notBefore = options.notBefore ?? new Date('2026-01-01T00:00:00Z');
  const serial = Uint8Array.from(randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return encodeTbsCertificate({
    profile,
    suite,
    serial,
    issuer: issuer?.certificate.subject.der ?? subject,
    subject,
    notBefore,
    notAfter: new Date(notBefore.getTime() + (options.days ?? 365) * DAY_MS),
    spki,
    ...(issuer ? { issuerKeyIdentifier: keyIdentifier(issuer.certificate.spki), crlUrl: 'http://ca.example.cn/crl/x.crl' } : {}),
    ...(profile.mandate ? { mandate: { reference: 'SQ-2026-0001', validUntil: new Date('2036-01-01T00:00:00Z') } } : {}),
    ...options.change,
  });
}

/** Issues under `issuer`, or a self-signed root, in memory. */
export function testIssue(suite: Suite, issuer: TestEntity | undefined, options: TestIssueOptions = {}): TestEntity {
  const pair = generateKeyPair(suite);
  const key = importPrivateKey(pair.pkcs8);
  const signer = issuer?.key ?? key;
  const tbs = testTbs(signer.suite, issuer, options.spki ?? pair.spki, options);
  return { certificate: parseCertificate(assembleCertificate(tbs, signer.suite, signMessage(signer, tbs))), key };
}

/** Root, issuing authority and a seal certificate of one suite. */
export function testChain(suite: Suite): { root: TestEntity; issuing: TestEntity; leaf: TestEntity } {
  const root = testIssue(suite, undefined, { profile: 'root', days: 3_650 });
  const issuing = testIssue(suite, root, { profile: 'issuing', days: 3_000 });
  return { root, issuing, leaf: testIssue(suite, issuing) };
}

export function testCrl(issuer: TestEntity, entries: Iterable<RevokedEntry> = [], change: Partial<TbsCrlInput> = {}): Crl {
  const tbs = encodeTbsCrl({
    suite: issuer.key.suite,
    issuer: issuer.certificate.subject.der,
    issuerKeyIdentifier: keyIdentifier(issuer.certificate.spki),
    number: 1n,
    thisUpdate: new Date('2026-05-30T00:00:00Z'),
    nextUpdate: new Date('2026-06-06T00:00:00Z'),
    entries,
    ...change,
  });
  return parseCrl(assembleCrl(tbs, issuer.key.suite, signMessage(issuer.key, tbs)));
}
