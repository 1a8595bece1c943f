/**
 * The sequencer of the issuance log. Certificates are promised to the log by the statement that stores their signature (a trigger), so
 * issuing takes no lock; this gives each a place afterwards, one sequencer at a time over all processes (an advisory lock), and in one
 * transaction with taking it off the waiting list: each certificate is logged exactly once, and indexes have no gaps.
 */
import { DerError } from '#crypto/der.ts';
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
  const rows = await tx.$queryRaw<{ serialHex: string; der: Uint8Array }[]>`
    SELECT p."serial_hex" AS "serialHex", c."der"
    FROM "issuance_log_pending" p JOIN "issued_certificate" c ON c."serial_hex" = p."serial_hex" AND c."der" IS NOT NULL
    ORDER BY p."since", c."issued_at", p."serial_hex" LIMIT ${batch}`;
  const waiting = rows.flatMap(({ serialHex, der }) => {
    const leaf = leafOr(der);
    return leaf ? [{ serialHex, leaf }] : [];
  });
  const size = await logSize(tx);
  if (waiting.length === 0) return { logged: 0, size };
  const leaves = waiting.map(({ leaf }) => leaf);
  const { tree, nodes } = growTree(await readFrontier(tx, size), leaves);
  const serials = waiting.map(({ serialHex }) => serialHex);
  // One statement each: thousands of rows as parameters of their own cost several times as much.
  await tx.$executeRaw`
    INSERT INTO "issuance_log_entry" ("entry_index", "leaf_hash", "serial_hex")
    SELECT "place", decode("hash", 'hex'), "serial" FROM unnest(
      ${waiting.map((_, at) => size + at)}::bigint[], ${leaves.map(hex)}::text[], ${serials}::text[]
    ) AS added ("place", "hash", "serial") ORDER BY "place"`;
  await tx.$executeRaw`
    INSERT INTO "issuance_log_node" ("level", "node_index", "hash")
    SELECT "level", "place", decode("hash", 'hex') FROM unnest(
      ${nodes.map(({ level }) => level)}::int[], ${nodes.map(({ index }) => index)}::bigint[], ${nodes.map(({ hash }) => hex(hash))}::text[]
    ) AS added ("level", "place", "hash")`;
  await tx.$executeRaw`DELETE FROM "issuance_log_pending" WHERE "serial_hex" = ANY(${serials}::text[])`;
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

/** What is no certificate cannot be logged; it goes on waiting, which `log verify` tells, and holds up nobody else. */
function leafOr(der: Uint8Array): Uint8Array | undefined {
  try {
    return leafHashOf(der);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
