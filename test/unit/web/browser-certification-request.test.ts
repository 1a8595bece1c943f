/** The DER and PKCS#10 that the browser writes, judged by our own reader, by node:crypto and by OpenSSL. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseDer } from '#crypto/der.ts';
import { integer, oid } from '#crypto/encode-der.ts';
import { parseCsr } from '#pki/csr.ts';

const writer = await import('../../../templates/assets/der-writer.js');
const requests = await import('../../../templates/assets/certification-request.js');
const held = await import('../../../templates/assets/held-keys.js');

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test.each([
  [0, '0400'],
  [1, '0401'],
  [127, '047f'],
  [128, '048180'],
  [255, '0481ff'],
  [256, '04820100'],
  [65_536, '0483010000'],
])('%i octets get the shortest length', (length, head) => {
  const written = writer.element(0x04, new Uint8Array(length));
  expect(hex(written.subarray(0, head.length / 2))).toBe(head);
  expect(parseDer(written).content.length).toBe(length);
});

test.each([
  ['0000', '020100'],
  ['', '020100'],
  ['7f', '02017f'],
  ['80', '02020080'],
  ['0080', '02020080'],
  ['00007f', '02017f'],
  ['ff00', '020300ff00'],
])('the number %s has no needless zeros and no sign', (octets, expected) => {
  expect(hex(writer.unsignedInteger(Buffer.from(octets, 'hex')))).toBe(expected);
});

test.each(['1.2.840.10045.4.3.2', '1.3.6.1.5.5.7.1.1', '2.5.4.3', '1.2.156.10197.1.501', '0.9.2342.19200300.100.1.1'])(
  'the object identifier %s is as our own writer has it',
  (dotted) => {
    expect(hex(writer.objectIdentifier(dotted))).toBe(hex(oid(dotted)));
  },
);

test('what cannot be written is refused', () => {
  for (const value of [-1, 128, 1.5]) expect(() => writer.smallInteger(value)).toThrow(RangeError);
  for (const dotted of ['1', '', '1.x', '1.-2']) expect(() => writer.objectIdentifier(dotted)).toThrow(RangeError);
  expect(() => requests.derSignature(new Uint8Array(63))).toThrow(RangeError);
  expect(hex(writer.smallInteger(0))).toBe(hex(integer(0)));
});

test('a request of WebCrypto is read by us and by OpenSSL, and its key cannot be read out', async () => {
  const pair = await held.makeKeyPair();
  const pem = await requests.certificationRequest(pair);
  const csr = parseCsr(pem);
  expect([csr.suite, csr.attributes, csr.requestedAltNames]).toEqual(['es256', [], []]);
  expect(await held.fingerprintOf(pair.publicKey)).toBe(createHash('sha256').update(csr.spki).digest('hex'));
  const run = spawnSync('openssl', ['req', '-verify', '-noout', '-text'], { input: pem });
  expect(run.stderr.toString() + run.stdout.toString()).toContain('verify OK');
  expect(run.stdout.toString()).toContain('ecdsa-with-SHA256');
  await expect(crypto.subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow();
});

test('many signatures become DER that is right each time, whatever their leading bits', async () => {
  const pair = await held.makeKeyPair();
  for (let index = 0; index < 40; index++) expect(parseCsr(await requests.certificationRequest(pair)).suite).toBe('es256');
});

test('a request whose signature is another key’s is refused by the server', async () => {
  const [pair, other] = [await held.makeKeyPair(), await held.makeKeyPair()];
  const forged = await requests.certificationRequest({ publicKey: pair.publicKey, privateKey: other.privateKey });
  expect(() => parseCsr(forged)).toThrow(expect.objectContaining({ code: 'csr-not-acceptable' }));
});
