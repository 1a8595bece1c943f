/**
 * Signed heads of the issuance log, as `get-sth` of RFC 6962 §4.3 gives them, with a second signature in SM2. Whoever keeps one can
 * show later that the log was cut, forked or written anew.
 */
import { z } from 'zod';
import { digest, importPublicKey, UnsupportedKeyError, verifyMessage } from '#crypto/suite.ts';
import { encodeDigitallySigned, encodeTreeHead, parseDigitallySigned, type TreeHead } from '#pki/tree-head.ts';

const base64 = z.base64().max(1_000);
const hash = base64.refine((text) => Buffer.from(text, 'base64').length === 32);

/** What is served and kept. `log_id` is the SHA-256 of the key's SubjectPublicKeyInfo, as in RFC 6962 §3.2. */
export const headShape = z.object({
  tree_size: z.int().min(0),
  /** Milliseconds since 1970. */
  timestamp: z.int().min(0).max(8.64e15),
  sha256_root_hash: hash,
  log_id: hash,
  tree_head_signature: base64,
  sm2_log_id: hash.optional(),
  sm2_tree_head_signature: base64.optional(),
});
export type HeadDocument = z.infer<typeof headShape>;

/** A key that may have signed heads. */
export interface LogKey {
  name: string;
  suite: 'es256' | 'sm2-sm3';
  spki: Uint8Array;
}

export interface HeadSignature extends LogKey {
  /** DER. */
  signature: Uint8Array;
}

export function logIdOf({ spki }: Pick<LogKey, 'spki'>): string {
  return toBase64(digest('sha256', spki));
}

/** Throws when no P-256 signature is among them. */
export function headDocument(head: TreeHead, signatures: readonly HeadSignature[]): HeadDocument {
  const p256 = signatures.find(({ suite }) => suite === 'es256');
  const sm2 = signatures.find(({ suite }) => suite === 'sm2-sm3');
  if (!p256) throw new Error('a head without a P-256 signature');
  return {
    tree_size: head.size,
    timestamp: head.at.getTime(),
    sha256_root_hash: toBase64(head.rootHash),
    log_id: logIdOf(p256),
    tree_head_signature: toBase64(encodeDigitallySigned('es256', p256.signature)),
    ...(sm2 ? { sm2_log_id: logIdOf(sm2), sm2_tree_head_signature: toBase64(encodeDigitallySigned('sm2-sm3', sm2.signature)) } : {}),
  };
}

/**
 * Reads a head and checks each of its signatures. `unknown-key`: none is by a key of `keys`; `forged`: one that is by such a key is
 * not right.
 */
export function readHead(document: unknown, keys: readonly LogKey[]): TreeHead | 'malformed' | 'forged' | 'unknown-key' {
  const parsed = headShape.safeParse(document);
  if (!parsed.success) return 'malformed';
  const { tree_size, timestamp, sha256_root_hash, log_id, tree_head_signature, sm2_log_id, sm2_tree_head_signature } = parsed.data;
  const head: TreeHead = { size: tree_size, at: new Date(timestamp), rootHash: fromBase64(sha256_root_hash) };
  const claims = [
    { suite: 'es256' as const, id: log_id, signature: tree_head_signature },
    { suite: 'sm2-sm3' as const, id: sm2_log_id, signature: sm2_tree_head_signature },
  ].filter(({ id, signature }) => id !== undefined || signature !== undefined);
  const judged = claims.map(({ suite, id, signature }) => {
    const key = keys.find((one) => one.suite === suite && logIdOf(one) === id);
    if (!key) return 'unknown-key';
    return signature !== undefined && isSigned(encodeTreeHead(head), fromBase64(signature), key) ? 'good' : 'forged';
  });
  if (judged.includes('forged')) return 'forged';
  return judged.includes('good') ? head : 'unknown-key';
}

function isSigned(message: Uint8Array, signed: Uint8Array, { suite, spki }: LogKey): boolean {
  const signature = parseDigitallySigned(suite, signed);
  try {
    const key = importPublicKey(spki);
    return signature !== undefined && key.suite === suite && verifyMessage(key, message, signature);
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return false;
    throw error;
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
