/**
 * Deflating bytes that come again: the form of a type goes into every licence, a font into every PDF of the same characters.
 * What was deflated is kept beside the bytes and goes with them, so this is for arrays that are never written to again.
 */
import { deflateSync } from 'node:zlib';

const ZLIB_HEADER_BYTES = 2;
const ZLIB_CHECKSUM_BYTES = 4;

const kept = new WeakMap<Uint8Array, Uint8Array>();

/** With header and checksum (RFC 1950), as PDF wants it. */
export function deflateKept(bytes: Uint8Array): Uint8Array {
  let deflated = kept.get(bytes);
  if (!deflated) {
    deflated = deflateSync(bytes);
    kept.set(bytes, deflated);
  }
  return deflated;
}

/** Without them (RFC 1951), as ZIP wants it. */
export function deflateRawKept(bytes: Uint8Array): Uint8Array {
  return deflateKept(bytes).subarray(ZLIB_HEADER_BYTES, -ZLIB_CHECKSUM_BYTES);
}
