/**
 * The head of a Merkle log as it is signed (RFC 6962 §3.5): version, signature type, time, size, root. Fifty bytes that look like
 * nothing else we sign.
 */
import type { Suite } from '#crypto/suite.ts';

export interface TreeHead {
  /** Leaves in the tree. */
  size: number;
  /** Milliseconds count. */
  at: Date;
  rootHash: Uint8Array;
}

const LENGTH = 50;
const VERSION_1 = 0;
const TREE_HASH = 1;
const HASH_BYTES = 32;

/** TreeHeadSignature: the bytes that a head's keys sign. */
export function encodeTreeHead({ size, at, rootHash }: TreeHead): Uint8Array {
  if (rootHash.length !== HASH_BYTES) throw new RangeError('a root hash has 32 octets');
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION_1, 0);
  bytes.writeUInt8(TREE_HASH, 1);
  bytes.writeBigUInt64BE(BigInt(at.getTime()), 2);
  bytes.writeBigUInt64BE(BigInt(size), 10);
  bytes.set(rootHash, 18);
  return bytes;
}

/** Undefined for anything that is not such a structure, or counts more than we can. */
export function parseTreeHead(bytes: Uint8Array): TreeHead | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length !== LENGTH || view[0] !== VERSION_1 || view[1] !== TREE_HASH) return undefined;
  const at = Number(view.readBigUInt64BE(2));
  const size = Number(view.readBigUInt64BE(10));
  if (at > 8.64e15 || size > Number.MAX_SAFE_INTEGER) return undefined;
  return { size, at: new Date(at), rootHash: Uint8Array.from(view.subarray(18)) };
}

/** SignatureAndHashAlgorithm: sha256 with ecdsa (RFC 5246 §7.4.1.4.1), sm2sig_sm3 (RFC 8998 §3.2). */
const TLS_ALGORITHMS: Partial<Record<Suite, readonly [hash: number, signature: number]>> = { es256: [4, 3], 'sm2-sm3': [7, 8] };

/** `digitally-signed` of TLS 1.2, as heads carry their signature. */
export function encodeDigitallySigned(suite: Suite, signature: Uint8Array): Uint8Array {
  const algorithm = TLS_ALGORITHMS[suite];
  if (!algorithm) throw new RangeError(`no TLS name for ${suite}`);
  const header = Buffer.from([...algorithm, 0, 0]);
  header.writeUInt16BE(signature.length, 2);
  return Buffer.concat([header, signature]);
}

/** The signature (DER) inside, when the algorithm named is that of the suite. */
export function parseDigitallySigned(suite: Suite, bytes: Uint8Array): Uint8Array | undefined {
  const [hash, signature] = TLS_ALGORITHMS[suite] ?? [];
  const length = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  return bytes[0] === hash && bytes[1] === signature && bytes.length === length + 4 ? bytes.subarray(4) : undefined;
}
