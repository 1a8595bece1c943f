/**
 * The chainer: takes events that wait, in the order of their ids, and gives each the next position. One at a time over all
 * processes (an advisory lock), and in one transaction with taking them off the waiting list: each event is chained exactly once.
 */
import type { Database, Transaction } from '#storage/database.ts';
import { CHAIN_START, type ChainedEvent, chainHash, eventHash } from './chain-hash.ts';

/** Key of the advisory lock: the letters `audt`. */
const CHAINER_LOCK = 0x61756474;
const DEFAULT_BATCH = 1_000;

export interface ChainProgress {
  /** Events given a position by this call. */
  chained: number;
  /** Last position of the chain; 0 when it is empty or when another process was chaining. */
  position: bigint;
}

/** Chains what waits, at most `maxBatches` times `batch` events. When another process is at it, nothing is done. */
export async function chainEvents(
  { db }: { db: Database },
  { batch = DEFAULT_BATCH, maxBatches = 100 }: { batch?: number; maxBatches?: number } = {},
): Promise<ChainProgress> {
  const progress: ChainProgress = { chained: 0, position: 0n };
  for (let round = 0; round < maxBatches; round++) {
    const step = await db.$transaction((tx) => chainBatch(tx, batch), { timeout: 60_000, maxWait: 10_000 });
    progress.chained += step.chained;
    progress.position = step.position;
    if (step.chained < batch) break;
  }
  return progress;
}

async function chainBatch(tx: Transaction, batch: number): Promise<ChainProgress> {
  const [lock] = await tx.$queryRaw<{ mine: boolean }[]>`SELECT pg_try_advisory_xact_lock(${CHAINER_LOCK}::bigint) AS mine`;
  if (!lock?.mine) return { chained: 0, position: 0n };
  const last = await tx.auditLink.findFirst({ orderBy: { position: 'desc' } });
  const events = await tx.$queryRaw<ChainedEvent[]>`
    SELECT e."id", e."at", e."kind", e."actor", e."subject", e."detail"
    FROM "audit_pending" p JOIN "audit_event" e ON e."id" = p."event_id" ORDER BY p."event_id" LIMIT ${batch}`;
  let position = last?.position ?? 0n;
  let chain: Uint8Array = last?.chainHash ?? CHAIN_START;
  const links = events.map((event) => {
    const hash = eventHash(event);
    position += 1n;
    chain = chainHash(chain, position, hash);
    return { position, eventId: event.id, eventHash: Uint8Array.from(hash), chainHash: Uint8Array.from(chain) };
  });
  if (links.length > 0) {
    await tx.auditLink.createMany({ data: links });
    await tx.auditPending.deleteMany({ where: { eventId: { in: links.map(({ eventId }) => eventId) } } });
  }
  return { chained: links.length, position };
}
