/**
 * The sequencer of the issuance log. Certificates are promised to the log by the statement that stores their signature (a trigger), so
 * issuing takes no lock; this gives each a place afterwards, one sequencer at a time over all processes (an advisory lock), and in one
 * transaction with taking it off the waiting list: each certificate is logged exactly once, and indexes have no gaps.
 */
import { coverOf, type Frontier, growTree } from '#pki/merkle-tree.ts';
import type { Database, Transaction } from '#storage/database.ts';
import { leafHashOf } from './log-entry.ts';
import { readNodes } from './log-nodes.ts';

/** Key of the advisory lock: the letters `clog`. */
const SEQUENCER_LOCK = 0x636c6f67;
const DEFAULT_BATCH = 1_000;

/** A certificate is in a signed head at most this long after its signature was stored, while worker and signer run. */
export const MAX_MERGE_DELAY_SECONDS = 5;

export interface SequencerProgress {
  /** Certificates given a place by this call. */
  logged: number;
  /** Leaves of the tree; 0 when another process was at it. */
  size: number;
}

/** Logs what waits, at most `maxBatches` times `batch` certificates. When another process is at it, nothing is done. */
export async function sequenceLog(
  { db }: { db: Database },
  { batch = DEFAULT_BATCH, maxBatches = 50 }: { batch?: number; maxBatches?: number } = {},
): Promise<SequencerProgress> {
  const progress: SequencerProgress = { logged: 0, size: 0 };
  for (let round = 0; round < maxBatches; round++) {
    const step = await db.$transaction((tx) => sequenceBatch(tx, batch), { timeout: 60_000, maxWait: 10_000 });
    progress.logged += step.logged;
    progress.size = step.size;
    if (step.logged < batch) break;
  }
  return progress;
}

async function sequenceBatch(tx: Transaction, batch: number): Promise<SequencerProgress> {
  const [lock] = await tx.$queryRaw<{ mine: boolean }[]>`SELECT pg_try_advisory_xact_lock(${SEQUENCER_LOCK}::bigint) AS mine`;
  if (!lock?.mine) return { logged: 0, size: 0 };
  const waiting = await tx.$queryRaw<{ serialHex: string; der: Uint8Array }[]>`
    SELECT p."serial_hex" AS "serialHex", c."der"
    FROM "issuance_log_pending" p JOIN "issued_certificate" c ON c."serial_hex" = p."serial_hex" AND c."der" IS NOT NULL
    ORDER BY p."since", c."issued_at", p."serial_hex" LIMIT ${batch}`;
  const size = await logSize(tx);
  if (waiting.length === 0) return { logged: 0, size };
  const leaves = waiting.map(({ der }) => Uint8Array.from(leafHashOf(der)));
  const { tree, nodes } = growTree(await readFrontier(tx, size), leaves);
  await tx.logEntry.createMany({
    data: waiting.map(({ serialHex }, at) => ({
      index: BigInt(size + at),
      leafHash: leaves[at] as Uint8Array<ArrayBuffer>,
      serialHex,
    })),
  });
  await tx.logNode.createMany({
    data: nodes.map(({ level, index, hash }) => ({ level, index: BigInt(index), hash: Uint8Array.from(hash) })),
  });
  await tx.logPending.deleteMany({ where: { serialHex: { in: waiting.map(({ serialHex }) => serialHex) } } });
  return { logged: waiting.length, size: tree.size };
}

/** Leaves in the tree now, in a head or not yet. */
export async function logSize(db: Database | Transaction): Promise<number> {
  const last = await db.logEntry.findFirst({ orderBy: { index: 'desc' }, select: { index: true } });
  return last ? Number(last.index) + 1 : 0;
}

/** The tree of the first `size` leaves, from what is stored. */
export async function readFrontier(db: Database | Transaction, size: number): Promise<Frontier> {
  return { size, peaks: await readNodes(db, coverOf([0, size])) };
}
