/**
 * Walks the whole chain and names every row that is not as it was chained: changed, removed, swapped, slipped in, or cut off.
 * A chain that was computed anew from some point on is only shown by a checkpoint that was kept elsewhere.
 */
import type { Database, Transaction } from '#storage/database.ts';
import { CHAIN_START, type ChainedEvent, chainHash, eventHash } from './chain-hash.ts';
import { readCheckpoint } from './checkpoint.ts';
import { findSwaps, type Mismatch } from './find-swaps.ts';

export type ChainFaultKind =
  /** The event, or its digest in the chain, is not what was chained. */
  | 'changed'
  /** The event or its link is gone. */
  | 'removed'
  /** Two links stand in each other's place. */
  | 'swapped'
  /** An event that neither stands in the chain nor waits for it. */
  | 'inserted'
  /** The chain ends before a position that a checkpoint saw. */
  | 'cut-off'
  /** At the checkpoint's position the chain has another digest: it was computed anew. */
  | 'checkpoint-mismatch'
  /** The checkpoint itself cannot be relied on. */
  | 'checkpoint-malformed'
  | 'checkpoint-forged'
  | 'checkpoint-unknown-key';

export interface ChainFault {
  kind: ChainFaultKind;
  position?: string;
  eventId?: string;
}

export interface ChainVerdict {
  intact: boolean;
  /** Links walked. */
  links: number;
  /** Events that wait to be chained. */
  waiting: number;
  /** Last position of the chain. */
  position: string;
  /** At most `MAX_FAULTS`, in the order found. */
  faults: readonly ChainFault[];
}

const BATCH = 5_000;
const MAX_FAULTS = 200;
const TIMEOUT_MS = 30 * 60_000;

export interface VerifyChainOptions {
  /** A checkpoint document that was kept elsewhere. */
  checkpoint?: unknown;
  /** Public keys (SubjectPublicKeyInfo) that may have signed checkpoints. */
  trustedKeys?: readonly Uint8Array[];
}

/** One consistent look at the tables, whatever is written meanwhile. */
export async function verifyChain({ db }: { db: Database }, options: VerifyChainOptions = {}): Promise<ChainVerdict> {
  return db.$transaction((tx) => walk(tx, options), { isolationLevel: 'RepeatableRead', timeout: TIMEOUT_MS, maxWait: 30_000 });
}

interface LinkRow extends Omit<ChainedEvent, 'id'> {
  position: bigint;
  event_id: string;
  event_hash: Uint8Array;
  chain_hash: Uint8Array;
  id: string | null;
}

async function walk(tx: Transaction, options: VerifyChainOptions): Promise<ChainVerdict> {
  const faults: ChainFault[] = [];
  const broken: Mismatch[] = [];
  const checkpoints = await readCheckpoints(tx, options, faults);
  let position = 0n;
  let links = 0;
  let previous: Uint8Array | undefined = CHAIN_START;
  for (;;) {
    const rows = await nextRows(tx, position);
    for (const row of rows) {
      for (let missing = position + 1n; missing < row.position && faults.length < MAX_FAULTS; missing++) {
        faults.push({ kind: 'removed', position: String(missing) });
      }
      if (row.position !== position + 1n) previous = undefined;
      judgeLink(row, previous, faults, broken);
      judgeCheckpoint(row, checkpoints, faults);
      previous = row.chain_hash;
      position = row.position;
      links += 1;
    }
    if (rows.length < BATCH || faults.length + broken.length >= MAX_FAULTS) break;
  }
  faults.push(...findSwaps(broken));
  for (const checkpoint of checkpoints.values()) {
    if (checkpoint.position > position) faults.push({ kind: 'cut-off', position: String(position + 1n) });
    if (checkpoint.position > position) break;
  }
  faults.push(...(await findUnlinked(tx)));
  const waiting = await tx.auditPending.count();
  return { intact: faults.length === 0, links, waiting, position: String(position), faults: faults.slice(0, MAX_FAULTS) };
}

function nextRows(tx: Transaction, after: bigint): Promise<LinkRow[]> {
  return tx.$queryRaw<LinkRow[]>`
    SELECT l."position", l."event_id", l."event_hash", l."chain_hash", e."id", e."at", e."kind", e."actor", e."subject", e."detail"
    FROM "audit_link" l LEFT JOIN "audit_event" e ON e."id" = l."event_id"
    WHERE l."position" > ${after} ORDER BY l."position" LIMIT ${BATCH}`;
}

/** @param previous chain digest of the link before; undefined when that link is missing and so nothing can be said. */
function judgeLink(row: LinkRow, previous: Uint8Array | undefined, faults: ChainFault[], broken: Mismatch[]): void {
  const place = { position: String(row.position), eventId: row.event_id };
  const actual = row.id === null ? undefined : eventHash({ ...row, id: row.id });
  if (!actual) faults.push({ kind: 'removed', ...place });
  const eventDiffers = actual !== undefined && Buffer.compare(actual, row.event_hash) !== 0;
  const chainDiffers = previous !== undefined && Buffer.compare(chainHash(previous, row.position, row.event_hash), row.chain_hash) !== 0;
  if (!eventDiffers && !chainDiffers) return;
  broken.push({
    position: row.position,
    eventId: row.event_id,
    eventHash: row.event_hash,
    chainHash: row.chain_hash,
    ...(actual ? { actual } : {}),
    ...(previous ? { previous } : {}),
  });
}

interface KnownCheckpoint {
  position: bigint;
  chainHash: Uint8Array;
}

/** The checkpoint given, and those kept beside the chain, by position. */
async function readCheckpoints(tx: Transaction, options: VerifyChainOptions, faults: ChainFault[]): Promise<Map<bigint, KnownCheckpoint>> {
  const known = new Map<bigint, KnownCheckpoint>();
  const stored = await tx.auditCheckpoint.findMany({ orderBy: { position: 'asc' } });
  const documents = stored.map(({ position, document }) => ({ position, document: document as unknown }));
  if (options.checkpoint !== undefined) documents.push({ position: 0n, document: options.checkpoint });
  for (const { position, document } of documents) {
    const checkpoint = readCheckpoint(document, options.trustedKeys);
    if (typeof checkpoint === 'string' || (position !== 0n && BigInt(checkpoint.position) !== position)) {
      const kind = typeof checkpoint === 'string' ? (`checkpoint-${checkpoint}` as const) : 'checkpoint-forged';
      faults.push({ kind, ...(position !== 0n ? { position: String(position) } : {}) });
      continue;
    }
    const at = BigInt(checkpoint.position);
    const chain = Buffer.from(checkpoint.chainHash, 'hex');
    const other = known.get(at);
    if (other && Buffer.compare(other.chainHash, chain) !== 0) faults.push({ kind: 'checkpoint-mismatch', position: String(at) });
    known.set(at, { position: at, chainHash: chain });
  }
  return known;
}

function judgeCheckpoint(row: LinkRow, checkpoints: Map<bigint, KnownCheckpoint>, faults: ChainFault[]): void {
  const checkpoint = checkpoints.get(row.position);
  if (checkpoint && Buffer.compare(checkpoint.chainHash, row.chain_hash) !== 0) {
    faults.push({ kind: 'checkpoint-mismatch', position: String(row.position), eventId: row.event_id });
  }
}

async function findUnlinked(tx: Transaction): Promise<ChainFault[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT e."id" FROM "audit_event" e
    WHERE NOT EXISTS (SELECT 1 FROM "audit_link" l WHERE l."event_id" = e."id")
      AND NOT EXISTS (SELECT 1 FROM "audit_pending" p WHERE p."event_id" = e."id")
    ORDER BY e."id" LIMIT ${MAX_FAULTS}`;
  return rows.map(({ id }) => ({ kind: 'inserted' as const, eventId: id }));
}
