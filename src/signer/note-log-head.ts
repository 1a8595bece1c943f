import { recordEvent } from '#audit/record-event.ts';
import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';
import { type AnsweredHead, decideHeadKey, readAnsweredHead, WHY_REFUSED } from './follow-log-key.ts';
import type { LogHead } from './log-head.ts';
import { fingerprintOf } from './log-key-chain.ts';

interface LoggedSigner {
  logHead(): Promise<AnsweredHead>;
}

/** Where the keys of the heads are kept for commands, the newest last, which alone is believed. */
export interface HeadKeyPin {
  read(): Promise<Uint8Array[]>;
  /** Whole or not at all. */
  replace(keys: readonly Uint8Array[], links: readonly string[]): Promise<void>;
}

/** The last line noted by this process, and the key it refused, for each signer. */
const noted = new WeakMap<LoggedSigner, number>();
const refused = new WeakMap<LoggedSigner, string>();
const ACTOR = 'system:signer-log';

/** Believes whatever key answers, for a process that keeps nothing. */
const NO_PIN: HeadKeyPin = { read: async () => [], replace: async () => undefined };

interface NotingDeps {
  db: Database;
  clock: Clock;
  keys: LoggedSigner;
}

/**
 * Lets the pin move on to a successor that the key before endorses, with an event for each step. Answers 0, a job with nothing left
 * to do. Throws when the signer gives a key that nobody vouches for, which is besides on record once, or a head that it did not sign.
 */
export async function followHeadKey(deps: NotingDeps, pin: HeadKeyPin): Promise<number> {
  await believedHead(deps, pin);
  return 0;
}

/**
 * Puts the newest head of the signer's log into the audit trail, which the signer cannot reach: lines cut off there show by it.
 * Answers 0, a job with nothing left to do. Throws as `followHeadKey` does, and for a log that is shorter than before.
 */
export async function noteLogHead(deps: NotingDeps, { pin = NO_PIN }: { pin?: HeadKeyPin } = {}): Promise<number> {
  const { keys } = deps;
  const { answer, read } = await believedHead(deps, pin);
  const before = noted.get(keys) ?? 0;
  if (read.n === before) return 0;
  noted.set(keys, read.n);
  const kind = read.n < before ? 'signer-log-shortened' : 'signer-log-noted';
  await record(deps, kind, { line: read.n, hash: read.hash, head: answer.head });
  if (read.n < before) throw new Error(`The signer's log ends at line ${read.n}; it had ${before} lines before.`);
  return 0;
}

async function believedHead(deps: NotingDeps, pin: HeadKeyPin): Promise<{ answer: AnsweredHead; read: LogHead }> {
  const { keys } = deps;
  const answer = await keys.logHead();
  const pinned = await pin.read();
  const decision = decideHeadKey(pinned, answer);
  if (decision.kind === 'refused') {
    const { why, fingerprint } = decision;
    const known = pinned.at(-1);
    if (refused.get(keys) !== fingerprint)
      await record(deps, 'signer-log-key-refused', { why, key: fingerprint, ...(known ? { known: fingerprintOf(known) } : {}) });
    refused.set(keys, fingerprint);
    throw new Error(`The log of the signer bears a key that is not believed here (SHA-256 ${fingerprint}): ${WHY_REFUSED[why]}.`);
  }
  const { kind, keys: chain, from } = decision;
  const read = readAnsweredHead(answer, chain);
  if ('fault' in read) throw new Error(`The signer's log head: ${read.fault}.`);
  refused.delete(keys);
  if (kind === 'same') return { answer, read };
  const next = kind === 'moved' ? chain.slice(from + 1) : [];
  // On record first: a process that ends in between does it again, and an event twice is better than none.
  for (const [index, { name, spki, link }] of next.entries()) {
    const former = fingerprintOf((next[index - 1] ?? chain[from])?.spki ?? spki);
    await record(deps, 'signer-log-key-followed', { name, key: fingerprintOf(spki), former, line: link?.n ?? 0, hash: link?.hash ?? '' });
  }
  // What was before the believed key is what was known here, not what is answered now.
  await pin.replace([...pinned, ...(kind === 'first' ? chain : next).map(({ spki }) => spki)], answer.links);
  return { answer, read };
}

async function record({ db, clock }: NotingDeps, kind: string, detail: Record<string, string | number>): Promise<void> {
  await db.$transaction((tx) => recordEvent(tx, { kind, actor: ACTOR, subject: 'signer-log', detail, at: clock.now() }));
}
