/**
 * From one version of the blind-index key to the next, while everything runs. In this order, so that at every moment what stands in a
 * row is found and one value belongs to one row:
 * 1. the new version is known everywhere (`audit/rotate-index-key.ts`), then written with;
 * 2. when every process writes with it, the database takes nothing more under older ones (`closedAt`);
 * 3. what stands under them is indexed anew, until a pass finds nothing;
 * 4. a day later, for locks and limits count that long, they stop counting (`retiredAt`); compromised ones at once;
 * 5. a lead later their bytes are erased.
 */
import { recordEvent } from '#audit/record-event.ts';
import { indexKeyName, SHORTEST_LEAD_MS } from '#audit/rotate-index-key.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import { licencesByIndex } from '#licences/reindex-licences.ts';
import { peopleByIndex } from '#people/reindex-people.ts';
import type { Clock } from '#ports/clock.ts';
import { closeIndexVersions } from '#storage/admit-index-writer.ts';
import type { Database } from '#storage/database.ts';
import { stepIndexPass } from '#storage/index-pass.ts';
import { DATA_KEY_LEAD_MS, sweepErasedKeys } from '#storage/open-data-keys.ts';

const OVERLAP_MS = 24 * 3_600_000;
const BY = 'system:worker';

export interface IndexChangeDeps {
  db: Database;
  clock: Clock;
  fields: FieldCipher;
}

const targetsOf = (deps: IndexChangeDeps) => [peopleByIndex(deps), licencesByIndex(deps)];

/**
 * The next step, if there is one: 1 when one was made, 0 when nothing is to be done or not yet. May be cut off anywhere, run twice, and
 * run in several processes at once.
 */
export async function changeIndexKey(deps: IndexChangeDeps): Promise<number> {
  const { db, clock, fields } = deps;
  const now = clock.now();
  const rows = await db.dataKey.findMany({
    where: { purpose: 'index', erasedAt: null },
    orderBy: { version: 'desc' },
    omit: { wrapped: true },
  });
  const due = rows.filter(({ retiredAt }) => retiredAt && now.getTime() - retiredAt.getTime() >= DATA_KEY_LEAD_MS);
  if (due.length) return erase(deps, versionsOf(due));
  const counting = rows.filter(({ retiredAt }) => !retiredAt);
  const current = counting.find(({ usedFrom }) => !usedFrom || usedFrom <= now);
  const older = counting.filter(({ version }) => current && version < current.version);
  // A process that has yet to learn of the newest version leaves the work to others.
  if (!current || !older.length || fields.indexVersions[0] !== current.version) return 0;
  const usedForMs = now.getTime() - (current.usedFrom ?? now).getTime();
  if (older.some(({ closedAt }) => !closedAt)) {
    if (usedForMs < SHORTEST_LEAD_MS) return 0;
    await db.$transaction((tx) => closeIndexVersions(tx, versionsOf(older), now));
    return 1;
  }
  for (const target of targetsOf(deps)) if (await stepIndexPass(db, target, current.version, now)) return 1;
  const clean = await db.blindIndexPass.count({ where: { version: current.version, cleanAt: { not: null } } });
  const isOver = usedForMs >= OVERLAP_MS || older.every(({ compromisedAt }) => compromisedAt);
  return clean === targetsOf(deps).length && isOver ? retire(deps, versionsOf(older), current.version) : 0;
}

const versionsOf = (rows: readonly { version: number }[]) => rows.map(({ version }) => version);

async function retire({ db, clock }: IndexChangeDeps, versions: readonly number[], successor: number): Promise<number> {
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const passes = await tx.blindIndexPass.findMany({ where: { version: successor } });
    const moved = Object.fromEntries(passes.map(({ target, movedInAll }) => [target, movedInAll]));
    let retired = 0;
    for (const version of versions) {
      const { count } = await tx.dataKey.updateMany({ where: { purpose: 'index', version, retiredAt: null }, data: { retiredAt: at } });
      if (!count) continue;
      const detail = { successor: indexKeyName(successor), moved };
      await recordEvent(tx, { kind: 'index-key-retired', actor: BY, subject: `data-key:${indexKeyName(version)}`, detail, at });
      retired += count;
    }
    return retired;
  });
}

/** Version and dates stay. */
async function erase({ db, clock }: IndexChangeDeps, versions: readonly number[]): Promise<number> {
  const at = clock.now();
  const erased = await db.$transaction(async (tx) => {
    let count = 0;
    for (const version of versions) {
      const { count: one } = await tx.dataKey.updateMany({
        where: { purpose: 'index', version, erasedAt: null },
        data: { erasedAt: at, wrapped: new Uint8Array(0) },
      });
      if (!one) continue;
      await recordEvent(tx, { kind: 'index-key-erased', actor: BY, subject: `data-key:${indexKeyName(version)}`, at });
      count += one;
    }
    return count;
  });
  if (erased) await sweepErasedKeys(db);
  return erased;
}

/** How far a change is: by kind of row, of the pass under way and in all. */
export interface IndexProgress {
  target: string;
  /** Of the pass under way. */
  looked: number;
  left: number;
  /** Over all passes. */
  moved: number;
  isClean: boolean;
}

export async function indexProgress({ db }: Pick<IndexChangeDeps, 'db'>, version: number): Promise<IndexProgress[]> {
  const passes = await db.blindIndexPass.findMany({ where: { version }, orderBy: { target: 'desc' } });
  return passes.map(({ target, looked, left, movedInAll, cleanAt }) => ({
    ...{ target, looked, left, moved: movedInAll },
    isClean: cleanAt !== null,
  }));
}
