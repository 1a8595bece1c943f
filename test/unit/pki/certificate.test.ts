import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DerError } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { checkSignature, isIssuedBy, parseCertificate, parseCertificateFile, serialToHex } from '#pki/certificate.ts';
import { attributeOf, namesEqual, nameToString } from '#pki/name.ts';
import { parsePem, toPem } from '#pki/pem.ts';
import { PROFILES, type ProfileName, profileOf } from '#pki/profiles.ts';
import { testChain, testIssue } from '../../fakes/test-authority.ts';

const vector = (name: string) => readFileSync(new URL(`../../vectors/sm2/${name}`, import.meta.url));

test('an SM2 certificate made by OpenSSL is read, and its issuer’s signature is right', () => {
  const [leaf, authority] = ['s.crt', 'ca.crt'].map((name) => parseCertificateFile(vector(name)));
  if (!leaf || !authority) throw new Error('vectors');
  expect(nameToString(leaf.subject)).toBe('C=CN, O=t, CN=sm2seal');
  expect(leaf.keyUsage).toEqual(new Set(['digital-signature', 'non-repudiation']));
  expect(leaf.signatureOid).toBe(OID.sm2WithSm3);
  expect(isIssuedBy(leaf, authority)).toBe(true);
  expect(isIssuedBy(authority, authority)).toBe(true);
  expect(isIssuedBy(authority, leaf)).toBe(false);
});

test.each(['sm2-sm3', 'es256'] as const)('%s: what the builder writes, the reader reads', (suite) => {
  const { root, issuing, leaf } = testChain(suite);
  const { certificate } = leaf;
  expect(certificate.version).toBe(3);
  expect(certificate.basicConstraints).toEqual({ ca: false });
  expect(issuing.certificate.basicConstraints).toEqual({ ca: true, pathLength: 0 });
  expect(certificate.aki).toEqual(issuing.certificate.ski);
  expect(attributeOf(certificate.subject, OID.organisation)).toBe('示范市');
  expect(certificate.notBefore).toEqual(new Date('2026-01-01T00:00:00Z'));
  expect(certificate.crlAddresses).toEqual(['http://ca.example.cn/crl/x.crl']);
  expect(certificate.faultyExtensions).toEqual([]);
  expect(namesEqual(certificate.issuer, issuing.certificate.subject)).toBe(true);
  expect([checkSignature(certificate, issuing.certificate), checkSignature(certificate, root.certificate)]).toEqual(['good', 'bad']);
});

test.each(Object.keys(PROFILES) as ProfileName[])('the profile %s is known again from the certificate', (profile) => {
  const { root, issuing } = testChain('es256');
  const entity = profile === 'root' ? root : profile === 'issuing' ? issuing : testIssue('es256', issuing, { profile, days: 30 });
  expect(profileOf(entity.certificate)).toBe(profile);
});

test('each profile gives a reason for at least one of its choices, and no two share a policy', () => {
  const policies = Object.values(PROFILES).flatMap(({ policy }) => policy ?? []);
  expect(new Set(policies).size).toBe(policies.length);
  for (const { because } of Object.values(PROFILES)) expect(Object.keys(because).length).toBeGreaterThan(0);
});

test('a certificate of which any byte was changed is unreadable, or no longer signed, or the same in meaning', () => {
  const { issuing, leaf } = testChain('es256');
  const { der } = leaf.certificate;
  for (let at = 0; at < der.length; at++) {
    const changed = Uint8Array.from(der);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    let outcome = 'unreadable';
    try {
      outcome = checkSignature(parseCertificate(changed), issuing.certificate);
    } catch (error) {
      expect(error).toBeInstanceOf(DerError);
    }
    expect(outcome, `byte ${at}`).not.toBe('good');
  }
});

test('names compare without case and runs of blanks, and never by part', () => {
  const name = (commonName: string) => testIssue('es256', undefined, { profile: 'root', commonName }).certificate.subject;
  expect(namesEqual(name('City  Root'), name('city root'))).toBe(true);
  expect(namesEqual(name('City Root'), name('City Root 2'))).toBe(false);
  expect(nameToString(name('a,b+c="d"'))).toContain(String.raw`CN=a\,b\+c\=\"d\"`);
});

test('PEM goes both ways, tolerates text around it, and several blocks', () => {
  const { der } = testChain('es256').leaf.certificate;
  const text = `subject=…\n${toPem('CERTIFICATE', der)}\r\n${toPem('X509 CRL', der)}`;
  expect(parsePem(text)).toHaveLength(2);
  expect(parsePem(text, 'CERTIFICATE')).toEqual([Uint8Array.from(der)]);
  expect(parsePem('-----BEGIN A-----\nAA\n-----END B-----')).toEqual([]);
});

test.each([
  [0n, '00'],
  [255n, 'ff'],
  [4096n, '1000'],
  [-1n, '-01'],
])('the serial %s is written %s', (serial, hex) => {
  expect(serialToHex(serial)).toBe(hex);
});
