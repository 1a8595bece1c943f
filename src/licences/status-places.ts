/** Places in the status list: random, so that neighbours in the list tell nothing about licences; unique by the table's index. */
import { randomInt } from 'node:crypto';
import type { Database } from '#storage/database.ts';

/** Entries of the first list. Large from the start, so that single licences hide among empty places. */
export const FIRST_LIST_SIZE = 131_072;
/** Codes carry four bytes at most. */
const LARGEST_LIST_SIZE = 2 ** 32;
const ROW = 1;
const DRAWS = 4;

/**
 * A free place, at random. Taken only when the licence is stored: two that draw the same are told apart by the unique index.
 * When several draws in a row hit taken places the list is getting full and doubles; readers of an older, shorter list refuse
 * what lies beyond it.
 */
export async function drawStatusIndex(db: Database): Promise<bigint> {
  for (;;) {
    const size = await statusListSize(db);
    for (let draw = 0; draw < DRAWS; draw++) {
      const index = BigInt(randomInt(size));
      if (!(await db.licence.findUnique({ where: { statusIndex: index }, select: { id: true } }))) return index;
    }
    await growStatusList(db, size);
  }
}

export async function statusListSize(db: Database): Promise<number> {
  const row = await db.statusList.findUnique({ where: { id: ROW }, select: { size: true } });
  return row ? Number(row.size) : FIRST_LIST_SIZE;
}

/** Doubles the list, unless somebody else just did. */
export async function growStatusList(db: Database, from?: number): Promise<void> {
  const size = from ?? (await statusListSize(db));
  if (size * 2 > LARGEST_LIST_SIZE) throw new Error('the status list cannot grow further');
  await ensureStatusListRow(db);
  await db.statusList.updateMany({ where: { id: ROW, size }, data: { size: size * 2, changes: { increment: 1 } } });
}

/** The one row of the list, before its first publication. */
export async function ensureStatusListRow(db: Pick<Database, 'statusList'>): Promise<void> {
  await db.statusList.createMany({ data: [{ id: ROW, size: FIRST_LIST_SIZE }], skipDuplicates: true });
}
