/** Some of the sealed files of a kind, sealed anew one at a time: large ones piece by piece, each whole or not at all. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FieldCipherError } from '#crypto/field-cipher.ts';
import { keyVersionOfFile, resealFile } from '#crypto/sealed-file.ts';
import type { FileStore, StoredFile } from '#ports/file-store.ts';
import type { Database } from '#storage/database.ts';
import type { SealedFile, SealedFiles } from '#storage/sealed-places.ts';
import type { Batch, FaultReason, Reseal } from './reseal-column.ts';

/** Rows; each names a few files. */
const BATCH_ROWS = 20;
const MEGABYTE = 1024 * 1024;
/** No further file is begun in a batch that has sealed so much. */
const BATCH_BYTES = 64 * MEGABYTE;

/** Writes to the store as it goes. Throws what the store throws when writing. */
export async function resealFiles(
  { db, files }: { db: Database; files: FileStore },
  kind: SealedFiles,
  reseal: Reseal,
  after: string | undefined,
): Promise<Batch> {
  const rows = await kind.list(db, { after, limit: BATCH_ROWS });
  const batch: Batch = { after: undefined, ended: rows.length < BATCH_ROWS, looked: 0, resealed: 0, changed: 0, faults: [] };
  let bytes = 0;
  for (const row of rows) {
    if (bytes > BATCH_BYTES) return { ...batch, ended: false };
    for (const file of row.files) {
      const done = await resealOne({ files }, file, reseal);
      const isNamed = done === 'kept' || (await kind.isNamed(db, row.id, file));
      // Removed while we worked on it: whoever removed it meant what we have put back.
      if (!isNamed) {
        if (typeof done === 'number') await files.remove(file.name);
        batch.changed += 1;
      } else if (typeof done === 'number') {
        batch.resealed += 1;
        bytes += done;
      } else if (done !== 'kept') batch.faults.push({ rowId: `${row.id} ${file.what}`, reason: done });
    }
    batch.looked += row.files.length;
    batch.after = row.id;
  }
  return batch;
}

/** Its length once it is sealed anew. */
async function resealOne({ files }: { files: FileStore }, file: SealedFile, reseal: Reseal): Promise<number | 'kept' | FaultReason> {
  const stored = await openStored(files, file.name);
  if (typeof stored === 'string') return stored;
  try {
    const version = keyVersionOfFile(stored);
    if (version !== undefined && reseal.open.includes(version)) return 'kept';
    const fresh = await files.create(file.name);
    try {
      for (const _ of resealFile(reseal.fields, file.place, readingOf(stored), (part) => fresh.write(part))) await nextTurn();
      await fresh.finish();
    } catch (error) {
      await fresh.abandon();
      if (error instanceof Unreadable) return 'unreadable';
      if (error instanceof FieldCipherError) return reseal.known.includes(version ?? 0) ? 'damaged' : 'unknown-key';
      throw error;
    }
    return stored.length;
  } catch (error) {
    if (error instanceof Unreadable) return 'unreadable';
    throw error;
  } finally {
    stored.close();
  }
}

class Unreadable extends Error {}

async function openStored(files: FileStore, name: string): Promise<StoredFile | 'missing' | 'unreadable'> {
  try {
    const stored = await files.open(name);
    return stored ? { ...readingOf(stored), close: () => stored.close() } : 'missing';
  } catch {
    return 'unreadable';
  }
}

/** A file that cannot be read is one fault; a store that cannot be written to ends the round. */
function readingOf(stored: { readonly length: number; read(start: number, end: number): Buffer }) {
  return {
    length: stored.length,
    read(start: number, end: number) {
      try {
        return stored.read(start, end);
      } catch (cause) {
        throw new Unreadable('a stored file cannot be read', { cause });
      }
    },
  };
}
