/** The arithmetic of the chain: digest of one event over its canonical JSON, and digest of the chain so far. SHA-256 throughout. */
import { digest } from '#crypto/suite.ts';

/** An event as the chain sees it. */
export interface ChainedEvent {
  id: string;
  at: Date;
  kind: string;
  actor: string;
  subject: string;
  detail: unknown;
}

/** What the first link is chained to. */
export const CHAIN_START: Uint8Array = digest('sha256', Buffer.from('tongren audit chain'));

/** Digest of everything an event says, its id included. */
export function eventHash({ id, at, kind, actor, subject, detail }: ChainedEvent): Uint8Array {
  return digest('sha256', Buffer.from(canonicalJson({ id, at: at.toISOString(), kind, actor, subject, detail }), 'utf8'));
}

/** Position takes part, so that links cannot be renumbered. */
export function chainHash(previous: Uint8Array, position: bigint, event: Uint8Array): Uint8Array {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(position);
  return digest('sha256', previous, number, event);
}

/** JSON with the keys of each object sorted and no blanks (RFC 8785 for what JSON of ours holds). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
