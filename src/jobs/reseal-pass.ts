/**
 * A pass: everything that older data keys sealed is sealed anew with the newest, while the system runs. It begins once the older keys are
 * closed, which the database enforces, and every transaction from before that has ended; so what it has gone through stays gone through.
 * Its position is kept with each batch. What does not open is noted, stays as it is, and keeps the older keys from being erased.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { recordEvent } from '#audit/record-event.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import type { Clock } from '#ports/clock.ts';
import type { FileStore } from '#ports/file-store.ts';
import { Problem } from '#problem.ts';
import type { Database, Transaction } from '#storage/database.ts';
import { DATA_KEY_LEAD_MS, type KeyWrapping, openDataKeys } from '#storage/open-data-keys.ts';
import { type Batch, type Reseal, resealColumn } from './reseal-column.ts';
import { resealFiles } from './reseal-files.ts';
import type { Job } from './run-jobs.ts';
import { nameOfColumn, SEALED_COLUMNS, SEALED_FILES } from './sealed-places.ts';

export interface ResealDeps {
  db: Database;
  clock: Clock;
  dataKeys: KeyWrapping;
  files: FileStore;
}

/** From the making of a key until every process seals with it: its lead, and two looks. */
export const SEALS_EVERYWHERE_MS = DATA_KEY_LEAD_MS + 60_000;
export const RESEAL_JOB = 'reseal';
const BY = 'system:worker';
const FAULTS_KEPT = 1_000;
/** After each batch as long as the batch took, within these: others come before us. */
const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 2_000;

type PassRow = NonNullable<Awaited<ReturnType<Database['resealPass']['findFirst']>>>;

/**
 * Begins a pass to the newest data key, or answers the one that is under way to it; one to an older key ends as superseded. Throws Problem
 * `reseal-not-needed` when there is one key only, and `key-succession-running` when another began one at the same moment.
 */
export async function startResealing(
  { db, clock }: Pick<ResealDeps, 'db' | 'clock'>,
  by: string,
): Promise<{ id: number; version: number }> {
  const at = clock.now();
  return db.$transaction(async (tx) => {
    await tx.$executeRaw`LOCK TABLE reseal_pass IN SHARE ROW EXCLUSIVE MODE`;
    const [newest, older] = await tx.dataKey.findMany({
      where: { purpose: 'field', erasedAt: null },
      orderBy: { version: 'desc' },
      take: 2,
    });
    if (!newest || !older) throw new Problem('reseal-not-needed');
    const running = await tx.resealPass.findFirst({ where: { outcome: 'running' } });
    if (running?.version === newest.version) return { id: running.id, version: running.version };
    if (running) await tx.resealPass.update({ where: { id: running.id }, data: { outcome: 'superseded', endedAt: at } });
    await tx.resealFault.deleteMany({});
    const { id, version } = await tx.resealPass.create({ data: { version: newest.version, startedAt: at, startedBy: by } });
    await recordEvent(tx, { kind: 'resealing-started', actor: by, subject: `data-key:${version}`, detail: { pass: id }, at });
    return { id, version };
  });
}

/** For the worker; one process at a time. */
export function resealJob(deps: ResealDeps): Job {
  return { name: RESEAL_JOB, everySeconds: 5, exclusive: true, run: () => resealSome(deps) };
}

/** The next batch. Answers 0 when there is no pass, or it has to wait. */
export async function resealSome(deps: ResealDeps): Promise<number> {
  const pass = await deps.db.resealPass.findFirst({ where: { outcome: 'running' } });
  if (!pass) return 0;
  if (!pass.settledAt) return settle(deps, pass);
  const place = await nextPlace(deps.db, pass.id);
  if (!place) return endPass(deps, pass);
  const began = performance.now();
  const { after, ended } = await resealBatch(deps, pass, place);
  await pause(Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, performance.now() - began)));
  // Somebody holds the very next row: a little later.
  return after === undefined && !ended ? 0 : 1;
}

/** First every process must seal with the newest key, then the older ones are closed, then who began before that must have ended. */
async function settle({ db, clock }: ResealDeps, pass: PassRow): Promise<number> {
  const at = clock.now();
  const target = await db.dataKey.findFirstOrThrow({ where: { purpose: 'field', version: pass.version } });
  if (at.getTime() - target.createdAt.getTime() < SEALS_EVERYWHERE_MS) return 0;
  if (pass.closedBy === null) {
    await db.$transaction(async (tx) => {
      const [own] = await tx.$queryRaw<{ id: string }[]>`SELECT pg_current_xact_id()::text AS id`;
      const older = { purpose: 'field', version: { lt: pass.version }, closedAt: null };
      const closing = await tx.dataKey.findMany({ where: older, orderBy: { version: 'asc' }, select: { version: true } });
      await tx.dataKey.updateMany({ where: older, data: { closedAt: at } });
      await tx.resealPass.update({ where: { id: pass.id }, data: { closedBy: own?.id ?? '0' } });
      for (const { version } of closing)
        await recordEvent(tx, { kind: 'data-key-closed', actor: BY, subject: `data-key:${version}`, detail: { version }, at });
    });
    return 1;
  }
  // A number from the future is of another cluster, before the database was restored here: none of its transactions is alive.
  const [row] = await db.$queryRaw<{ over: boolean }[]>`
    SELECT pg_snapshot_xmin(pg_current_snapshot()) > ${pass.closedBy}::xid8 OR pg_snapshot_xmax(pg_current_snapshot()) <= ${pass.closedBy}::xid8 AS over`;
  if (!row?.over) return 0;
  await db.resealPass.update({ where: { id: pass.id }, data: { settledAt: at } });
  return 1;
}

interface Place {
  name: string;
  after: string | undefined;
}

/** In the order of the register. One that the register gained since the pass began comes too. */
async function nextPlace(db: Database, passId: number): Promise<Place | undefined> {
  const rows = new Map((await db.resealPlace.findMany({ where: { passId } })).map((row) => [row.place, row]));
  const name = placeNames().find((one) => !rows.get(one)?.endedAt);
  return name === undefined ? undefined : { name, after: rows.get(name)?.afterId ?? undefined };
}

/** Every place of the register. */
export function placeNames(): string[] {
  return [...SEALED_COLUMNS.map(nameOfColumn), ...SEALED_FILES.map(({ name }) => name)];
}

async function resealBatch(deps: ResealDeps, pass: PassRow, place: Place): Promise<Batch> {
  const { db } = deps;
  const reseal = await keysOf(deps, pass.version);
  const kind = SEALED_FILES.find(({ name }) => name === place.name);
  if (kind) {
    const batch = await resealFiles(deps, kind, reseal, place.after);
    await db.$transaction((tx) => keepPosition(deps, tx, pass, place, batch));
    return batch;
  }
  const column = SEALED_COLUMNS.find((one) => nameOfColumn(one) === place.name);
  if (!column) throw new Error(`${place.name} is not in the register.`);
  return db.$transaction(
    async (tx) => {
      const batch = await resealColumn(tx, column, reseal, place.after);
      await keepPosition(deps, tx, pass, place, batch);
      return batch;
    },
    // Twenty photos take their time on a slow disk.
    { timeout: 30_000 },
  );
}

/** The cipher that seals with the pass's key whatever this process itself seals with. */
async function keysOf({ db, dataKeys, clock }: ResealDeps, version: number): Promise<Reseal> {
  const opened = await openDataKeys(db, dataKeys, clock.now());
  const inOrder = [...opened.fieldKeys].sort((a, b) => Number(b.version === version) - Number(a.version === version));
  const known = opened.fieldKeys.map((key) => key.version);
  if (inOrder[0]?.version !== version) throw new Error(`The data key ${version} is not there.`);
  return { fields: fieldCipher({ ...opened, fieldKeys: inOrder }), open: known.filter((one) => one >= version), known };
}

/** Throws when another process went on from the same position: then nothing of the batch counts. */
async function keepPosition({ clock }: ResealDeps, tx: Transaction, pass: PassRow, place: Place, batch: Batch): Promise<void> {
  const at = clock.now();
  const id = { passId: pass.id, place: place.name };
  await tx.resealPlace.createMany({ data: [id], skipDuplicates: true });
  const { count } = await tx.resealPlace.updateMany({
    where: { ...id, afterId: place.after ?? null, endedAt: null, pass: { outcome: 'running' } },
    data: {
      ...(batch.after === undefined ? {} : { afterId: batch.after }),
      ...(batch.ended ? { endedAt: at } : {}),
      looked: { increment: batch.looked },
      resealed: { increment: batch.resealed },
      changed: { increment: batch.changed },
      faulty: { increment: batch.faults.length },
    },
  });
  if (count !== 1) throw new Error('The pass went on elsewhere.');
  if (batch.faults.length === 0) return;
  const room = Math.max(0, FAULTS_KEPT - (await tx.resealFault.count({ where: { passId: pass.id } })));
  const data = batch.faults.slice(0, room).map((fault) => ({ ...id, ...fault, foundAt: at }));
  await tx.resealFault.createMany({ data, skipDuplicates: true });
}

async function endPass({ db, clock }: ResealDeps, pass: PassRow): Promise<number> {
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const { _sum } = await tx.resealPlace.aggregate({
      where: { passId: pass.id },
      _sum: { looked: true, resealed: true, changed: true, faulty: true },
    });
    const detail = { pass: pass.id, looked: _sum.looked ?? 0, resealed: _sum.resealed ?? 0, faulty: _sum.faulty ?? 0 };
    const { count } = await tx.resealPass.updateMany({
      where: { id: pass.id, outcome: 'running' },
      data: { endedAt: at, outcome: detail.faulty > 0 ? 'faulty' : 'clean' },
    });
    if (count === 0) return;
    await recordEvent(tx, { kind: 'resealing-ended', actor: BY, subject: `data-key:${pass.version}`, detail, at });
  });
  return 1;
}
