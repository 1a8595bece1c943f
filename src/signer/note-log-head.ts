import { recordEvent } from '#audit/record-event.ts';
import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';
import { verifyLogHead } from './log-head.ts';

interface LoggedSigner {
  logHead(): Promise<{ head: string; spki: Uint8Array }>;
}

/** The last line noted by this process, for each signer. */
const noted = new WeakMap<LoggedSigner, number>();

/**
 * Puts the newest head of the signer's log into the audit trail, which the signer cannot reach: lines cut off there show by it.
 * @param options.keepKey puts the key of the heads where commands find it; throws when another one was there.
 * Answers 0, a job with nothing left to do. Throws when the signer gives a head that its key did not sign, or a shorter log.
 */
export async function noteLogHead(
  { db, clock, keys }: { db: Database; clock: Clock; keys: LoggedSigner },
  { keepKey = async () => {} }: { keepKey?: (spki: Uint8Array) => Promise<void> } = {},
): Promise<number> {
  const { head, spki } = await keys.logHead();
  const read = verifyLogHead(head, spki);
  if ('fault' in read) throw new Error(`The signer's log head: ${read.fault}.`);
  await keepKey(spki);
  const before = noted.get(keys) ?? 0;
  if (read.n === before) return 0;
  noted.set(keys, read.n);
  const kind = read.n < before ? 'signer-log-shortened' : 'signer-log-noted';
  await db.$transaction((tx) =>
    recordEvent(tx, {
      kind,
      actor: 'system:signer-log',
      subject: 'signer-log',
      detail: { line: read.n, hash: read.hash, head },
      at: clock.now(),
    }),
  );
  if (read.n < before) throw new Error(`The signer's log ends at line ${read.n}; it had ${before} lines before.`);
  return 0;
}
