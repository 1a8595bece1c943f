/**
 * All results of a bulk job in one ZIP archive, made while it is sent: one file is open at a time, and what is kept of each is a line of the
 * archive's directory and one of its tables. A result is read through before the first byte of it goes out; one that is damaged or gone is
 * left out and told in `errors.csv`, so that the others can still be had.
 */
import { crc32 } from 'node:zlib';
import { ArchiveNames } from '#documents/container/archive-names.ts';
import { GatheredBytes } from '#documents/container/gathered-bytes.ts';
import { type StreamedEntry, streamZip } from '#documents/container/stream-zip.ts';
import { Problem } from '#problem.ts';
import { cutPage } from '#storage/cut-page.ts';
import { nameOf } from './find-seal-jobs.ts';
import { openProvenResult } from './open-proven-result.ts';
import { requireJob, type SealJobDeps, type SealJobFileRow, type SealJobParty, type SealJobRow, sealJobView } from './seal-job.ts';
import { ERROR_COLUMNS, errorRow, inChina, jobErrorRows, RESULT_COLUMNS, resultRow } from './seal-job-tables.ts';

const ROWS_AT_ONCE = 200;
const RESULTS = 'results.csv';
const ERRORS = 'errors.csv';
const DAMAGED = {
  error: 'internal',
  errorDetail: 'The sealed file is damaged or gone: seal it again.',
  errorDetailZh: '盖章后的文件已损坏或丢失，请重新盖章。',
};

export interface SealJobArchive {
  fileName: string;
  mediaType: 'application/zip';
  /** Of the archive, in order. Ending it early closes what is open. */
  pieces(): AsyncGenerator<Uint8Array, void>;
}

export interface ArchiveRequest {
  jobId: string;
  by: SealJobParty;
  /** Told of each result that cannot be read. */
  onDamaged?: ((fileId: string) => void) | undefined;
}

/**
 * What the job has sealed so far: the rest of one under way is not in it, which its name says. Throws Problem `seal-job-not-found`,
 * `not-allowed`, `file-not-sealed` while there is no result, `not-found` when results were swept.
 */
export async function openJobArchive(deps: SealJobDeps, { jobId, by, onDamaged }: ArchiveRequest): Promise<SealJobArchive> {
  const job = await requireJob(deps, jobId, by);
  const { waiting, sealed, failed } = (await sealJobView(deps, job)).files;
  if (job.finishedAt && waiting + sealed + failed === 0) throw new Problem('not-found');
  if (sealed === 0) throw new Problem('file-not-sealed');
  const isWhole = job.status === 'cancelled' || waiting === 0;
  const stamp = inChina(job.createdAt).replace(/\D/g, '');
  const seal = await deps.db.seal.findUniqueOrThrow({ where: { id: job.sealId }, select: { esId: true } });
  return {
    fileName: `批量用印-${stamp.slice(0, 8)}-${stamp.slice(8)}${isWhole ? '' : '-未完成'}.zip`,
    mediaType: 'application/zip',
    pieces: () => {
      const results = {
        job,
        esId: seal.esId ?? '',
        names: new ArchiveNames([RESULTS, ERRORS]),
        listed: new Table(RESULT_COLUMNS),
        missing: new Table(ERROR_COLUMNS),
        onDamaged,
      };
      return streamZip(entriesOf(deps, results));
    },
  };
}

interface Results extends Pick<ArchiveRequest, 'onDamaged'> {
  job: SealJobRow;
  esId: string;
  names: ArchiveNames;
  /** Of those that are in the archive. */
  listed: Table;
  /** Of those that are not. */
  missing: Table;
}

async function* entriesOf(deps: SealJobDeps, results: Results): AsyncGenerator<StreamedEntry, void> {
  let cursor: string | undefined;
  do {
    const page = await sealedPage(deps, results.job, cursor);
    for (const { row, sm3 } of page.items) yield* entryOf(deps, results, row, sm3);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  yield results.listed.entry(RESULTS, deps.clock.now());
  for await (const rows of jobErrorRows(deps, results.job.id, { withNames: true })) results.missing.add(rows);
  if (results.missing.hasRows) yield results.missing.entry(ERRORS, deps.clock.now());
}

/** Sealed files in the order of their pages, with what the seal's log knows of them. */
async function sealedPage({ db }: SealJobDeps, job: SealJobRow, cursor: string | undefined) {
  const rows = await db.sealJobFile.findMany({
    where: { jobId: job.id, status: 'sealed', ...(cursor === undefined ? {} : { id: { gt: cursor } }) },
    orderBy: { id: 'asc' },
    take: ROWS_AT_ONCE + 1,
  });
  const { shown, next } = cutPage(rows, ROWS_AT_ONCE);
  const uses = await db.sealUse.findMany({
    where: { digest: { in: shown.flatMap(({ resultDigest }) => resultDigest ?? []) }, subject: `seal-job:${job.id}` },
    select: { digest: true, sm3: true },
  });
  const sm3 = new Map(uses.map((use) => [use.digest, use.sm3 ?? undefined]));
  return { items: shown.map((row) => ({ row, sm3: sm3.get(row.resultDigest ?? '') })), ...next };
}

/** The file as an entry, or none when it cannot be had whole. */
async function* entryOf(
  deps: SealJobDeps,
  { names, esId, listed, missing, onDamaged }: Results,
  row: SealJobFileRow,
  sm3: string | undefined,
): AsyncGenerator<StreamedEntry, void> {
  const { format, resultDigest: digest, finishedAt } = row;
  const fallback = `${row.key}.${format}`;
  const title = nameOf(deps.fields, row) ?? fallback;
  const file = await openProvenResult(deps, row);
  if (!file || digest === null) {
    onDamaged?.(row.id);
    missing.add(errorRow({ title, format: format as 'ofd' | 'pdf', ...DAMAGED }));
    return;
  }
  try {
    const name = names.give(title, fallback);
    const at = finishedAt ?? deps.clock.now();
    const { length: bytes, crc } = file;
    listed.add(resultRow({ name, format, bytes, digest, sm3, esId, at }));
    yield { name, time: at, size: bytes, crc, pieces: file.pieces() };
  } finally {
    file.close();
  }
}

/** A table of the archive, written line by line while the files are sent. */
class Table {
  readonly #bytes = new GatheredBytes();
  #crc = 0;
  hasRows = false;

  constructor(columns: string) {
    this.#write(columns);
  }

  add(rows: string): void {
    this.hasRows = true;
    this.#write(rows);
  }

  #write(rows: string): void {
    const bytes = Buffer.from(rows, 'utf8');
    this.#bytes.add(bytes);
    this.#crc = crc32(bytes, this.#crc);
  }

  entry(name: string, time: Date): StreamedEntry {
    return { name, time, size: this.#bytes.length, crc: this.#crc, pieces: this.#bytes.pieces() };
  }
}
