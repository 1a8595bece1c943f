/**
 * Which key of the signer's log a process elsewhere believes: the first it saw, and from then on only keys that are a chain of
 * endorsements away. Anything else (a stranger's key, one after a compromise, an older one again) is refused until an operator says
 * so: `tongren signer-log trust`.
 */
import { verifyLogHead } from './log-head.ts';
import { fingerprintOf, followLinks, LOG_KEY, type LogKey } from './log-key-chain.ts';

/** What a signer answers, with public keys as DER. */
export interface AnsweredHead {
  head: string;
  spki: Uint8Array;
  first: Uint8Array;
  links: readonly string[];
}

export type HeadKeyDecision =
  | { kind: 'first' | 'same' | 'moved'; keys: readonly LogKey[]; from: number }
  /** `unendorsed`: known to follow, but the key before does not vouch for it. */
  | { kind: 'refused'; why: 'bad-chain' | 'unknown' | 'older' | 'unendorsed'; fingerprint: string };

/**
 * @param pinned the public keys believed so far, the newest last; empty before the first.
 * The answer's `keys` are all from the first; `from` is the place of the key that was believed till now.
 */
export function decideHeadKey(pinned: readonly Uint8Array[], { spki, first, links }: AnsweredHead): HeadKeyDecision {
  const { keys } = followLinks({ name: LOG_KEY, spki: first }, links);
  const refused = (why: Extract<HeadKeyDecision, { kind: 'refused' }>['why']) =>
    ({ kind: 'refused', why, fingerprint: fingerprintOf(spki) }) as const;
  const isSame = (one: Uint8Array | undefined, other: Uint8Array | undefined) =>
    one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
  const believed = pinned.at(-1);
  if (pinned.slice(0, -1).some((one) => isSame(one, spki)) && !isSame(believed, spki)) return refused('older');
  if (!isSame(keys.at(-1)?.spki, spki)) return refused('bad-chain');
  if (!believed) return { kind: 'first', keys, from: keys.length - 1 };
  const from = keys.findIndex((key) => isSame(key.spki, believed));
  if (from < 0) return refused('unknown');
  if (from === keys.length - 1) return { kind: 'same', keys, from };
  if (keys.slice(from + 1).some(({ link }) => !link?.endorsed)) return refused('unendorsed');
  return { kind: 'moved', keys, from };
}

/** The head, if the newest of these keys signed it; otherwise why not. */
export function readAnsweredHead({ head }: AnsweredHead, keys: readonly LogKey[]) {
  const newest = keys.at(-1);
  return newest ? verifyLogHead(head, newest.spki, newest.name) : { fault: 'there is no key' };
}

export const WHY_REFUSED: Record<Extract<HeadKeyDecision, { kind: 'refused' }>['why'], string> = {
  'bad-chain': 'no chain of endorsements leads to this key / 没有背书链指向该密钥',
  unknown: 'it is not the key known here, and none that this vouches for / 与已固定的密钥不同，且未经其背书',
  older: 'it is an older key, which was succeeded already / 该密钥已被后继密钥取代',
  unendorsed:
    'it took over without the word of the key before (in wrong hands, or lost): compare its fingerprint at the signer, then `tongren signer-log trust` / 后继密钥未经前一密钥背书，请在签名服务端核对指纹后执行 `tongren signer-log trust`',
};
