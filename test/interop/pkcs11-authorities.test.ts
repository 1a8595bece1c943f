/** The whole issue path with its P-256 keys inside SoftHSM2 and its SM2 keys in files; OpenSSL judges what comes out. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { keysBySuite } from '#adapters/keys-by-suite.ts';
import { pkcs11KeyStore } from '#adapters/pkcs11-keys.ts';
import { answerOcsp } from '#certificates/answer-ocsp.ts';
import { currentCrls, trustedCertificates } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { publishCrls } from '#certificates/publish-crls.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { digest, generateKeyPair } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { toPem } from '#pki/pem.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { softHsm } from '../fakes/soft-hsm.ts';
import { testDatabase } from '../test-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-hsm-ca-'));
const hsm = softHsm();
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  hsm.remove();
});
const { db } = await testDatabase();
const clock = { now: () => new Date() };
const secret = 'a secret of this test alone, long enough';
const token = await pkcs11KeyStore({ ...hsm, secret });
const files = await fileKeyStore({ folder: join(folder, 'keys'), secret });
const deps = { db, clock, keys: guardedKeyStore(keysBySuite([token, files]), { clock }), publicOrigin: 'http://127.0.0.1:3000' };

const path = (name: string) => join(folder, name);
const openssl = (...words: string[]) => {
  const run = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' });
  return run.stdout + run.stderr;
};
const issued: Certificate[] = [];

beforeAll(async () => {
  await initialiseAuthorities(deps);
  for (const name of ['good', 'revoked']) {
    const { certificate, chain } = await issueCertificate(deps, {
      profile: 'person',
      suite: 'es256',
      subject: { commonName: '张三' },
      spki: generateKeyPair('es256').spki,
      days: 30,
      by: 'system:test',
    });
    issued.push(certificate);
    writeFileSync(path(`${name}.pem`), toPem('CERTIFICATE', certificate.der));
    writeFileSync(path('issuer.pem'), toPem('CERTIFICATE', chain[1]?.der ?? new Uint8Array()));
  }
  await revokeCertificate(deps, { serialHex: issued[1]?.serialHex ?? '', reason: 'key-compromise', by: 'system:test' });
  await publishCrls(deps);
  const { roots, issuing } = await trustedCertificates(deps);
  const pem = (all: readonly Certificate[]) =>
    all
      .filter(({ spki }) => spki.length === 91 && !Buffer.from(spki).includes(Buffer.from('2a811ccf5501822d', 'hex')))
      .map(({ der }) => toPem('CERTIFICATE', der))
      .join('');
  writeFileSync(path('roots.pem'), pem(roots));
  writeFileSync(path('issuing.pem'), pem(issuing));
  writeFileSync(path('crls.pem'), (await currentCrls(deps)).map(({ der }) => toPem('X509 CRL', der)).join(''));
}, 60_000);

test('the P-256 keys are in the token and no file, the SM2 keys in files and not in the token', async () => {
  const inFiles = readdirSync(path('keys'))
    .filter((name) => name.endsWith('.key.json'))
    .map((name) => name.replace('.key.json', ''));
  expect(inFiles.filter((name) => name.includes('p256'))).toEqual([]);
  expect(inFiles).toContain('ca-root-sm2');
  expect((await token.find('ca-root-p256'))?.purposes).toEqual(['certificate', 'crl']);
  expect(await token.find('ca-root-sm2')).toBeUndefined();
});

test('OpenSSL verifies a certificate up to the root in the token, and sees one revoked in its CRL', () => {
  const trust = ['-CAfile', 'roots.pem', '-untrusted', 'issuing.pem'];
  expect(openssl('verify', ...trust, 'good.pem')).toContain('good.pem: OK');
  const withCrl = [...trust, '-crl_check_all', '-CRLfile', 'crls.pem'];
  expect(openssl('verify', ...withCrl, 'good.pem')).toContain('good.pem: OK');
  expect(openssl('verify', ...withCrl, 'revoked.pem')).toContain('certificate revoked');
});

test.each([
  ['good', 0],
  ['revoked', 1],
] as const)('OpenSSL accepts an OCSP answer signed in the token: %s', async (status, at) => {
  const certificate = issued[at] as Certificate;
  const { issuing } = await trustedCertificates(deps);
  const issuer = issuing.find(({ subject }) => Buffer.compare(subject.der, certificate.issuer.der) === 0) as Certificate;
  const request = encodeOcspRequest([encodeCertId(issuerHashes(issuer, 'sha1'), 'sha1', certificate.serialBytes)]);
  const reply = await answerOcsp(deps, request);
  writeFileSync(path('ocsp.der'), reply.der);
  const output = openssl(
    'ocsp',
    '-respin',
    'ocsp.der',
    '-issuer',
    'issuer.pem',
    '-cert',
    `${status}.pem`,
    '-CAfile',
    'roots.pem',
    '-verify_other',
    'issuing.pem',
    '-no_nonce',
  );
  expect(output).toContain('Response verify OK');
  expect(output).toContain(`${status}.pem: ${status}`);
});

test('OpenSSL accepts a time-stamp signed in the token', async () => {
  writeFileSync(path('data'), 'what was there at that time');
  const stamped = await requestTimestamp(deps, {
    imprint: digest('sha256', Buffer.from('what was there at that time')),
    digest: 'sha256',
    suite: 'es256',
  });
  writeFileSync(path('token.der'), stamped);
  const output = openssl(
    'ts',
    '-verify',
    '-token_in',
    '-in',
    'token.der',
    '-data',
    'data',
    '-CAfile',
    'roots.pem',
    '-untrusted',
    'issuing.pem',
  );
  expect(output).toContain('Verification: OK');
});

test('a second start on the same token finds its authorities and issues on', async () => {
  const again = guardedKeyStore(keysBySuite([await pkcs11KeyStore({ ...hsm, secret }), files]), { clock });
  await initialiseAuthorities({ ...deps, keys: again });
  const { certificate } = await issueCertificate(
    { ...deps, keys: again },
    {
      profile: 'person',
      suite: 'es256',
      subject: { commonName: '李四' },
      spki: generateKeyPair('es256').spki,
      days: 30,
      by: 'system:test',
    },
  );
  writeFileSync(path('second.pem'), toPem('CERTIFICATE', certificate.der));
  expect(openssl('verify', '-CAfile', 'roots.pem', '-untrusted', 'issuing.pem', 'second.pem')).toContain('second.pem: OK');
});

test('keys made in files before the token came keep working, and a name is never given twice', async () => {
  await files.create('seal-old-p256', 'es256', ['cms-attributes']);
  const both = keysBySuite([token, files]);
  expect(await both.find('seal-old-p256')).toMatchObject({ suite: 'es256' });
  expect(await both.sign('seal-old-p256', 'cms-attributes', Buffer.from('x'))).toBeInstanceOf(Uint8Array);
  await expect(both.create('seal-old-p256', 'es256', ['cms-attributes'])).rejects.toMatchObject({ code: 'key-exists' });
  await expect(keysBySuite([token]).create('seal-new-sm2', 'sm2-sm3', ['seal-signature'])).rejects.toMatchObject({
    code: 'suite-not-offered',
  });
  expect(await both.findByPublicKey((await token.find('ca-root-p256'))?.spki ?? new Uint8Array())).toMatchObject({ name: 'ca-root-p256' });
});
