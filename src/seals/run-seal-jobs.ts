/**
 * Does the work of bulk jobs, in any number of processes. A file is claimed for a while, sealed, its result stored under the
 * claim's name, and then one transaction makes that result the file's, if the claim still holds. So each file gets exactly one
 * result, and one entry in the seal's log, whatever dies on the way.
 */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { recordSealUse } from './record-seal-use.ts';
import { requireUsableSealById, type UsableSeal } from './require-usable-seal.ts';
import { type SealableFormat, sealFile } from './seal-file.ts';
import { placeOfFile, resultNameOf, type SealJobDeps, type SealJobFileRow, type SealJobRow, sourceNameOf } from './seal-job.ts';

/** Longer than the largest file takes. */
const CLAIM_MS = 120_000;
const BATCH = 32;
/** Sealing one waits on the disk, the database and the signer while another computes. */
const AT_ONCE = 4;
/** Failures nobody foresaw, such as a full disk, before the file is given up. */
const MOST_TRIES = 5;
const RETRY_MS = 30_000;
/** Results are kept for their owner this long after the end. */
const KEEP_RESULTS_DAYS = 30;
const KEEP_UNSTARTED_DAYS = 7;
const DAY_MS = 86_400_000;

type Claimed = SealJobFileRow & { claim: string };

/** Some of the work that is waiting. Returns how many files were ended, sealed or failed; 0 when nothing waits. */
export async function runSealJobs(deps: SealJobDeps): Promise<number> {
  const waiting = await deps.db.sealJob.findMany({ where: { status: 'running', files: { some: waitingAt(deps.clock.now()) } }, take: 100 });
  // Drawn by lot: a small job need not wait for the end of a large one.
  const job = waiting[randomInt(Math.max(1, waiting.length))];
  if (!job) {
    await finishJobs(deps);
    return 0;
  }
  const claimed = await claimFiles(deps, job.id);
  if (claimed.length === 0) return 0;
  let seal: UsableSeal;
  try {
    seal = await requireUsableSealById(deps, { sealId: job.sealId, organisationId: job.organisationId });
  } catch (error) {
    for (const file of claimed) await giveUp(deps, file, error);
    await finishJobs(deps);
    return claimed.length;
  }
  const queue = [...claimed];
  const work = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) await workOn(deps, job, file, seal);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await finishJobs(deps);
  return claimed.length;
}

function waitingAt(now: Date) {
  return { status: 'waiting', OR: [{ claimedUntil: null }, { claimedUntil: { lte: now } }] };
}

async function claimFiles({ db, clock, files }: SealJobDeps, jobId: string): Promise<Claimed[]> {
  const now = clock.now();
  const until = new Date(now.getTime() + CLAIM_MS);
  const claim = randomUUID();
  const taken = await db.$transaction(async (tx) => {
    const found = await tx.$queryRaw<{ id: string; claim: string | null }[]>`
      SELECT id, claim FROM seal_job_file
      WHERE job_id = ${jobId}::uuid AND status = 'waiting' AND (claimed_until IS NULL OR claimed_until <= ${now})
      ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
    const ids = found.map(({ id }) => id);
    await tx.sealJobFile.updateMany({ where: { id: { in: ids } }, data: { claim, claimedUntil: until, tries: { increment: 1 } } });
    return found;
  });
  // Whoever claimed before us died or is too late: what it may have stored counts for nothing.
  for (const { id, claim: dead } of taken) if (dead) await files.remove(resultNameOf({ jobId, id }, dead));
  const rows = await db.sealJobFile.findMany({ where: { id: { in: taken.map(({ id }) => id) }, claim }, orderBy: { id: 'asc' } });
  return rows.map((row) => ({ ...row, claim }));
}

async function workOn(deps: SealJobDeps, job: SealJobRow, file: Claimed, seal: UsableSeal): Promise<void> {
  const { fields, files } = deps;
  try {
    const stored = await files.find(sourceNameOf(file));
    if (!stored) throw new Error(`the source of file ${file.id} is not in the file store`);
    const sealed = await sealFile(deps, seal, fields.open(placeOfFile(file.id, 'source'), stored), job.place as object);
    await files.put(resultNameOf(file, file.claim), fields.seal(placeOfFile(file.id, 'result'), sealed));
    await commit(deps, job, file, seal, sealed);
  } catch (error) {
    await giveUp(deps, file, error);
  }
}

/** The instant from which the file is sealed. */
async function commit(deps: SealJobDeps, job: SealJobRow, file: Claimed, seal: UsableSeal, sealed: Uint8Array): Promise<void> {
  const { db, clock, files } = deps;
  const digest = createHash('sha256').update(sealed).digest('hex');
  const at = clock.now();
  const isOurs = await db.$transaction(async (tx) => {
    const { count } = await tx.sealJobFile.updateMany({
      where: { id: file.id, status: 'waiting', claim: file.claim },
      data: { status: 'sealed', claimedUntil: null, resultDigest: digest, resultBytes: sealed.length, finishedAt: at },
    });
    if (count !== 1) return false;
    const use = { sealId: seal.sealId, subject: `seal-job:${job.id}`, format: file.format as SealableFormat, digest, actor: job.actor, at };
    await recordSealUse(tx, use);
    return true;
  });
  // Too slow: another has it, and this result is nobody's.
  if (isOurs) await files.remove(sourceNameOf(file));
  else await files.remove(resultNameOf(file, file.claim));
}

/** A refusal is about this file and final; anything else is tried again a little later. */
async function giveUp({ db, clock }: SealJobDeps, file: Claimed, error: unknown): Promise<void> {
  const mine = { id: file.id, status: 'waiting', claim: file.claim };
  const isFinal = error instanceof Problem && error.status < 500 && error.code !== 'signing-too-fast';
  if (!isFinal && file.tries < MOST_TRIES) {
    const pauseMs = error instanceof Problem && error.retryAfterSeconds ? error.retryAfterSeconds * 1_000 : RETRY_MS;
    const claimedUntil = new Date(clock.now().getTime() + pauseMs);
    // While a service of ours is away, waiting costs no try.
    const tries = error instanceof Problem ? { tries: { decrement: 1 } } : {};
    await db.sealJobFile.updateMany({ where: mine, data: { claimedUntil, ...tries } });
    return;
  }
  const code = error instanceof Problem ? error.code : 'internal';
  const said = error instanceof Problem ? [error.detail, ...error.errors.map(({ detail }) => detail)].filter(Boolean).join(' ') : '';
  await db.sealJobFile.updateMany({
    where: mine,
    data: { status: 'failed', claimedUntil: null, error: code, errorDetail: said || null, finishedAt: clock.now() },
  });
}

/** Jobs whose last file has ended. */
async function finishJobs({ db, clock }: SealJobDeps): Promise<void> {
  const ended = await db.sealJob.findMany({ where: { status: 'running', files: { none: { status: 'waiting' } } }, take: 100 });
  for (const job of ended) {
    const at = clock.now();
    await db.$transaction(async (tx) => {
      const { count } = await tx.sealJob.updateMany({
        where: { id: job.id, status: 'running', files: { none: { status: 'waiting' } } },
        data: { status: 'done', finishedAt: at },
      });
      if (count === 0) return;
      const sealed = await tx.sealJobFile.count({ where: { jobId: job.id, status: 'sealed' } });
      const failed = await tx.sealJobFile.count({ where: { jobId: job.id, status: 'failed' } });
      await recordEvent(tx, {
        kind: 'seal-job-done',
        actor: 'system:seals',
        subject: `seal-job:${job.id}`,
        detail: { sealed, failed },
        at,
      });
    });
  }
}

/** Removes files and rows of jobs that ended long ago, or were never started. The seal's log stays. Returns how many files went. */
export async function sweepSealJobs({ db, clock, files }: SealJobDeps): Promise<number> {
  const now = clock.now().getTime();
  const ended = new Date(now - KEEP_RESULTS_DAYS * DAY_MS);
  const unstarted = new Date(now - KEEP_UNSTARTED_DAYS * DAY_MS);
  const rows = await db.sealJobFile.findMany({
    where: { job: { OR: [{ finishedAt: { lt: ended } }, { status: 'collecting', createdAt: { lt: unstarted } }] } },
    take: 500,
  });
  for (const row of rows) {
    await files.remove(sourceNameOf(row));
    if (row.claim) await files.remove(resultNameOf(row, row.claim));
  }
  await db.sealJobFile.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } });
  return rows.length;
}
