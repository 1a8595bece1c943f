import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isOnCurve, P256_CURVE, SM2_CURVE } from '#crypto/elliptic-point.ts';
import { generateKeyPair, importPrivateKey, importPublicKey, signMessage, UnsupportedKeyError, verifyMessage } from '#crypto/suite.ts';

const SUITES = [
  ['es256', P256_CURVE],
  ['sm2-sm3', SM2_CURVE],
] as const;
const hex = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

describe.each(SUITES)('%s', (suite, curve) => {
  const fresh = () => generateKeyPair(suite).spki;

  test('every key that was made is on its curve, and OpenSSL reads it when it is used', () => {
    for (let round = 0; round < 50; round++) {
      const pair = generateKeyPair(suite);
      expect(isOnCurve(pair.spki.subarray(26), curve)).toBe(true);
      const key = importPublicKey(pair.spki);
      expect(key.suite).toBe(suite);
      const message = Buffer.from(`message ${round}`);
      const signature = signMessage(importPrivateKey(pair.pkcs8), message);
      expect(verifyMessage(key, message, signature)).toBe(true);
      expect(key.key.export({ type: 'spki', format: 'der' })).toEqual(Buffer.from(pair.spki));
    }
  });

  test('what is not on the curve is refused, as OpenSSL refuses it', () => {
    for (let bit = 0; bit < 64 * 8; bit += 7) {
      const spki = Buffer.from(fresh());
      const at = 27 + (bit >> 3);
      spki[at] = (spki[at] ?? 0) ^ (1 << (bit & 7));
      expect(isOnCurve(spki.subarray(26), curve)).toBe(false);
      expect(() => createPublicKey({ key: spki, format: 'der', type: 'spki' })).toThrow();
      expect(() => importPublicKey(spki)).toThrow(UnsupportedKeyError);
    }
  });

  test('a coordinate that was not reduced, zeros, and other forms are refused', () => {
    const spki = Buffer.from(fresh());
    const withPoint = (x: Buffer, y: Buffer, form = 4) => Buffer.concat([spki.subarray(0, 26), Buffer.of(form), x, y]);
    const [x, y] = [spki.subarray(27, 59), spki.subarray(59)];
    for (const bad of [withPoint(hex(curve.p), y), withPoint(x, hex(curve.p)), withPoint(hex(0n), hex(0n)), withPoint(x, y, 0)]) {
      expect(isOnCurve(bad.subarray(26), curve)).toBe(false);
      expect(() => importPublicKey(bad)).toThrow(UnsupportedKeyError);
    }
    const minus = withPoint(x, hex(curve.p - BigInt(`0x${y.toString('hex')}`)));
    expect(isOnCurve(minus.subarray(26), curve)).toBe(true);
    expect(isOnCurve(minus.subarray(26, 90), curve)).toBe(false);
    expect(isOnCurve(minus.subarray(26), suite === 'es256' ? SM2_CURVE : P256_CURVE)).toBe(false);
  });
});

test('the point that both equations would take from an unreduced x is refused', () => {
  // b of P-256 is a square, so that (0, √b) is on the curve; x = p is the same point written longer.
  const root = modularRoot(P256_CURVE.b, P256_CURVE.p);
  expect(isOnCurve(Buffer.concat([Buffer.of(4), hex(0n), hex(root)]), P256_CURVE)).toBe(true);
  expect(isOnCurve(Buffer.concat([Buffer.of(4), hex(P256_CURVE.p), hex(root)]), P256_CURVE)).toBe(false);
});

/** p ≡ 3 (mod 4). */
function modularRoot(value: bigint, p: bigint): bigint {
  let [result, base, exponent] = [1n, value, (p + 1n) / 4n];
  for (; exponent > 0n; exponent >>= 1n, base = (base * base) % p) if (exponent & 1n) result = (result * base) % p;
  return result;
}
