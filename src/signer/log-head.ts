/** The signed head: this signer's log had this line last. Whoever keeps it can show later that lines were cut off or written anew. */
import { z } from 'zod';
import { signJws, verifyJws } from '#codes/jws.ts';
import { importPublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import type { LogPosition } from './signer-log.ts';

export const LOG_HEAD_TYPE = 'tongren-signer-log+jwt';
export const LOG_KEY = 'signer-log-p256';
const MAX_HEAD_CHARACTERS = 4_096;

const headShape = z.object({
  n: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  iat: z.int().min(0),
});

export interface LogHead extends LogPosition {
  at: Date;
}

/** A compact JWS. `keys` is the bare store: no caller can ask for such a signature. */
export async function signLogHead(keys: KeyStore, position: LogPosition, now: Date): Promise<string> {
  const key = await ensureLogKey(keys);
  const payload = { n: position.n, hash: position.hash, iat: Math.floor(now.getTime() / 1000) };
  return signJws(keys, { name: key.name, suite: key.suite, purpose: 'signer-log' }, LOG_HEAD_TYPE, payload);
}

export async function ensureLogKey(keys: KeyStore): Promise<StoredKey> {
  const found = await keys.find(LOG_KEY);
  if (found) return found;
  try {
    return await keys.create(LOG_KEY, 'es256', ['signer-log']);
  } catch (error) {
    const other = error instanceof Problem && error.code === 'key-exists' ? await keys.find(LOG_KEY) : undefined;
    if (!other) throw error;
    return other;
  }
}

/** The head a JWS states, if the key signed it; otherwise why not. Never throws. */
export function verifyLogHead(jws: string, spki: Uint8Array): LogHead | { fault: string } {
  const key = keyOf(spki);
  if (!key) return { fault: 'the key of the head cannot be read' };
  const verified = verifyJws(jws.trim(), LOG_HEAD_TYPE, (kid) => (kid === LOG_KEY ? key : undefined), MAX_HEAD_CHARACTERS);
  if (typeof verified === 'string')
    return { fault: verified === 'forged' ? 'the head was not signed by this key' : 'this is no head of a signer log' };
  const parsed = headShape.safeParse(verified.payload);
  if (!parsed.success) return { fault: 'this is no head of a signer log' };
  return { n: parsed.data.n, hash: parsed.data.hash, at: new Date(parsed.data.iat * 1000) };
}

function keyOf(spki: Uint8Array) {
  try {
    return importPublicKey(spki);
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return undefined;
    throw error;
  }
}
