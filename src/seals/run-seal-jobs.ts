/**
 * Does the work of bulk jobs, in any number of processes. A file is claimed for a while, sealed, its result stored under the
 * claim's name, and then one transaction makes that result the file's, if the claim still holds. So each file gets exactly one
 * result, and one entry in the seal's log, whatever dies on the way.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { findStaff } from '#access/find-staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { Problem, type ProblemCode } from '#problem.ts';
import { refuseClosedKey } from '#storage/sealed-places.ts';
import { type FileFacts, keepJobFile, openJobFile, type SealableFormat } from './job-files.ts';
import { recordSealUse } from './record-seal-use.ts';
import { requireUsableSealById, type UsableSeal } from './require-usable-seal.ts';
import { HELD_BYTES, sealFile } from './seal-file.ts';
import { folderOf, placeOfFile, resultNameOf, type SealJobDeps, type SealJobFileRow, type SealJobRow, sourceNameOf } from './seal-job.ts';

/** Longer than the largest file takes. */
const CLAIM_MS = 120_000;
/** Claimed later than this ago, a file is claimed anew before work on it begins. */
const CLAIM_AGE_MS = 30_000;
const BATCH = 32;
/** What is claimed together is not larger than this, or is one file. */
const BATCH_BYTES = 64 * 1024 * 1024;
/** Sealing one waits on the disk, the database and the signer while another computes. */
const AT_ONCE = 4;
/** Failures nobody foresaw, such as a full disk, before the file is given up. */
const MOST_TRIES = 5;
const RETRY_MS = 30_000;
/** Results are kept for their owner this long after the end. */
const KEEP_RESULTS_DAYS = 30;
const KEEP_UNSTARTED_DAYS = 7;
const DAY_MS = 86_400_000;
/** Refusals that time lifts. */
const PASSING: readonly ProblemCode[] = ['signing-too-fast', 'seal-daily-limit'];

type Claimed = SealJobFileRow & { claim: string; claimedUntil: Date };

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
    await requireStillIssuer(deps, job.actor);
    seal = await requireUsableSealById(deps, { sealId: job.sealId, organisationId: job.organisationId, actor: job.actor });
  } catch (error) {
    for (const file of claimed) await giveUp(deps, file, error);
    await finishJobs(deps);
    return claimed.length;
  }
  const isLarge = ({ sourceBytes }: Claimed) => sourceBytes > HELD_BYTES;
  const queue = claimed.filter((file) => !isLarge(file));
  const work = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) await workOn(deps, job, file, seal);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  // One after the other: a large PDF is signed in memory.
  for (const file of claimed.filter(isLarge)) await workOn(deps, job, file, seal);
  await finishJobs(deps);
  return claimed.length;
}

/** A job may last; who began it may have left meanwhile. Throws Problem `not-allowed`. */
async function requireStillIssuer({ db }: SealJobDeps, actor: string): Promise<void> {
  const [kind, id = ''] = actor.split(':', 2);
  if (kind === 'staff' && !(await findStaff({ db }, id))?.roles.includes('issuer')) throw new Problem('not-allowed');
}

function waitingAt(now: Date) {
  return { status: 'waiting', OR: [{ claimedUntil: null }, { claimedUntil: { lte: now } }] };
}

async function claimFiles({ db, clock, files }: SealJobDeps, jobId: string): Promise<Claimed[]> {
  const now = clock.now();
  const until = new Date(now.getTime() + CLAIM_MS);
  const claim = randomUUID();
  const taken = await db.$transaction(async (tx) => {
    const waiting = await tx.$queryRaw<{ id: string; claim: string | null; sourceBytes: number }[]>`
      SELECT id, claim, source_bytes AS "sourceBytes" FROM seal_job_file
      WHERE job_id = ${jobId}::uuid AND status = 'waiting' AND (claimed_until IS NULL OR claimed_until <= ${now})
      ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
    let bytes = 0;
    const found = waiting.filter(({ sourceBytes }, index) => {
      bytes += sourceBytes;
      return bytes <= BATCH_BYTES || index === 0;
    });
    const ids = found.map(({ id }) => id);
    await tx.sealJobFile.updateMany({ where: { id: { in: ids } }, data: { claim, claimedUntil: until, tries: { increment: 1 } } });
    return found;
  });
  // Whoever claimed before us died or is too late: what it may have stored counts for nothing.
  for (const { id, claim: dead } of taken) if (dead) await files.remove(resultNameOf({ jobId, id }, dead));
  const rows = await db.sealJobFile.findMany({ where: { id: { in: taken.map(({ id }) => id) }, claim }, orderBy: { id: 'asc' } });
  return rows.map((row) => ({ ...row, claim, claimedUntil: until }));
}

async function workOn(deps: SealJobDeps, job: SealJobRow, file: Claimed, seal: UsableSeal): Promise<void> {
  try {
    if (!(await holdClaim(deps, file))) return;
    const source = await openJobFile(deps, sourceNameOf(file), placeOfFile(file.id, 'source'));
    if (!source) throw new Error(`the source of file ${file.id} is not in the file store`);
    try {
      const sealed = await keepJobFile(deps, resultNameOf(file, file.claim), placeOfFile(file.id, 'result'), (take) =>
        sealFile(deps, seal, source, job.place as object, take),
      );
      await commit(deps, job, file, seal, sealed);
    } finally {
      source.close();
    }
  } catch (error) {
    await giveUp(deps, file, error);
  }
}

/** Those behind large files may wait long for their turn. False when somebody else has it by now. */
async function holdClaim({ db, clock }: SealJobDeps, file: Claimed): Promise<boolean> {
  const now = clock.now().getTime();
  if (file.claimedUntil.getTime() - now > CLAIM_MS - CLAIM_AGE_MS) return true;
  const claimedUntil = new Date(now + CLAIM_MS);
  const { count } = await db.sealJobFile.updateMany({
    where: { id: file.id, status: 'waiting', claim: file.claim },
    data: { claimedUntil },
  });
  return count === 1;
}

/** The instant from which the file is sealed. */
async function commit(deps: SealJobDeps, job: SealJobRow, file: Claimed, seal: UsableSeal, facts: FileFacts): Promise<void> {
  const { db, clock, files } = deps;
  const { digest, sm3, bytes, keyVersion } = facts;
  const sealedFile = { format: file.format as SealableFormat, digest, sm3 };
  const at = clock.now();
  const isOurs = await db.$transaction(async (tx) => {
    const { count } = await tx.sealJobFile.updateMany({
      where: { id: file.id, status: 'waiting', claim: file.claim },
      data: { status: 'sealed', claimedUntil: null, resultDigest: digest, resultBytes: bytes, finishedAt: at },
    });
    if (count !== 1) return false;
    await refuseClosedKey(tx, keyVersion);
    await recordSealUse(tx, { sealId: seal.sealId, subject: `seal-job:${job.id}`, files: [sealedFile], actor: job.actor, at });
    return true;
  });
  // Too slow: another has it, and this result is nobody's.
  if (isOurs) await files.remove(sourceNameOf(file));
  else await files.remove(resultNameOf(file, file.claim));
}

/** A refusal is about this file and final; anything else is tried again a little later. */
async function giveUp({ db, clock, files }: SealJobDeps, file: Claimed, error: unknown): Promise<void> {
  const mine = { id: file.id, status: 'waiting', claim: file.claim };
  const isFinal = error instanceof Problem && error.status < 500 && !PASSING.includes(error.code);
  if (!isFinal && file.tries < MOST_TRIES) {
    const pauseMs = error instanceof Problem && error.retryAfterSeconds ? error.retryAfterSeconds * 1_000 : RETRY_MS;
    const claimedUntil = new Date(clock.now().getTime() + pauseMs);
    // While a service of ours is away, waiting costs no try.
    const tries = error instanceof Problem ? { tries: { decrement: 1 } } : {};
    await db.sealJobFile.updateMany({ where: mine, data: { claimedUntil, ...tries } });
    return;
  }
  const code = error instanceof Problem ? error.code : 'internal';
  const { en, zh } = wordsOf(error);
  const { count } = await db.sealJobFile.updateMany({
    where: mine,
    data: {
      status: 'failed',
      claimedUntil: null,
      error: code,
      errorDetail: en || null,
      errorDetailZh: zh || null,
      finishedAt: clock.now(),
    },
  });
  if (count === 1) await files.remove(sourceNameOf(file));
}

/** What the Problem says beyond the sentence of its code. */
function wordsOf(error: unknown): { en: string; zh: string } {
  if (!(error instanceof Problem)) return { en: '', zh: '' };
  const join = (...words: (string | undefined)[]) => words.filter(Boolean).join(' ');
  return {
    en: join(error.detail, ...error.errors.map(({ detail }) => detail)),
    zh: join(error.detailZh, ...error.errors.map(({ detailZh }) => detailZh)),
  };
}

/** Jobs whose last file has ended. */
async function finishJobs({ db, clock, files }: SealJobDeps): Promise<void> {
  const ended = await db.sealJob.findMany({ where: { status: 'running', files: { none: { status: 'waiting' } } }, take: 100 });
  for (const job of ended) {
    // Of those too whose worker died between the result and this.
    const ids = await db.sealJobFile.findMany({ where: { jobId: job.id }, select: { id: true } });
    for (const { id } of ids) await files.remove(sourceNameOf({ jobId: job.id, id }));
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
  for (const jobId of new Set(rows.map((row) => row.jobId))) {
    // With uploads and results of processes that died, of which no row tells.
    if ((await db.sealJobFile.count({ where: { jobId } })) === 0) await files.removeFolder(folderOf(jobId));
  }
  return rows.length;
}
