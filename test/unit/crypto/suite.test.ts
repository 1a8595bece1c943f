import { sm2 } from 'sm-crypto-v2';
import { expect, test } from 'vitest';
import {
  assertSm2KnownAnswer,
  generateKeyPair,
  importPrivateKey,
  importPublicKey,
  rawFromDerSignature,
  SUITES,
  signMessage,
  verifyMessage,
} from '#crypto/suite.ts';

test('SM2 gives the answer of GB/T 32918.5', () => {
  expect(() => assertSm2KnownAnswer()).not.toThrow();
});

test.each(SUITES)('%s verifies what it signed and nothing else', (suite) => {
  const pair = generateKeyPair(suite);
  const key = importPrivateKey(pair.pkcs8);
  expect(key.suite).toBe(suite);
  const message = Buffer.from('扫码亮证');
  const signature = signMessage(key, message);
  expect(verifyMessage(importPublicKey(pair.spki), message, signature)).toBe(true);
  expect(verifyMessage(importPublicKey(pair.spki), Buffer.from('扫码亮件'), signature)).toBe(false);
  expect(verifyMessage(importPublicKey(generateKeyPair(suite).spki), message, signature)).toBe(false);
});

test('an SM2 signature of ours is accepted by an independent implementation', () => {
  const pair = generateKeyPair('sm2-sm3');
  const signature = rawFromDerSignature(signMessage(importPrivateKey(pair.pkcs8), Buffer.from('hello')));
  const point = Buffer.from(pair.spki.subarray(26)).toString('hex');
  expect(sm2.doVerifySignature('hello', Buffer.from(signature).toString('hex'), point, { hash: true })).toBe(true);
});
