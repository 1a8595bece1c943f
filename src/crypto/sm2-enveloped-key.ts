/**
 * SM2EnvelopedKey (GM/T 0009 §7.4, GB/T 35276): how a key centre hands over an SM2 encryption key. A fresh SM4 key is encrypted
 * to the holder's signing key, and the private number with that SM4 key.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DerError, parseDer, TAG } from './der.ts';
import { bitString, oid, sequence } from './encode-der.ts';
import { OID } from './oids.ts';
import { decryptSm2, encryptSm2, pointOfSpki, Sm2DecryptionError, scalarOfPkcs8 } from './sm2-encryption.ts';

const SM4_KEY_BYTES = 16;
/** Readers pad the number to 64 octets, as the key blob of GM/T 0016 has it; the text of GM/T 0009 has 32. */
const SCALAR_LENGTHS: readonly number[] = [32, 64];

/**
 * @param recipientSpki the holder's SM2 signing key.
 * @param pkcs8 the encryption key to hand over.
 */
export function sealSm2EnvelopedKey(recipientSpki: Uint8Array, pkcs8: Uint8Array, spki: Uint8Array): Uint8Array {
  const key = randomBytes(SM4_KEY_BYTES);
  const scalar = scalarOfPkcs8(pkcs8);
  // GM/T 0009 asks for ECB. The two blocks are of a random number and the key is used once, so equal blocks do not occur.
  const cipher = createCipheriv('sm4-ecb', key, null).setAutoPadding(false);
  const sealed = Buffer.concat([cipher.update(scalar), cipher.final()]);
  const envelope = sequence(sequence(oid(OID.sm4Ecb)), encryptSm2(recipientSpki, key), bitString(pointOfSpki(spki)), bitString(sealed));
  key.fill(0);
  scalar.fill(0);
  return envelope;
}

export interface OpenedSm2Key {
  /** 32 octets, secret. */
  scalar: Uint8Array;
  /** The 65 octets of the public point, as the envelope states it. */
  point: Uint8Array;
}

/** Opens it with the private number of the signing key. Throws DerError or Sm2DecryptionError. */
export function openSm2EnvelopedKey(signingScalar: Uint8Array, envelope: Uint8Array): OpenedSm2Key {
  const element = parseDer(envelope, { maxElements: 20, maxDepth: 5 }).expect(TAG.sequence);
  const algorithm = element.at(0, TAG.sequence).at(0).asOid();
  if (algorithm !== OID.sm4Ecb && algorithm !== OID.sm4) throw new DerError('a cipher that such envelopes do not use');
  const key = decryptSm2(signingScalar, element.at(1).bytes);
  const sealed = element.at(3).asBits();
  if (key.length !== SM4_KEY_BYTES || !SCALAR_LENGTHS.includes(sealed.length)) throw new Sm2DecryptionError('of impossible length');
  const decipher = createDecipheriv('sm4-ecb', key, null).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(sealed), decipher.final()]);
  if (padded.subarray(0, padded.length - 32).some((byte) => byte !== 0)) throw new Sm2DecryptionError('the number is too long');
  return { scalar: padded.subarray(padded.length - 32), point: element.at(2).asBits() };
}
