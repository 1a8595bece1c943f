/**
 * One batch of a sealed column, sealed anew. Never waits for a row that somebody else is writing, and writes only where the bytes are still
 * those that were read: a concurrent write is never lost, and nobody waits for us longer than a batch takes.
 */
import { type FieldCipher, FieldCipherError } from '#crypto/field-cipher.ts';
import { type Database, Prisma, type Transaction } from '#storage/database.ts';
import type { SealedColumn } from '#storage/sealed-places.ts';

const BATCH_ROWS = 200;

export interface Batch {
  /** Id of the last row that is done; undefined when none was. */
  after: string | undefined;
  /** Whether nothing comes behind it. */
  ended: boolean;
  looked: number;
  resealed: number;
  changed: number;
  faults: { rowId: string; reason: FaultReason }[];
}

export type FaultReason = 'damaged' | 'unknown-key' | 'missing' | 'unreadable';

export interface Reseal {
  /** Seals with the newest key, opens with all that are left. */
  fields: Pick<FieldCipher, 'seal' | 'open'>;
  /** Versions that may stay. */
  open: readonly number[];
  /** Versions of which there is a key. */
  known: readonly number[];
}

interface Read {
  id: string;
  /** Null when there is nothing to do. */
  sealed: Uint8Array | null;
}

interface Fresh {
  id: string;
  old: Uint8Array;
  fresh: Uint8Array;
}

/** Works in the caller's transaction, which should be short. Throws only what the database throws. */
export async function resealColumn(
  tx: Transaction,
  column: SealedColumn,
  { fields, open, known }: Reseal,
  after: string | undefined,
): Promise<Batch> {
  const limit = column.batchRows ?? BATCH_ROWS;
  const rows = await readRows(tx, column, { open, after, limit });
  const faults: Batch['faults'] = [];
  const fresh: Fresh[] = [];
  for (const { id, sealed } of rows) {
    if (!sealed) continue;
    try {
      const place = column.place(id);
      fresh.push({ id, old: sealed, fresh: fields.seal(place, fields.open(place, sealed)) });
    } catch (error) {
      if (!(error instanceof FieldCipherError)) throw error;
      faults.push({ rowId: id, reason: known.includes(sealed[0] ?? 0) ? 'damaged' : 'unknown-key' });
    }
  }
  const { written, busy } = await writeRows(tx, column, fresh);
  // A row that is just being written is looked at again, and all behind it.
  const until = busy === undefined ? rows.length : rows.findIndex(({ id }) => id === busy);
  const done = new Set(rows.slice(0, until).map(({ id }) => id));
  const isDone = ({ id }: { id: string }) => done.has(id);
  return {
    after: rows[until - 1]?.id,
    ended: busy === undefined && rows.length < limit,
    looked: until,
    resealed: written.length,
    changed: fresh.filter(isDone).length - fresh.filter((row) => isDone(row) && written.includes(row.id)).length,
    faults: faults.filter(({ rowId }) => done.has(rowId)),
  };
}

/** How many values lie under a key. Reads one octet of each. */
export async function countUnder(db: Database, column: SealedColumn, version: number): Promise<number> {
  const { table, value } = sqlOf(column);
  const [row] = await db.$queryRaw<{ count: bigint }[]>`SELECT count(*) FROM ${table} WHERE ${firstOctet(value)} = ${hexOf(version)}`;
  return Number(row?.count ?? 0);
}

function readRows(
  tx: Transaction,
  column: SealedColumn,
  { open, after, limit }: { open: readonly number[]; after: string | undefined; limit: number },
): Promise<Read[]> {
  const { table, value, id, idType } = sqlOf(column);
  const behind = after === undefined ? Prisma.empty : Prisma.sql`WHERE ${id} > ${after}::${idType}`;
  return tx.$queryRaw<Read[]>`
    SELECT ${id}::text AS id, CASE WHEN ${firstOctet(value)} = ANY(${open.map(hexOf)}::text[]) THEN NULL ELSE ${value} END AS sealed
    FROM ${table} ${behind} ORDER BY ${id} LIMIT ${limit}`;
}

/** Answers the ids it wrote, and the first that somebody else was holding. */
async function writeRows(
  tx: Transaction,
  sealed: SealedColumn,
  rows: readonly Fresh[],
): Promise<{ written: string[]; busy: string | undefined }> {
  if (rows.length === 0) return { written: [], busy: undefined };
  const { table, value, id, idType } = sqlOf(sealed);
  const ids = rows.map((row) => row.id);
  const locked = await tx.$queryRaw<{ id: string }[]>`
    SELECT ${id}::text AS id FROM ${table} WHERE ${id} = ANY(${ids}::${idType}[]) ORDER BY ${id} FOR NO KEY UPDATE SKIP LOCKED`;
  const held = new Set(locked.map((row) => row.id));
  const mine = rows.filter((row) => held.has(row.id));
  const column = <T>(of: (row: Fresh) => T) => mine.map(of);
  const written =
    mine.length === 0
      ? []
      : await tx.$queryRaw<{ id: string }[]>`
          UPDATE ${table} AS t SET ${value} = v.fresh
          FROM unnest(${column((row) => row.id)}::${idType}[], ${column(({ old }) => old)}::bytea[], ${column(({ fresh }) => fresh)}::bytea[]) AS v(id, old, fresh)
          WHERE t.${id} = v.id AND t.${value} = v.old RETURNING t.${id}::text AS id`;
  // What is not there any more is nobody's.
  const others = ids.filter((one) => !held.has(one));
  const living =
    others.length === 0
      ? []
      : await tx.$queryRaw<{ id: string }[]>`SELECT ${id}::text AS id FROM ${table} WHERE ${id} = ANY(${others}::${idType}[])`;
  const busy = new Set(living.map((row) => row.id));
  return { written: written.map((row) => row.id), busy: ids.find((one) => busy.has(one)) };
}

/** Names of ours, from declarations in the program. */
function sqlOf({ table, column, idColumn, idType }: SealedColumn) {
  return { table: Prisma.raw(`"${table}"`), value: Prisma.raw(`"${column}"`), id: Prisma.raw(`"${idColumn}"`), idType: Prisma.raw(idType) };
}

/** Large values are kept aside in pieces: this fetches the first piece alone. */
const firstOctet = (value: Prisma.Sql) => Prisma.sql`encode(substr(${value}, 1, 1), 'hex')`;

const hexOf = (version: number) => version.toString(16).padStart(2, '0');
