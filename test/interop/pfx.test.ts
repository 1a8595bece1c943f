/** Key files of ours, opened by three programs of others. */
import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodePfx, PFX_ITERATIONS } from '#crypto/pfx.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { runOpenSsl, runProgram } from '../fakes/run-openssl.ts';
import { testIssue } from '../fakes/test-authority.ts';

const root = testIssue('es256', undefined, { profile: 'root', days: 3_650 });
const pair = generateKeyPair('es256');
const leaf = testIssue('es256', root, { profile: 'document-signer', commonName: '数据局', spki: pair.spki });
const PASSWORD = 'correct-horse-Battery-9';
const pfx = await encodePfx({
  pkcs8: pair.pkcs8,
  chain: [leaf.certificate.der, root.certificate.der],
  password: PASSWORD,
  friendlyName: '数据局 签名',
});

test('OpenSSL reads the key, the certificates and their protection', () => {
  const run = runOpenSsl(['pkcs12', '-in', '@p12', '-passin', `pass:${PASSWORD}`, '-nodes', '-info'], { p12: pfx });
  const words = run.stderr.toString() + run.stdout.toString();
  expect(run.status).toBe(0);
  expect(words).toContain('MAC: sha256');
  expect(words.match(new RegExp(`PBES2, PBKDF2, AES-256-CBC, Iteration ${PFX_ITERATIONS}, PRF hmacWithSHA256`, 'g'))?.length).toBe(2);
  const pems = words.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  expect(pems.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual(
    [leaf, root].map(({ certificate }) => new X509Certificate(certificate.der).fingerprint256),
  );
  const key = runOpenSsl(['pkcs12', '-in', '@p12', '-passin', `pass:${PASSWORD}`, '-nodes', '-nocerts'], { p12: pfx }).stdout.toString();
  const body = key.match(/BEGIN PRIVATE KEY-----([\s\S]*?)-----END/)?.[1]?.replace(/\s/g, '') ?? '';
  expect(body).toBe(Buffer.from(pair.pkcs8).toString('base64'));
});

test('OpenSSL refuses it with another password', () => {
  const run = runOpenSsl(['pkcs12', '-in', '@p12', '-passin', 'pass:wrong', '-nodes'], { p12: pfx });
  expect(run.status).not.toBe(0);
  expect(run.stderr.toString()).toMatch(/Mac verify error/);
});

test('GnuTLS reads it', () => {
  const run = runProgram('certtool', ['--p12-info', '--inder', '--infile', '@p12', '--password', PASSWORD], { p12: pfx });
  expect(run.status).toBe(0);
  expect(run.stdout.toString()).toMatch(/BEGIN (ENCRYPTED )?PRIVATE KEY|Encrypted key/);
  expect(run.stdout.toString().match(/BEGIN CERTIFICATE/g)?.length).toBe(2);
});

test('Java’s keytool lists the key with its chain', () => {
  const args = ['-J-Duser.language=en', '-J-Dfile.encoding=UTF-8', '-J-Dsun.jnu.encoding=UTF-8'];
  const run = runProgram('keytool', [...args, '-list', '-v', '-storetype', 'PKCS12', '-keystore', '@p12', '-storepass:file', '@pass'], {
    p12: pfx,
    pass: Buffer.from(PASSWORD),
  });
  expect(run.stdout.toString() + run.stderr.toString()).toContain('PrivateKeyEntry');
  expect(run.stdout.toString()).toContain('Certificate chain length: 2');
});
