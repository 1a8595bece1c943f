/** Looking bulk jobs up: progress, files with their errors, results. */
import { createHash } from 'node:crypto';
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import {
  placeOfFile,
  requireJob,
  resultNameOf,
  type SealJobDeps,
  type SealJobFileStatus,
  type SealJobParty,
  type SealJobView,
  sealJobView,
} from './seal-job.ts';

const MAX_LIMIT = 1_000;

export interface SealJobFileView {
  id: string;
  key: string;
  format: 'ofd' | 'pdf';
  status: SealJobFileStatus;
  /** Code of the Problem and what it says of this file. */
  error: string | undefined;
  errorDetail: string | undefined;
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
  return Promise.all(rows.map((row) => sealJobView(deps, row)));
}

/** In an order of their own that does not change. */
export async function listJobFiles(
  deps: SealJobDeps,
  input: {
    jobId: string;
    by: SealJobParty;
    status?: SealJobFileStatus | undefined;
    cursor?: string | undefined;
    limit?: number | undefined;
  },
): Promise<{ items: SealJobFileView[]; nextCursor?: string }> {
  await requireJob(deps, input.jobId, input.by);
  const limit = Math.min(Math.max(1, input.limit ?? 100), MAX_LIMIT);
  const rows = await deps.db.sealJobFile.findMany({
    where: {
      jobId: input.jobId,
      ...(input.status ? { status: input.status } : {}),
      ...(input.cursor !== undefined && isUuid(input.cursor) ? { id: { gt: input.cursor } } : {}),
    },
    orderBy: { id: 'asc' },
    take: limit + 1,
  });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map((row) => ({
    id: row.id,
    key: row.key,
    format: row.format as SealJobFileView['format'],
    status: row.status as SealJobFileStatus,
    error: row.error ?? undefined,
    errorDetail: row.errorDetail ?? undefined,
    digest: row.resultDigest ?? undefined,
    bytes: row.resultBytes ?? undefined,
  }));
  return { items, ...(rows.length > limit && last ? { nextCursor: last.id } : {}) };
}

export interface SealedFile {
  bytes: Uint8Array;
  mediaType: 'application/ofd' | 'application/pdf';
  fileName: string;
}

/** The sealed file. Throws Problem `file-not-sealed`, `not-found` for an unknown key, or when results were swept. */
export async function readSealedFile(deps: SealJobDeps, input: { jobId: string; key: string; by: SealJobParty }): Promise<SealedFile> {
  await requireJob(deps, input.jobId, input.by);
  const row = await deps.db.sealJobFile.findUnique({ where: { jobId_key: { jobId: input.jobId, key: input.key } } });
  if (!row) throw new Problem('not-found');
  if (row.status !== 'sealed' || row.claim === null) throw new Problem('file-not-sealed');
  const stored = await deps.files.find(resultNameOf(row, row.claim));
  if (!stored) throw new Problem('not-found');
  const bytes = deps.fields.open(placeOfFile(row.id, 'result'), stored);
  if (createHash('sha256').update(bytes).digest('hex') !== row.resultDigest) {
    throw new Error(`the result of file ${row.id} of seal job ${row.jobId} is not the one that was sealed`);
  }
  return { bytes, mediaType: row.format === 'ofd' ? 'application/ofd' : 'application/pdf', fileName: `${row.key}.${row.format}` };
}
