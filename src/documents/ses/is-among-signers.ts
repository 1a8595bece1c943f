/** Who may use a seal (GB/T 38540 §6.2): the certificates in it, or their digests. */
import { digest } from '#crypto/suite.ts';
import { digestOfOid } from '#crypto/verify-signature.ts';
import type { Seal } from './seal.ts';

/** @param certificate DER of the signer's certificate. A digest in SHA-1 names nobody: two certificates can share it. */
export function isAmongSigners(seal: Seal, certificate: Uint8Array): boolean {
  return (
    seal.certificates.some((one) => Buffer.compare(one, certificate) === 0) ||
    seal.certificateDigests.some(({ algorithm, value }) => isDigestOf(algorithm, value, certificate))
  );
}

/** @param algorithm OID or name of the digest. */
function isDigestOf(algorithm: string, value: Uint8Array, data: Uint8Array): boolean {
  const text = algorithm.trim();
  const name = /^sm3$/i.test(text) ? 'sm3' : /^sha-?256$/i.test(text) ? 'sha256' : digestOfOid(text);
  return name !== undefined && name !== 'sha1' && Buffer.compare(digest(name, data), value) === 0;
}
