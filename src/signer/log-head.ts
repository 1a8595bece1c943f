/** The signed head: this signer's log had this line last. Whoever keeps it can show later that lines were cut off or written anew. */
import { z } from 'zod';
import { signJws, verifyJws } from '#codes/jws.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { generationOfLogKey, LOG_KEY, publicKeyOf } from './log-key-chain.ts';
import type { LogPosition } from './signer-log.ts';

export const LOG_HEAD_TYPE = 'tongren-signer-log+jwt';
const MAX_HEAD_CHARACTERS = 4_096;

const headShape = z.object({
  n: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  iat: z.int().min(0),
});

export interface LogHead extends LogPosition {
  at: Date;
  /** Name of the key that signed it. */
  key: string;
}

/** A compact JWS. `keys` is the bare store: no caller can ask for such a signature. The first key is made when it is missing. */
export async function signLogHead(keys: KeyStore, { n, hash }: LogPosition, now: Date, name: string = LOG_KEY): Promise<string> {
  if (name === LOG_KEY) await ensureLogKey(keys, name);
  const payload = { n, hash, iat: Math.floor(now.getTime() / 1000) };
  return signJws(keys, { name, suite: 'es256', purpose: 'signer-log' }, LOG_HEAD_TYPE, payload);
}

export async function ensureLogKey(keys: KeyStore, name: string): Promise<StoredKey> {
  const found = await keys.find(name);
  if (found) return found;
  try {
    return await keys.create(name, 'es256', ['signer-log']);
  } catch (error) {
    const other = error instanceof Problem && error.code === 'key-exists' ? await keys.find(name) : undefined;
    if (!other) throw error;
    return other;
  }
}

/** The head a JWS states, if this key signed it, under the name it has; otherwise why not. Never throws. */
export function verifyLogHead(jws: string, spki: Uint8Array, name?: string): LogHead | { fault: string } {
  const key = publicKeyOf(spki);
  if (!key) return { fault: 'the key of the head cannot be read' };
  const isName = (kid: string) => (name === undefined ? generationOfLogKey(kid) !== undefined : kid === name);
  const verified = verifyJws(jws.trim(), LOG_HEAD_TYPE, (kid) => (isName(kid) ? key : undefined), MAX_HEAD_CHARACTERS);
  if (typeof verified === 'string')
    return { fault: verified === 'malformed' ? 'this is no head of a signer log' : 'the head was not signed by this key' };
  const parsed = headShape.safeParse(verified.payload);
  if (!parsed.success) return { fault: 'this is no head of a signer log' };
  return { n: parsed.data.n, hash: parsed.data.hash, at: new Date(parsed.data.iat * 1000), key: verified.kid };
}
