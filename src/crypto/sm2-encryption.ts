/**
 * SM2 public key encryption (GB/T 32918.4), as SM2Cipher of GB/T 35276. Node has no call for it: the arithmetic is sm-crypto-v2's,
 * which is right by the vector of GB/T 32918.5 but does not hide its running time. It wraps keys where nobody can ask and measure at will.
 */
import { sm2 } from 'sm-crypto-v2';
import { DerError, parseDer, TAG } from './der.ts';
import { integer, octetString, sequence } from './encode-der.ts';
import { importPublicKey, UnsupportedKeyError } from './suite.ts';

/** Order: C1 ‖ C3 ‖ C2, as GB/T 32918.4 has it since 2016. */
const C1_C3_C2 = 1;
const POINT_OFFSET = 26;
/** Keys and small secrets are wrapped with this, not documents. */
const MAX_PLAIN_BYTES = 65_536;

/** Thrown when a ciphertext does not open: of another key, or changed. */
export class Sm2DecryptionError extends Error {
  override name = 'Sm2DecryptionError';
}

/**
 * SM2Cipher ::= SEQUENCE { x INTEGER, y INTEGER, hash OCTET STRING (32), cipherText OCTET STRING }, for the holder of the key.
 * @param plain 2 to 65,536 octets; of a single one, each 256th ciphertext would show it.
 * Throws UnsupportedKeyError when the key is not of SM2.
 */
export function encryptSm2(spki: Uint8Array, plain: Uint8Array): Uint8Array {
  if (plain.length < 2 || plain.length > MAX_PLAIN_BYTES) throw new RangeError('SM2 encrypts 2 to 65,536 octets.');
  const flat = sm2.doEncrypt(plain, Buffer.from(pointOfSpki(spki)).toString('hex'), C1_C3_C2);
  const cut = (from: number, to?: number) => Buffer.from(flat.slice(from, to), 'hex');
  return sequence(
    integer(BigInt(`0x${flat.slice(0, 64)}`)),
    integer(BigInt(`0x${flat.slice(64, 128)}`)),
    octetString(cut(128, 192)),
    octetString(cut(192)),
  );
}

/** @param secret 32 octets, the private number. Throws Sm2DecryptionError; DerError when it is not an SM2Cipher. */
export function decryptSm2(secret: Uint8Array, cipher: Uint8Array): Uint8Array {
  const { children } = parseDer(cipher, { maxElements: 8, maxDepth: 3 }).expect(TAG.sequence);
  const [x, y, hash, body] = children;
  if (!x || !y || !hash || !body || children.length !== 4) throw new DerError('not an SM2Cipher');
  const [digest, masked] = [hash.asOctets(), body.asOctets()];
  const point = coordinate(x.asBigInt()) + coordinate(y.asBigInt());
  if (digest.length !== 32 || masked.length === 0 || masked.length > MAX_PLAIN_BYTES) throw new Sm2DecryptionError('of impossible length');
  const flat = point + Buffer.from(digest).toString('hex') + Buffer.from(masked).toString('hex');
  let plain: Uint8Array;
  try {
    plain = Uint8Array.from(sm2.doDecrypt(flat, Buffer.from(secret).toString('hex'), C1_C3_C2, { output: 'array' }));
  } catch (cause) {
    throw new Sm2DecryptionError('not a point of the curve', { cause });
  }
  // The library answers nothing when the hash differs.
  if (plain.length === 0) throw new Sm2DecryptionError('not for this key, or changed');
  return plain;
}

/** The 65 octets of the uncompressed point. Throws UnsupportedKeyError when it is not of SM2. */
export function pointOfSpki(spki: Uint8Array): Uint8Array {
  const key = importPublicKey(spki);
  if (key.suite !== 'sm2-sm3') throw new UnsupportedKeyError('not an SM2 key');
  return key.spki.subarray(POINT_OFFSET);
}

/** The private number of an elliptic curve key in PKCS#8, 32 octets. Secret. */
export function scalarOfPkcs8(pkcs8: Uint8Array): Uint8Array {
  const scalar = parseDer(parseDer(pkcs8).at(2).asOctets()).at(1).asOctets();
  if (scalar.length > 32) throw new DerError('private number too long');
  return Buffer.concat([Buffer.alloc(32 - scalar.length), scalar]);
}

function coordinate(value: bigint): string {
  if (value < 0n || value >= 1n << 256n) throw new DerError('coordinate out of range');
  return value.toString(16).padStart(64, '0');
}
