/** The files of bulk jobs: those that wait to be sealed, and those that were and wait to be fetched; and their names. */
import type { Database } from '#storage/database.ts';
import type { SealedColumn, SealedFile, SealedFiles } from '#storage/sealed-places.ts';
import { placeOfFile, resultNameOf, sourceNameOf } from './seal-job.ts';

type Row = { id: string; jobId: string; status: string; claim: string | null };
const COLUMNS = { id: true, jobId: true, status: true, claim: true } as const;

/** What people called the files that they brought. */
export const SEALED_OF_SEAL_JOBS: readonly SealedColumn[] = [
  { table: 'seal_job_file', column: 'name', idColumn: 'id', idType: 'uuid', place: (id) => placeOfFile(id, 'name') },
];

export const SEALED_JOB_FILES: SealedFiles = {
  name: 'seal-job.file',
  async list(db, { after, limit }) {
    const rows = await db.sealJobFile.findMany({
      where: after === undefined ? {} : { id: { gt: after } },
      select: COLUMNS,
      orderBy: { id: 'asc' },
      take: limit,
    });
    return rows.map((row) => ({ id: row.id, files: filesOf(row) }));
  },
  async isNamed(db: Database, id, { name }) {
    const row = await db.sealJobFile.findUnique({ where: { id }, select: COLUMNS });
    return row !== null && filesOf(row).some((file) => file.name === name);
  },
};

/** A result counts once it is committed; then its source goes. A failed file keeps neither. */
function filesOf(row: Row): SealedFile[] {
  if (row.status === 'waiting') return [{ name: sourceNameOf(row), what: 'source', place: placeOfFile(row.id, 'source') }];
  if (row.status === 'sealed' && row.claim)
    return [{ name: resultNameOf(row, row.claim), what: 'result', place: placeOfFile(row.id, 'result') }];
  return [];
}
