/**
 * Where values lie that the field cipher sealed. Each room declares its own, beside what seals them, so that they can be sealed anew when
 * a data key ends. The register of all is `jobs/sealed-places.ts`; a test holds it against the schema.
 */
import type { Database, Transaction } from './database.ts';

/** A column of sealed values. Its table and column together are its name in the register. */
export interface SealedColumn {
  table: string;
  column: string;
  /** The primary key. */
  idColumn: string;
  idType: 'uuid' | 'text';
  /** The place to which the value of this row is bound. */
  place(id: string): string;
  /** How many are held at once; fewer where values are large. */
  batchRows?: number;
}

/** A file in the file store that is sealed as a whole or piece by piece. */
export interface SealedFile {
  /** Name in the file store. */
  name: string;
  /** What of the row it is. */
  what: string;
  /** The place to which it is bound. */
  place: string;
}

/** A kind of sealed files, found by the rows that name them. */
export interface SealedFiles {
  /** Name in the register. */
  name: string;
  /** The next rows in the order of their ids, each with its files. Fewer than `limit` at the end. */
  list(db: Database, page: { after: string | undefined; limit: number }): Promise<{ id: string; files: SealedFile[] }[]>;
  /** Whether the row still names the file; one that was removed while it was sealed anew must not come back. */
  isNamed(db: Database, rowId: string, file: SealedFile): Promise<boolean>;
}

/** What is sealed into the ephemeral store (a telephone number on its way, a picture looked at) ends by itself, at the latest after this. */
export const LONGEST_EPHEMERAL_SECONDS = 3_600;

/**
 * For the transaction by which a sealed file begins to count, after its own writes: throws when the key it was sealed with was closed
 * meanwhile. The file is then to be made again. Columns need nothing of the kind: the database looks itself.
 */
export async function refuseClosedKey(tx: Transaction, version: number): Promise<void> {
  const closed = await tx.dataKey.count({ where: { purpose: 'field', version, closedAt: { not: null } } });
  if (closed > 0) throw new Error(CLOSED_KEY);
}

/** As the triggers say it. */
const CLOSED_KEY = 'sealed with a data key that is closed';

/** Whether this was refused because the process has not read the keys since the one it seals with was closed: it does within half a minute. */
export function isClosedKeyError(error: unknown): boolean {
  return error instanceof Error && error.message.includes(CLOSED_KEY);
}
