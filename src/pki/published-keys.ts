/** Keys whose private part anybody can know: examples of standards, and numbers so small that they are tried first. They get no certificate. */
import { createECDH } from 'node:crypto';
import { digest } from '#crypto/suite.ts';

const EXAMPLES: readonly [curve: 'SM2' | 'prime256v1', secret: string][] = [
  // GB/T 32918.5-2017 annexes A and C, and the key of every tutorial since.
  ['SM2', '3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8'],
  // RFC 6979 §A.2.5.
  ['prime256v1', 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721'],
  // RFC 7515 §A.3, the example of every JOSE library.
  ['prime256v1', '8e9b109e719098bf980487df1f5d77e9cb29606ebed2263b5f57c213df84f4b2'],
];
/** Private numbers 1 to this are counted as published. */
const SMALL_NUMBERS = 16;

let published: ReadonlySet<string> | undefined;

/** Whether the key is one of them. Point and curve of the key are what the last 65 octets and the length of its encoding say. */
export function isPublishedKey(spki: Uint8Array): boolean {
  published ??= listPublished();
  return published.has(markOf(spki.subarray(-65)));
}

function listPublished(): ReadonlySet<string> {
  const small = Array.from({ length: SMALL_NUMBERS }, (_item, index) => (index + 1).toString(16).padStart(64, '0'));
  const secrets = [...EXAMPLES, ...small.flatMap((secret) => [['SM2', secret] as const, ['prime256v1', secret] as const])];
  return new Set(
    secrets.map(([curve, secret]) => {
      const ecdh = createECDH(curve);
      ecdh.setPrivateKey(Buffer.from(secret, 'hex'));
      return markOf(ecdh.getPublicKey());
    }),
  );
}

function markOf(point: Uint8Array): string {
  return Buffer.from(digest('sha256', point)).toString('base64');
}
