import { expect, test } from 'vitest';
import { DerError, parseDer } from '#crypto/der.ts';
import { sequence } from '#crypto/encode-der.ts';
import { EnvelopeError, openEnvelope, sealEnvelope } from '#crypto/enveloped-data.ts';
import { Sm2DecryptionError, scalarOfPkcs8 } from '#crypto/sm2-encryption.ts';
import { openSm2EnvelopedKey, sealSm2EnvelopedKey } from '#crypto/sm2-enveloped-key.ts';
import { generateKeyPair, UnsupportedKeyError } from '#crypto/suite.ts';
import { runOpenSsl } from '../../fakes/run-openssl.ts';

const sm2 = { signing: generateKeyPair('sm2-sm3'), encryption: generateKeyPair('sm2-sm3'), other: generateKeyPair('sm2-sm3') };
const p256 = { signing: generateKeyPair('es256'), encryption: generateKeyPair('es256') };

test('an SM2 key arrives in its envelope, with the public point it belongs to', () => {
  const envelope = sealSm2EnvelopedKey(sm2.signing.spki, sm2.encryption.pkcs8, sm2.encryption.spki);
  const { scalar, point } = openSm2EnvelopedKey(scalarOfPkcs8(sm2.signing.pkcs8), envelope);
  expect(Buffer.from(scalar).equals(Buffer.from(scalarOfPkcs8(sm2.encryption.pkcs8)))).toBe(true);
  expect(Buffer.from(point).equals(Buffer.from(sm2.encryption.spki.subarray(26)))).toBe(true);
});

test('OpenSSL opens the inner SM2 cipher of the envelope, and SM4 gives the number', () => {
  const envelope = sealSm2EnvelopedKey(sm2.signing.spki, sm2.encryption.pkcs8, sm2.encryption.spki);
  const key = runOpenSsl(['pkeyutl', '-decrypt', '-keyform', 'DER', '-inkey', '@key', '-in', '@cipher', '-pkeyopt', 'digest:sm3'], {
    key: sm2.signing.pkcs8,
    cipher: parseDer(envelope).at(1).bytes,
  });
  expect(key.stdout.length).toBe(16);
  const number = runOpenSsl(['enc', '-d', '-sm4-ecb', '-nopad', '-K', key.stdout.toString('hex'), '-in', '@body'], {
    body: parseDer(envelope).at(3).asBits(),
  });
  expect(number.stdout.equals(Buffer.from(scalarOfPkcs8(sm2.encryption.pkcs8)))).toBe(true);
});

test('the envelope is for one key only', () => {
  const envelope = sealSm2EnvelopedKey(sm2.signing.spki, sm2.encryption.pkcs8, sm2.encryption.spki);
  expect(() => openSm2EnvelopedKey(scalarOfPkcs8(sm2.other.pkcs8), envelope)).toThrow(Sm2DecryptionError);
  const cms = sealEnvelope(p256.signing.spki, Buffer.alloc(20, 1), p256.encryption.pkcs8);
  expect(() => openEnvelope(p256.encryption.pkcs8, cms)).toThrow(EnvelopeError);
});

test('a P-256 key arrives in a CMS envelope, and OpenSSL opens it as well', () => {
  const cms = sealEnvelope(p256.signing.spki, Buffer.alloc(20, 1), p256.encryption.pkcs8);
  expect(Buffer.from(openEnvelope(p256.signing.pkcs8, cms)).equals(Buffer.from(p256.encryption.pkcs8))).toBe(true);
  const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(p256.signing.pkcs8).toString('base64')}\n-----END PRIVATE KEY-----\n`;
  const { stdout, stderr } = runOpenSsl(['cms', '-decrypt', '-inform', 'DER', '-binary', '-in', '@cms', '-inkey', '@key'], {
    cms,
    key: Buffer.from(pem),
  });
  expect(stderr.toString()).toBe('');
  expect(stdout.equals(Buffer.from(p256.encryption.pkcs8))).toBe(true);
});

test('an envelope changed in its last byte does not open', () => {
  const cms = Uint8Array.from(sealEnvelope(p256.signing.spki, Buffer.alloc(20, 1), p256.encryption.pkcs8));
  cms[cms.length - 1] = (cms.at(-1) ?? 0) ^ 1;
  expect(() => openEnvelope(p256.signing.pkcs8, cms)).toThrow(EnvelopeError);
});

test('keys of the other suite are refused, and so is what is no envelope', () => {
  expect(() => sealEnvelope(sm2.signing.spki, Buffer.alloc(20), p256.encryption.pkcs8)).toThrow(UnsupportedKeyError);
  expect(() => sealSm2EnvelopedKey(p256.signing.spki, sm2.encryption.pkcs8, sm2.encryption.spki)).toThrow(UnsupportedKeyError);
  expect(() => openEnvelope(p256.signing.pkcs8, sequence())).toThrow(DerError);
  expect(() => openSm2EnvelopedKey(scalarOfPkcs8(sm2.signing.pkcs8), sequence())).toThrow(DerError);
});
