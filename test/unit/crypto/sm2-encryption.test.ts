import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DerError, parseDer } from '#crypto/der.ts';
import { integer, octetString, sequence } from '#crypto/encode-der.ts';
import { decryptSm2, encryptSm2, Sm2DecryptionError, scalarOfPkcs8 } from '#crypto/sm2-encryption.ts';
import { generateKeyPair, UnsupportedKeyError } from '#crypto/suite.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

/** GB/T 32918.5-2017, annex C. */
const VECTOR = {
  secret: hex('3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8'),
  x: '04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73',
  y: 'e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0',
  hash: '59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766',
  body: '21886ca989ca9c7d58087307ca93092d651efa',
};
const vectorCipher = sequence(
  integer(hex(VECTOR.x)),
  integer(BigInt(`0x${VECTOR.y}`)),
  octetString(hex(VECTOR.hash)),
  octetString(hex(VECTOR.body)),
);

test('the ciphertext of GB/T 32918.5 annex C gives its plain text back', () => {
  expect(Buffer.from(decryptSm2(VECTOR.secret, vectorCipher)).toString()).toBe('encryption standard');
});

test('what we encrypt we decrypt, for many keys and lengths, and the first octet of a coordinate may be zero', () => {
  for (let round = 0; round < 20; round++) {
    const { pkcs8, spki } = generateKeyPair('sm2-sm3');
    const plain = Buffer.alloc(2 + round * 13, round + 1);
    expect(Buffer.from(decryptSm2(scalarOfPkcs8(pkcs8), encryptSm2(spki, plain))).equals(plain)).toBe(true);
  }
});

test.each(['pkeyutl -encrypt', 'pkeyutl -decrypt'])('OpenSSL agrees: %s', (direction) => {
  const folder = mkdtempSync(join(tmpdir(), 'sm2-'));
  try {
    const { pkcs8, spki } = generateKeyPair('sm2-sm3');
    const file = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const key = file('key.der', pkcs8);
    const run = (...args: string[]) =>
      execFileSync('openssl', ['pkeyutl', ...args, '-keyform', 'DER', '-inkey', key, '-pkeyopt', 'digest:sm3']);
    if (direction.endsWith('-encrypt')) {
      const theirs = run('-encrypt', '-in', file('plain', Buffer.from('a key of theirs')));
      expect(Buffer.from(decryptSm2(scalarOfPkcs8(pkcs8), theirs)).toString()).toBe('a key of theirs');
    } else {
      const ours = file('cipher', encryptSm2(spki, Buffer.from('a key of ours')));
      expect(run('-decrypt', '-in', ours).toString()).toBe('a key of ours');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const pair = generateKeyPair('sm2-sm3');
const cipher = encryptSm2(pair.spki, Buffer.from('a key'));
const parts = parseDer(cipher).children.map(({ bytes }) => bytes);
const withPart = (index: number, bytes: Uint8Array) => sequence(...parts.map((part, place) => (place === index ? bytes : part)));

test.each<[string, Uint8Array]>([
  ['another point', withPart(0, integer(5))],
  ['a coordinate beyond the field', withPart(1, integer((1n << 256n) - 1n))],
  ['a changed hash', withPart(2, octetString(Buffer.alloc(32)))],
  ['a hash cut short', withPart(2, octetString(Buffer.alloc(31)))],
  ['a changed body', withPart(3, octetString(Buffer.from('other')))],
  ['an empty body', withPart(3, octetString(Buffer.alloc(0)))],
])('a ciphertext with %s does not open', (_what, bytes) => {
  expect(() => decryptSm2(scalarOfPkcs8(pair.pkcs8), bytes)).toThrow(Sm2DecryptionError);
});

test('a coordinate of 33 octets and a structure of other parts are not SM2Cipher', () => {
  expect(() => decryptSm2(scalarOfPkcs8(pair.pkcs8), withPart(0, integer(1n << 256n)))).toThrow(DerError);
  expect(() => decryptSm2(scalarOfPkcs8(pair.pkcs8), sequence(...parts.slice(0, 3)))).toThrow(DerError);
});

test('the key of somebody else does not open it', () => {
  expect(() => decryptSm2(scalarOfPkcs8(generateKeyPair('sm2-sm3').pkcs8), cipher)).toThrow(Sm2DecryptionError);
});

test('a P-256 key and an empty text are refused', () => {
  expect(() => encryptSm2(generateKeyPair('es256').spki, Buffer.from('xy'))).toThrow(UnsupportedKeyError);
  expect(() => encryptSm2(pair.spki, new Uint8Array())).toThrow(RangeError);
});
