/** Sealing in bulk, as the caller drives it: make a job, add files, start, pause, resume, cancel. `run-seal-jobs.ts` does the work. */
import { createHash, randomUUID } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import type { SealPlaceRule } from '#documents/seal-place.ts';
import { faultyField, Problem } from '#problem.ts';
import { isUniqueViolation } from '#storage/database.ts';
import { refuseClosedKey } from '#storage/sealed-places.ts';
import { keepJobFile, MAX_JOB_FILE_BYTES, openJobFile, requireFormat, type SealableFormat, tooLarge } from './job-files.ts';
import { requireUsableSealById } from './require-usable-seal.ts';
import {
  placeOfFile,
  requireJob,
  requireJobActor,
  type SealJobDeps,
  type SealJobFileRow,
  type SealJobParty,
  type SealJobRow,
  type SealJobStatus,
  type SealJobView,
  sealJobView,
  sourceNameOf,
} from './seal-job.ts';

export const MAX_FILES_PER_JOB = 50_000;
/** All files of a job together. */
export const MAX_BYTES_PER_JOB = 64 * 1024 ** 3;
/** Readers of PDF look for its mark so far. */
const HEAD_BYTES = 1024;
const KEY = /^[A-Za-z0-9._-]{1,100}$/;
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

export interface NewSealJob {
  sealId: string;
  place: SealPlaceRule;
  /** 8–64 of A–Z a–z 0–9 _ -; the same request gives the same job. */
  requestId: string;
  by: SealJobParty;
}

/**
 * Throws Problem `not-allowed`, `seal-not-found`, `seal-not-usable`, `seal-use-not-allowed`, `seal-daily-limit`,
 * `invalid-input` (/requestId), `request-id-taken`.
 */
export async function createSealJob(deps: SealJobDeps, input: NewSealJob): Promise<SealJobView> {
  const { db, clock } = deps;
  const { by, requestId, sealId } = input;
  const { organisationId } = by;
  const actor = await requireJobActor(deps, by);
  if (!REQUEST_ID.test(requestId))
    throw faultyField('/requestId', '8 to 64 of A–Z a–z 0–9 _ -', '请求编号应为8至64位字母、数字、下划线或连字符。');
  await requireUsableSealById(deps, { sealId, organisationId, actor });
  const find = () => db.sealJob.findUnique({ where: { organisationId_requestId: { organisationId, requestId } } });
  const place = { ...input.place };
  let row = await find();
  if (!row) {
    try {
      row = await db.$transaction(async (tx) => {
        const at = clock.now();
        const made = await tx.sealJob.create({
          data: { organisationId, sealId, actor, requestId, status: 'collecting', place, createdAt: at },
        });
        await recordEvent(tx, { kind: 'seal-job-created', actor, subject: `seal-job:${made.id}`, detail: { seal: sealId }, at });
        return made;
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      row = await find();
    }
  }
  if (row?.sealId !== sealId || JSON.stringify(sorted(row.place)) !== JSON.stringify(sorted(place))) throw new Problem('request-id-taken');
  return sealJobView(deps, row);
}

/** PostgreSQL keeps no order of members. */
function sorted(place: unknown): [string, unknown][] {
  return Object.entries(place as object).sort(([a], [b]) => (a < b ? -1 : 1));
}

export interface NewJobFile {
  jobId: string;
  /** The caller's own name for it: 1–100 of A–Z a–z 0–9 . _ -. Put no names of people into it. */
  key: string;
  /** What a person calls it, for this organisation's eyes; kept encrypted. */
  name?: string;
  /** Taken piece by piece, never held as a whole. */
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  by: SealJobParty;
}

export interface AddedFile {
  key: string;
  digest: string;
  /** False when it was there before. */
  added: boolean;
}

/**
 * Throws Problem `seal-job-not-found`, `seal-job-state` once started, `unsupported-media-type`, `too-large`, `invalid-input` (/key),
 * `seal-job-too-large`, `request-id-taken` when the key names another file already.
 */
export async function addJobFile(deps: SealJobDeps, { jobId, key, name: fileName, content, by }: NewJobFile): Promise<AddedFile> {
  const { db, files, fields } = deps;
  const job = await requireJob(deps, jobId, by);
  if (!KEY.test(key)) throw faultyField('/key', '1 to 100 of A–Z a–z 0–9 . _ -', '文件键应为1至100位字母、数字、点、下划线或连字符。');
  const known = await db.sealJobFile.findUnique({ where: { jobId_key: { jobId, key } } });
  if (known) return same(known, await digestOf(content));
  if (job.status !== 'collecting') throw new Problem('seal-job-state');
  await requireRoom(deps, jobId);
  const id = randomUUID();
  const name = sourceNameOf({ jobId, id });
  // The file first: a row without its file would never end.
  const { digest, bytes, keyVersion } = await keepJobFile(deps, name, placeOfFile(id, 'source'), (take) => withinLimits(content, take));
  try {
    const format = await formatOf(deps, id, name);
    const called = fileName === undefined ? {} : { name: fields.seal(placeOfFile(id, 'name'), fileName) };
    await db.$transaction(async (tx) => {
      await tx.sealJobFile.create({
        data: { id, jobId, key, ...called, format, status: 'waiting', sourceBytes: bytes, sourceDigest: digest },
      });
      await refuseClosedKey(tx, keyVersion);
    });
  } catch (error) {
    await files.remove(name);
    if (!isUniqueViolation(error)) throw error;
    return same(await db.sealJobFile.findUniqueOrThrow({ where: { jobId_key: { jobId, key } } }), digest);
  }
  return { key, digest, added: true };
}

/** Job → how many files may come before it is counted again. */
const granted = new Map<string, number>();
const MOST_GRANTED = 200;
const MOST_JOBS_KEPT = 1_000;

/**
 * Counting a large job takes longer than adding a file to it. So a count is good for some more files, fewer as the end comes nearer and
 * none at the end: up to four processes together never go beyond it.
 */
async function requireRoom({ db }: SealJobDeps, jobId: string): Promise<void> {
  const left = granted.get(jobId) ?? 0;
  if (left > 0) {
    granted.set(jobId, left - 1);
    return;
  }
  const [held] = await db.$queryRaw<{ files: number; bytes: number }[]>`
    SELECT count(*)::int AS files, coalesce(sum(source_bytes), 0)::float8 AS bytes FROM seal_job_file WHERE job_id = ${jobId}::uuid`;
  const room = Math.min(
    MAX_FILES_PER_JOB - (held?.files ?? 0),
    Math.ceil((MAX_BYTES_PER_JOB - (held?.bytes ?? 0)) / MAX_JOB_FILE_BYTES.ofd),
  );
  if (room <= 0) throw new Problem('seal-job-too-large');
  if (granted.size >= MOST_JOBS_KEPT) granted.clear();
  granted.set(jobId, Math.min(MOST_GRANTED, Math.floor((room - 1) / 4)));
}

/** What is too large is refused as soon as that is seen, not when all of it has come. */
async function withinLimits(content: NewJobFile['content'], take: (part: Uint8Array) => void): Promise<void> {
  const head = Buffer.alloc(HEAD_BYTES);
  let bytes = 0;
  for await (const part of content) {
    if (bytes < HEAD_BYTES) head.set(part.subarray(0, HEAD_BYTES - bytes), bytes);
    bytes += part.length;
    const format = head.includes('%PDF-', 0, 'latin1') ? 'pdf' : 'ofd';
    if (bytes > MAX_JOB_FILE_BYTES[format]) throw tooLarge(format);
    take(part);
  }
}

async function formatOf(deps: SealJobDeps, id: string, name: string): Promise<SealableFormat> {
  const file = await openJobFile(deps, name, placeOfFile(id, 'source'));
  if (!file) throw new Error(`the source of file ${id} is not in the file store`);
  try {
    return requireFormat(file);
  } finally {
    file.close();
  }
}

async function digestOf(content: NewJobFile['content']): Promise<string> {
  const hash = createHash('sha256');
  await withinLimits(content, (part) => hash.update(part));
  return hash.digest('hex');
}

function same(row: SealJobFileRow, digest: string): AddedFile {
  if (row.sourceDigest !== digest) throw new Problem('request-id-taken');
  return { key: row.key, digest, added: false };
}

interface Transition {
  from: readonly SealJobStatus[];
  to: SealJobStatus;
  kind: string;
}

const TRANSITIONS = {
  start: { from: ['collecting'], to: 'running', kind: 'seal-job-started' },
  pause: { from: ['running'], to: 'paused', kind: 'seal-job-paused' },
  resume: { from: ['paused'], to: 'running', kind: 'seal-job-resumed' },
  cancel: { from: ['collecting', 'running', 'paused'], to: 'cancelled', kind: 'seal-job-cancelled' },
} as const satisfies Record<string, Transition>;

export type SealJobAct = keyof typeof TRANSITIONS;
export const SEAL_JOB_ACTS = Object.keys(TRANSITIONS) as SealJobAct[];

/** What is being sealed at the moment of pausing or cancelling is finished. Throws Problem `seal-job-not-found`, `seal-job-state`. */
export async function changeSealJob(deps: SealJobDeps, input: { jobId: string; act: SealJobAct; by: SealJobParty }): Promise<SealJobView> {
  const { db, clock } = deps;
  const actor = await requireJobActor(deps, input.by);
  const job = await requireJob(deps, input.jobId, input.by);
  const { from, to, kind }: Transition = TRANSITIONS[input.act];
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const { count } = await tx.sealJob.updateMany({
      where: { id: job.id, status: { in: [...from] } },
      data: { status: to, ...(input.act === 'start' ? { startedAt: at } : {}), ...(to === 'cancelled' ? { finishedAt: at } : {}) },
    });
    if (count === 0) throw new Problem('seal-job-state');
    await recordEvent(tx, { kind, actor, subject: `seal-job:${job.id}`, at });
  });
  return sealJobView(deps, (await db.sealJob.findUnique({ where: { id: job.id } })) as SealJobRow);
}
