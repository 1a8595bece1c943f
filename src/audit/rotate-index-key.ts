/**
 * A new key for blind indexes. It is known everywhere before anybody writes with it; then `jobs/change-index-key.ts` goes through what
 * was written before.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '#ports/clock.ts';
import { Problem } from '#problem.ts';
import { type Database, isUniqueViolation, type Transaction } from '#storage/database.ts';
import { DATA_KEY_BYTES, DATA_KEY_LEAD_MS, type KeyWrapping } from '#storage/open-data-keys.ts';
import { recordEvent } from './record-event.ts';

/** Processes look twice a minute: nobody may write what another could not find. */
export const SHORTEST_LEAD_MS = 45_000;

/** Name of a version for people, and in the audit. */
export const indexKeyName = (version: number) => `index-${version}`;

/**
 * Answers from when it is written with. With `compromised` that is as soon as running processes know it, and the versions before
 * stop counting as soon as nothing stands under them.
 * Throws Problem `key-succession-running` while an earlier change has not ended; a compromised key need not wait for it.
 */
export async function rotateIndexKey(
  { db, clock, dataKeys }: { db: Database; clock: Clock; dataKeys: KeyWrapping },
  by: string,
  { compromised = false }: { compromised?: boolean } = {},
): Promise<{ version: number; before: number[]; usedFrom: Date }> {
  const counting = await db.dataKey.findMany({
    where: { purpose: 'index', retiredAt: null },
    orderBy: { version: 'desc' },
    omit: { wrapped: true },
  });
  const [newest] = counting;
  if (!newest) throw new Error('The blind-index key is missing.');
  if (counting.length > 1 && !compromised) throw new Problem('key-succession-running');
  const at = clock.now();
  if (newest.usedFrom && newest.usedFrom > at) return hasten(db, counting, by, at);
  const version = newest.version + 1;
  const usedFrom = new Date(at.getTime() + (compromised ? SHORTEST_LEAD_MS : DATA_KEY_LEAD_MS));
  const wrapped = Uint8Array.from(await dataKeys.wrap(randomBytes(DATA_KEY_BYTES)));
  const before = counting.map((row) => row.version);
  try {
    await db.$transaction(async (tx) => {
      await tx.dataKey.create({ data: { purpose: 'index', version, wrapped, createdAt: at, usedFrom } });
      if (compromised) await noteCompromise(tx, before, by, at);
      await recordEvent(tx, { kind: 'index-key-made', actor: by, subject: `data-key:${indexKeyName(version)}`, detail: { version }, at });
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('key-succession-running', { cause: error });
    throw error;
  }
  return { version, before, usedFrom };
}

/** The version that waits for its hour is used as soon as everybody knows it. */
async function hasten(db: Database, counting: { version: number; createdAt: Date; usedFrom: Date | null }[], by: string, at: Date) {
  const [waiting, ...older] = counting;
  if (!waiting?.usedFrom) throw new Error('No version waits.');
  const { version } = waiting;
  const earliest = Math.max(at.getTime(), waiting.createdAt.getTime() + SHORTEST_LEAD_MS);
  const usedFrom = new Date(Math.min(waiting.usedFrom.getTime(), earliest));
  const before = older.map((row) => row.version);
  await db.$transaction(async (tx) => {
    await tx.dataKey.update({ where: { purpose_version: { purpose: 'index', version } }, data: { usedFrom } });
    await noteCompromise(tx, before, by, at);
  });
  return { version, before, usedFrom };
}

async function noteCompromise(tx: Transaction, versions: readonly number[], by: string, at: Date): Promise<void> {
  for (const version of versions) {
    const { count } = await tx.dataKey.updateMany({
      where: { purpose: 'index', version, compromisedAt: null },
      data: { compromisedAt: at },
    });
    if (count) await recordEvent(tx, { kind: 'key-compromised', actor: by, subject: `data-key:${indexKeyName(version)}`, at });
  }
}
