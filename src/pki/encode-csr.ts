import { bitString, explicit, integer, sequence } from '#crypto/encode-der.ts';
import { type PrivateKey, signMessage } from '#crypto/suite.ts';
import { encodeSignatureAlgorithm } from './build-certificate.ts';
import { encodeName } from './name.ts';

/** A PKCS#10 request (RFC 2986) without name and attributes, DER: for keys that we make on behalf of a holder, to go the ordinary way. */
export function encodeCsr(key: PrivateKey): Uint8Array {
  const info = sequence(integer(0), encodeName([]), key.publicKey.spki, explicit(0));
  return sequence(info, encodeSignatureAlgorithm(key.suite), bitString(signMessage(key, info)));
}
