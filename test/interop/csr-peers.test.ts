/** Certification requests made by OpenSSL and GnuTLS. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { OID } from '#crypto/oids.ts';
import { parseCsr } from '#pki/csr.ts';
import { attributeOf } from '#pki/name.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-csr-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { cwd: folder });
  if (status !== 0) throw new Error(stderr.toString());
}

const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const SM2 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:SM2'];

function openSslRequest(key: string[], ...options: string[]): string {
  run('openssl', 'genpkey', ...key, '-out', 'k');
  run('openssl', 'req', '-new', '-utf8', '-key', 'k', '-subj', '/C=CN/CN=一号终端', ...options, '-out', 'csr');
  return readFileSync(join(folder, 'csr'), 'utf8');
}

test.each([
  ['P-256 with SHA-256', 'es256', P256, ['-sha256']],
  ['P-256 with SHA-384', 'es256', P256, ['-sha384']],
  ['RSA', 'rs256', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], []],
  ['RSA-PSS', 'rs256', ['-algorithm', 'RSA'], ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']],
  ['Ed25519', 'ed25519', ['-algorithm', 'ED25519'], []],
  ['SM2 with the default identity', 'sm2-sm3', SM2, ['-sm3', '-sigopt', 'distid:1234567812345678']],
])('OpenSSL, %s: read, and its possession of the key proved', (_what, suite, key, options) => {
  const csr = parseCsr(openSslRequest(key, ...options, '-addext', 'subjectAltName=DNS:kiosk.example.cn'));
  expect(csr.suite).toBe(suite);
  expect(attributeOf(csr.subject, OID.commonName)).toBe('一号终端');
  expect(csr.requestedAltNames).toEqual([{ kind: 'dns', value: 'kiosk.example.cn' }]);
});

test.each([
  ['SM2 without an identity', SM2, ['-sm3'], /distid:1234567812345678/],
  ['a digest of SHA-1', P256, ['-sha1'], /SHA-1/],
  ['RSA of 1024 bits', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'], [], /2048/],
  ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], [], /P-256/],
  ['a curve with its parameters written out', [...P256, '-pkeyopt', 'ec_param_enc:explicit'], [], /named curve/],
])('OpenSSL, %s: refused, and the word says why', (_what, key, options, detail) => {
  const pem = openSslRequest(key, ...options);
  expect(() => parseCsr(pem)).toThrow(expect.objectContaining({ code: 'csr-not-acceptable', detail: expect.stringMatching(detail) }));
});

test('GnuTLS: text, PEM and attributes of a request of certtool are read', () => {
  run('certtool', '--generate-privkey', '--ecc', '--curve', 'secp256r1', '--outfile', 'g.key');
  writeFileSync(join(folder, 'g.cfg'), 'cn = "kiosk"\ndns_name = "kiosk.example.cn"\nchallenge_password = "135790"\n');
  run('certtool', '--generate-request', '--load-privkey', 'g.key', '--template', 'g.cfg', '--outfile', 'g.csr');
  const csr = parseCsr(new Uint8Array(readFileSync(join(folder, 'g.csr'))));
  expect(csr).toMatchObject({ suite: 'es256', challengePassword: '135790' });
  expect(csr.requestedAltNames).toEqual([{ kind: 'dns', value: 'kiosk.example.cn' }]);
});
