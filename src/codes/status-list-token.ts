/**
 * Token Status List as a JWT (draft-ietf-oauth-status-list-20 §5.1), two bits per licence: 0 in force, 1 ended for good,
 * 2 suspended. A finer state would tell every holder's affairs to whoever reads the list.
 */
import { z } from 'zod';
import type { PublicKey } from '#crypto/suite.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { type JwsKey, signJws, verifyJws } from './jws.ts';
import { compressStatuses, expandStatuses, packStatuses, type StatusBits, type StatusEntry, statusAt } from './status-bits.ts';

export const STATUS_LIST_TYPE = 'statuslist+jwt';
export const STATUS_BITS = 2;
export const STATUS_VALUES = { 'in-force': 0, ended: 1, suspended: 2 } as const;
export type ListedStatus = keyof typeof STATUS_VALUES | 'unknown';

export interface StatusListContent {
  uri: string;
  issuedAt: Date;
  expiresAt: Date;
  ttlSeconds: number;
  size: number;
  entries: Iterable<StatusEntry>;
}

export function signStatusList(keys: KeyStore, key: JwsKey, content: StatusListContent): Promise<string> {
  return signJws(keys, key, STATUS_LIST_TYPE, {
    sub: content.uri,
    iat: Math.floor(content.issuedAt.getTime() / 1000),
    exp: Math.floor(content.expiresAt.getTime() / 1000),
    ttl: content.ttlSeconds,
    status_list: { bits: STATUS_BITS, lst: compressStatuses(packStatuses(STATUS_BITS, content.size, content.entries)) },
  });
}

export interface StatusList {
  uri: string;
  issuedAt: Date;
  expiresAt?: Date;
  /** Undefined when the list does not reach so far: then it says nothing about this licence. */
  statusOf(index: number): ListedStatus | undefined;
}

const seconds = z.number().min(0).max(253_402_300_799);
const payloadShape = z.object({
  sub: z.string().min(1).max(300),
  iat: seconds,
  exp: seconds.optional(),
  ttl: z.number().positive().optional(),
  status_list: z.object({ bits: z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)]), lst: z.string() }),
});

/** The list when the token is genuine, else why not. Whether it is too old is for the caller. Never throws. */
export function readStatusList(
  token: string,
  findKey: (kid: string) => PublicKey | undefined,
  expectedUri?: string,
): StatusList | 'status-list-malformed' | 'status-list-unknown-key' | 'status-list-forged' | 'status-list-of-another' {
  const verified = verifyJws(token.trim(), STATUS_LIST_TYPE, findKey);
  if (typeof verified === 'string') return `status-list-${verified}`;
  const parsed = payloadShape.safeParse(verified.payload);
  if (!parsed.success) return 'status-list-malformed';
  const { sub, iat, exp, status_list } = parsed.data;
  // Draft §8.3: `sub` must equal the address the reference names.
  if (expectedUri !== undefined && sub !== expectedUri) return 'status-list-of-another';
  const bits: StatusBits = status_list.bits;
  let list: Uint8Array;
  try {
    list = expandStatuses(status_list.lst);
  } catch {
    return 'status-list-malformed';
  }
  return {
    uri: sub,
    issuedAt: new Date(iat * 1000),
    ...(exp === undefined ? {} : { expiresAt: new Date(exp * 1000) }),
    statusOf(index) {
      const value = statusAt(bits, list, index);
      if (value === undefined) return undefined;
      return value === 0 ? 'in-force' : value === 1 ? 'ended' : value === 2 ? 'suspended' : 'unknown';
    },
  };
}

/** `status-list.json` holds the token in an object; the bare token is taken as well. Undefined when it is neither. */
export function statusListTokenOf(file: unknown): string | undefined {
  if (typeof file === 'string') {
    const text = file.trim();
    if (!text.startsWith('{')) return text;
    try {
      return statusListTokenOf(JSON.parse(text));
    } catch {
      return undefined;
    }
  }
  const token = typeof file === 'object' && file !== null ? (file as Record<string, unknown>)['statusListToken'] : undefined;
  return typeof token === 'string' ? token : undefined;
}
