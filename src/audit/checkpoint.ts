/**
 * A checkpoint: a signed statement that the chain had this digest at this position (compact JWS, RFC 7515). Kept elsewhere, it
 * shows that a chain was cut off or computed anew.
 */
import { z } from 'zod';
import {
  derFromRawSignature,
  importPublicKey,
  rawFromDerSignature,
  type Suite,
  UnsupportedKeyError,
  verifyMessage,
} from '#crypto/suite.ts';

/** `typ` of the JWS: nothing else that this key may sign looks like it. */
export const CHECKPOINT_TYPE = 'tongren-audit-checkpoint+jwt';
export const CHECKPOINT_KEY = 'audit-p256';
export const CHECKPOINT_SUITE: Suite = 'es256';
const ALGORITHM = 'ES256';

const checkpointShape = z.object({
  position: z.string().regex(/^[1-9]\d{0,18}$/),
  eventId: z.uuid(),
  /** Hexadecimal. */
  chainHash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
  key: z.object({ name: z.string().max(100), suite: z.literal('es256'), spki: z.base64().max(1_000) }),
  token: z.string().max(4_000),
});

/** As exported: readable by people, provable by the token. */
export type CheckpointDocument = z.infer<typeof checkpointShape>;

export interface CheckpointContent {
  position: bigint;
  eventId: string;
  chainHash: Uint8Array;
  at: Date;
}

/** The JWS signing input of a checkpoint. */
export function encodeCheckpoint(content: CheckpointContent, keyName: string): Uint8Array {
  const header = { alg: ALGORITHM, kid: keyName, typ: CHECKPOINT_TYPE };
  const payload = {
    position: String(content.position),
    event: content.eventId,
    chain: Buffer.from(content.chainHash).toString('hex'),
    iat: Math.floor(content.at.getTime() / 1000),
  };
  return Buffer.from(`${base64url(header)}.${base64url(payload)}`, 'latin1');
}

/** The document from its signing input and the signature (DER). */
export function assembleCheckpoint(
  content: CheckpointContent,
  signingInput: Uint8Array,
  signature: Uint8Array,
  key: { name: string; spki: Uint8Array },
): CheckpointDocument {
  return {
    position: String(content.position),
    eventId: content.eventId,
    chainHash: Buffer.from(content.chainHash).toString('hex'),
    at: content.at.toISOString(),
    key: { name: key.name, suite: 'es256', spki: Buffer.from(key.spki).toString('base64') },
    token: `${Buffer.from(signingInput).toString('latin1')}.${Buffer.from(rawFromDerSignature(signature)).toString('base64url')}`,
  };
}

/**
 * Reads and checks a document: its form, that the token says the same as the document, and the signature.
 * @param trustedKeys SubjectPublicKeyInfo of keys that may have signed; without them the key named inside is taken, which shows
 * only that the document was not changed.
 */
export function readCheckpoint(
  document: unknown,
  trustedKeys?: readonly Uint8Array[],
): CheckpointDocument | 'malformed' | 'forged' | 'unknown-key' {
  const parsed = checkpointShape.safeParse(document);
  if (!parsed.success) return 'malformed';
  const checkpoint = parsed.data;
  const spki = Buffer.from(checkpoint.key.spki, 'base64');
  if (trustedKeys && !trustedKeys.some((key) => Buffer.compare(key, spki) === 0)) return 'unknown-key';
  const at = checkpoint.token.lastIndexOf('.');
  const signingInput = Buffer.from(checkpoint.token.slice(0, at), 'latin1');
  const content = {
    position: BigInt(checkpoint.position),
    eventId: checkpoint.eventId,
    chainHash: Buffer.from(checkpoint.chainHash, 'hex'),
    at: new Date(checkpoint.at),
  };
  // The token must be exactly what this document would be signed as: nothing in it can say something else.
  if (Buffer.compare(signingInput, encodeCheckpoint(content, checkpoint.key.name)) !== 0) return 'forged';
  const raw = Buffer.from(checkpoint.token.slice(at + 1), 'base64url');
  if (raw.length !== 64) return 'forged';
  try {
    const key = importPublicKey(spki);
    return key.suite === 'es256' && verifyMessage(key, signingInput, derFromRawSignature(raw)) ? checkpoint : 'forged';
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return 'unknown-key';
    throw error;
  }
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}
