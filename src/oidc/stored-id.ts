import { createHash } from 'node:crypto';

/** Ids of sessions, codes and tokens are secrets: stores keep only their SHA-256, so that a stolen table or dump opens nothing. */
export function storedId(id: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update(id).digest());
}
