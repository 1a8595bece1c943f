/** A small certificate authority for tests: one root, leaves by profile, lists of revoked certificates. Keys are fresh, times are given. */

import { OID } from '#crypto/oids.ts';
import { generateKeyPair, importPrivateKey, type PrivateKey, type Suite, signMessage } from '#crypto/suite.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';
import { assembleCertificate, encodeTbsCertificate, keyIdentifier } from '#pki/build-certificate.ts';
import { Certificate } from '#pki/certificate.ts';
import { type Crl, parseCrl, type RevokedEntry } from '#pki/crl.ts';
import { assembleCrl, encodeTbsCrl } from '#pki/encode-crl.ts';
import { encodeName } from '#pki/name.ts';
import { type CertificateProfile, PROFILES, type ProfileName } from '#pki/profiles.ts';

export interface TestIdentity {
  certificate: Certificate;
  key: PrivateKey;
  sign: SignBytes;
}

export interface IssueOptions {
  commonName?: string;
  organisation?: string;
  notBefore?: Date;
  notAfter?: Date;
  suite?: Suite;
  /** Addresses written into the certificate. */
  ocspUrl?: string;
  crlUrl?: string;
  /** Changes to the profile; `policy: ''` leaves the policy out, as foreign certificates do. */
  change?: Partial<CertificateProfile>;
}

export class DocumentAuthority {
  readonly root: TestIdentity;
  readonly #suite: Suite;
  #serial = 1;

  constructor(options: { name?: string; suite?: Suite; from?: Date; to?: Date } = {}) {
    this.#suite = options.suite ?? 'sm2-sm3';
    const keys = generateKeyPair(this.#suite);
    const name = testName(options.name ?? '测试根证书', '测试机构');
    const tbs = encodeTbsCertificate({
      profile: PROFILES.root,
      suite: this.#suite,
      serial: Uint8Array.of(this.#serial++),
      issuer: name,
      subject: name,
      notBefore: options.from ?? new Date('2020-01-01T00:00:00Z'),
      notAfter: options.to ?? new Date('2040-01-01T00:00:00Z'),
      spki: keys.spki,
    });
    const key = importPrivateKey(keys.pkcs8);
    const certificate = new Certificate(assembleCertificate(tbs, this.#suite, signMessage(key, tbs)));
    this.root = { certificate, key, sign: async (bytes) => signMessage(key, bytes) };
  }

  issue(profileName: ProfileName, options: IssueOptions = {}): TestIdentity {
    const suite = options.suite ?? this.#suite;
    const keys = generateKeyPair(suite);
    const profile: CertificateProfile = { ...PROFILES[profileName], ...options.change };
    const { root } = this;
    const tbs = encodeTbsCertificate({
      profile,
      suite: this.#suite,
      serial: Uint8Array.of(0x01, this.#serial++),
      issuer: root.certificate.subject.der,
      subject: testName(options.commonName ?? profileName, options.organisation ?? '测试局'),
      notBefore: options.notBefore ?? new Date('2025-01-01T00:00:00Z'),
      notAfter: options.notAfter ?? new Date('2029-01-01T00:00:00Z'),
      spki: keys.spki,
      issuerKeyIdentifier: keyIdentifier(root.certificate.spki),
      ...(options.ocspUrl ? { ocspUrl: options.ocspUrl } : {}),
      ...(options.crlUrl ? { crlUrl: options.crlUrl } : {}),
    });
    const key = importPrivateKey(keys.pkcs8);
    const certificate = new Certificate(assembleCertificate(tbs, this.#suite, signMessage(root.key, tbs)));
    return { certificate, key, sign: async (bytes) => signMessage(key, bytes) };
  }

  crl(entries: readonly Pick<RevokedEntry, 'serialHex' | 'revokedAt'>[], thisUpdate: Date, nextUpdate: Date): Crl {
    const tbs = encodeTbsCrl({
      suite: this.#suite,
      issuer: this.root.certificate.subject.der,
      issuerKeyIdentifier: keyIdentifier(this.root.certificate.spki),
      number: 1n,
      thisUpdate,
      nextUpdate,
      entries: entries.map((entry) => ({ ...entry, reason: 'key-compromise' as const })),
    });
    return parseCrl(assembleCrl(tbs, this.#suite, signMessage(this.root.key, tbs)));
  }
}

function testName(commonName: string, organisation: string): Uint8Array {
  return encodeName([
    { oid: OID.country, value: 'CN' },
    { oid: OID.organisation, value: organisation },
    { oid: OID.commonName, value: commonName },
  ]);
}
