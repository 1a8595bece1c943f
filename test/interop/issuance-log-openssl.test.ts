/** OpenSSL checks what we sign for everybody: heads of the issuance log in both suites, and the anchors of the trust list. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type HeadSignature, headDocument } from '#certificates/log-head.ts';
import { trustListPem } from '#certificates/trust-list-anchors.ts';
import type { TrustList } from '#certificates/trust-list-format.ts';
import { generateKeyPair, importPrivateKey, signMessage } from '#crypto/suite.ts';
import { toPem } from '#pki/pem.ts';
import { encodeTreeHead, parseDigitallySigned } from '#pki/tree-head.ts';
import { DocumentAuthority } from '../fakes/document-authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-openssl-log-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const openssl = (...words: string[]) => {
  const { stdout, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
  return stdout + stderr;
};

const head = { size: 42, at: new Date('2026-06-01T08:00:00.123Z'), rootHash: new Uint8Array(32).fill(7) };
const signatures = (['es256', 'sm2-sm3'] as const).map((suite): HeadSignature => {
  const pair = generateKeyPair(suite);
  return { name: suite, suite, spki: pair.spki, signature: signMessage(importPrivateKey(pair.pkcs8), encodeTreeHead(head)) };
});

test.each([
  ['es256', 'tree_head_signature', ['-sha256']],
  ['sm2-sm3', 'sm2_tree_head_signature', ['-sm3', '-sigopt', 'distid:1234567812345678']],
] as const)('a head signed in %s is verified by OpenSSL, and a changed one is not', (suite, member, words) => {
  const served = headDocument(head, signatures);
  // TreeHeadSignature as RFC 6962 §3.5 says, put together from what is served.
  const message = Buffer.alloc(50);
  message.writeUInt8(1, 1);
  message.writeBigUInt64BE(BigInt(served.timestamp), 2);
  message.writeBigUInt64BE(BigInt(served.tree_size), 10);
  message.set(Buffer.from(served.sha256_root_hash, 'base64'), 18);
  const signed = Buffer.from(served[member] ?? '', 'base64');
  const key = file(`${suite}.pem`, toPem('PUBLIC KEY', signatures.find((one) => one.suite === suite)?.spki ?? new Uint8Array()));
  const value = file(`${suite}.sig`, parseDigitallySigned(suite, signed) ?? new Uint8Array());
  const judge = (bytes: Uint8Array) => openssl('dgst', ...words, '-verify', key, '-signature', value, file(`${suite}.bin`, bytes));
  expect(judge(message)).toContain('Verified OK');
  message[17] = 43;
  expect(judge(message)).toMatch(/verification fail/i);
});

test('OpenSSL finds its anchors in the bundle of the trust list, comments and all', () => {
  const authority = new DocumentAuthority({ name: '邻省根证书', suite: 'es256' });
  const { certificate } = authority.root;
  const time = '2026-01-01T00:00:00.000Z';
  const list: TrustList = {
    format: 'tongren-trust-list',
    version: 1,
    issuer: 'https://trust.example.cn',
    sequence: 1,
    issuedAt: time,
    nextUpdate: time,
    entries: [
      {
        id: '019a0000-0000-7000-8000-000000000000',
        name: { zh: '邻省', en: 'Neighbour\n-----BEGIN CERTIFICATE-----' },
        state: 'active',
        official: false,
        certificates: [Buffer.from(certificate.der).toString('base64')],
        fingerprint: certificate.fingerprint,
        suite: 'es256',
        constraints: { purposes: ['server'] },
        validFrom: time,
        validUntil: '2039-01-01T00:00:00.000Z',
        importedBy: 'staff:1',
        importedAt: time,
        approvedBy: 'staff:2',
        approvedAt: time,
      },
    ],
  };
  const bundle = file('bundle.pem', trustListPem(list, new Date('2026-06-01T00:00:00Z')));
  const leaf = file('leaf.pem', toPem('CERTIFICATE', authority.issue('web-server').certificate.der));
  const at = String(Date.parse('2026-06-01T00:00:00Z') / 1000);
  expect(openssl('verify', '-attime', at, '-CAfile', bundle, leaf)).toContain(': OK');
  const none = file('none.pem', trustListPem(list, new Date('2040-01-01T00:00:00Z')));
  expect(openssl('verify', '-attime', at, '-no-CApath', '-no-CAstore', '-CAfile', none, leaf)).not.toContain(': OK');
});
