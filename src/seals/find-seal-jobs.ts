/** Looking bulk jobs up: progress, files with their errors, results. */
import { createHash } from 'node:crypto';
import { isUuid } from '#people/is-uuid.ts';
import { CATALOGUE, Problem, type ProblemCode } from '#problem.ts';
import { cutPage } from '#storage/cut-page.ts';
import { openJobFile, piecesOf, type SealableFormat } from './job-files.ts';
import {
  placeOfFile,
  requireJob,
  resultNameOf,
  type SealJobDeps,
  type SealJobFileRow,
  type SealJobFileStatus,
  type SealJobParty,
  type SealJobView,
  sealJobView,
  sealJobViews,
} from './seal-job.ts';

const MAX_LIMIT = 1_000;

export interface SealJobFileView {
  id: string;
  key: string;
  /** What a person called it. */
  name: string | undefined;
  format: 'ofd' | 'pdf';
  status: SealJobFileStatus;
  /** Code of the Problem, and what it says of this file in English and Chinese. */
  error: string | undefined;
  errorDetail: string | undefined;
  errorDetailZh: string | undefined;
  /** SHA-256 of the sealed file, hexadecimal. */
  digest: string | undefined;
  bytes: number | undefined;
}

/** Throws Problem `seal-job-not-found`, `not-allowed`; so do all here. */
export async function findSealJob(deps: SealJobDeps, input: { jobId: string; by: SealJobParty }): Promise<SealJobView> {
  return sealJobView(deps, await requireJob(deps, input.jobId, input.by));
}

/** Newest first. */
export async function listSealJobs(deps: SealJobDeps, input: { by: SealJobParty; limit?: number }): Promise<SealJobView[]> {
  const rows = await deps.db.sealJob.findMany({
    where: { organisationId: input.by.organisationId },
    orderBy: { id: 'desc' },
    take: Math.min(input.limit ?? 20, 100),
  });
  return sealJobViews(deps, rows);
}

export interface JobFilesQuery {
  jobId: string;
  status?: SealJobFileStatus | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}
export interface JobFilesPage {
  items: SealJobFileView[];
  nextCursor?: string;
}

/** In an order of their own that does not change. */
export async function listJobFiles(deps: SealJobDeps, { by, ...query }: JobFilesQuery & { by: SealJobParty }): Promise<JobFilesPage> {
  await requireJob(deps, query.jobId, by);
  return readJobFiles(deps, query);
}

/** The same for who was found to be allowed already. */
export async function readJobFiles({ db, fields }: Pick<SealJobDeps, 'db' | 'fields'>, query: JobFilesQuery): Promise<JobFilesPage> {
  const limit = Math.min(Math.max(1, query.limit ?? 100), MAX_LIMIT);
  const rows = await db.sealJobFile.findMany({
    where: {
      jobId: query.jobId,
      ...(query.status ? { status: query.status } : {}),
      ...(query.cursor !== undefined && isUuid(query.cursor) ? { id: { gt: query.cursor } } : {}),
    },
    orderBy: { id: 'asc' },
    take: limit + 1,
  });
  const { shown, next } = cutPage(rows, limit);
  const items = shown.map((row) => ({
    id: row.id,
    key: row.key,
    name: nameOf(fields, row),
    format: row.format as SealJobFileView['format'],
    status: row.status as SealJobFileStatus,
    ...errorOf(row),
    digest: row.resultDigest ?? undefined,
    bytes: row.resultBytes ?? undefined,
  }));
  return { items, ...next };
}

/** What a person called it; systems give no names. */
export function nameOf(fields: SealJobDeps['fields'], { id, name }: Pick<SealJobFileRow, 'id' | 'name'>): string | undefined {
  return name === null ? undefined : fields.openText(placeOfFile(id, 'name'), name);
}

function errorOf(row: SealJobFileRow): Pick<SealJobFileView, 'error' | 'errorDetail' | 'errorDetailZh'> {
  if (row.error === null) return { error: undefined, errorDetail: undefined, errorDetailZh: undefined };
  // A code of a later or an earlier release may be unknown here.
  const [, en, zh] = CATALOGUE[row.error as ProblemCode] ?? CATALOGUE.internal;
  return { error: row.error, errorDetail: row.errorDetail ?? en, errorDetailZh: row.errorDetailZh ?? zh };
}

export interface SealedFile {
  /** Bytes. */
  length: number;
  /** Of the file, in order. Throws at the end when they are not those that were sealed. */
  pieces(): AsyncGenerator<Uint8Array, void>;
  mediaType: 'application/ofd' | 'application/pdf';
  fileName: string;
}

/** The sealed file. Throws Problem `file-not-sealed`, `not-found` for an unknown key, or when results were swept. */
export async function readSealedFile(deps: SealJobDeps, input: { jobId: string; key: string; by: SealJobParty }): Promise<SealedFile> {
  await requireJob(deps, input.jobId, input.by);
  const row = await deps.db.sealJobFile.findUnique({ where: { jobId_key: { jobId: input.jobId, key: input.key } } });
  if (!row) throw new Problem('not-found');
  if (row.status !== 'sealed' || row.claim === null) throw new Problem('file-not-sealed');
  const open = () => openJobFile(deps, resultNameOf(row, row.claim ?? ''), placeOfFile(row.id, 'result'));
  const file = await open();
  if (!file) throw new Problem('not-found');
  file.close();
  const format = row.format as SealableFormat;
  return {
    length: file.length,
    pieces: () => checkedPieces(row, open),
    mediaType: format === 'ofd' ? 'application/ofd' : 'application/pdf',
    fileName: nameOf(deps.fields, row) ?? `${row.key}.${format}`,
  };
}

async function* checkedPieces(row: SealJobFileRow, open: () => ReturnType<typeof openJobFile>): AsyncGenerator<Uint8Array, void> {
  const file = await open();
  if (!file) throw new Problem('not-found');
  const hash = createHash('sha256');
  try {
    // One behind: the last piece goes out only when all of them are right.
    let held: Uint8Array | undefined;
    for (const piece of piecesOf(file)) {
      hash.update(piece);
      if (held) yield held;
      held = piece;
    }
    if (hash.digest('hex') !== row.resultDigest) {
      throw new Error(`the result of file ${row.id} of seal job ${row.jobId} is not the one that was sealed`);
    }
    if (held) yield held;
  } finally {
    file.close();
  }
}
