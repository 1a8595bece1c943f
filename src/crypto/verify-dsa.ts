/**
 * DSA, for reading old archives alone: nobody signs in it any more, and whoever accepts it says so. A key may leave out its
 * parameters and inherit those of the authority above it (RFC 3279 §2.3.2), so that they are given separately here.
 */
import { createPublicKey, verify as verifyOnce } from 'node:crypto';
import { DerError, parseDer, TAG } from './der.ts';
import { sequence } from './encode-der.ts';
import type { DigestName } from './suite.ts';

const DSA_KEY = '1.2.840.10040.4.1';
const DSA_SIGNATURES: Readonly<Record<string, DigestName>> = { '1.2.840.10040.4.3': 'sha1', '2.16.840.1.101.3.4.3.2': 'sha256' };

export function isDsaSignature(signatureOid: string): boolean {
  return signatureOid in DSA_SIGNATURES;
}

/** The Dss-Parms of a key, `inherited` when it has none of its own; undefined when this is no DSA key, or there are none. */
export function dsaParameters(spki: Uint8Array, inherited?: Uint8Array): Uint8Array | undefined {
  try {
    const [type, parameters] = parseDer(spki).at(0).children;
    if (type?.asOid() !== DSA_KEY) return undefined;
    return parameters?.tag === TAG.sequence ? parameters.bytes : inherited;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Whether the signature over the message is right. Never throws for anything in key or signature. */
export function verifyDsa(
  spki: Uint8Array,
  parameters: Uint8Array,
  signatureOid: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const digest = DSA_SIGNATURES[signatureOid];
  if (!digest) return false;
  try {
    const key = parseDer(spki);
    const whole = sequence(sequence(key.at(0).at(0).bytes, parameters), key.at(1).bytes);
    return verifyOnce(digest, message, createPublicKey({ key: Buffer.from(whole), format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}
