/**
 * Redemptions enter the log in small batches: whoever arrives while one transaction is under way goes into the next, so a
 * single counter waits for nobody and a thousand share the cost. The unique index on the code still decides each winner.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { Database, Prisma } from '#storage/database.ts';
import type { LookUpRow } from './receipt.ts';

export type NewRedemption = Omit<Prisma.LookUpCreateManyInput, 'id' | 'receipt' | 'useNumber'> & { codeId: Uint8Array<ArrayBuffer> };

const MAX_BATCH = 100;

interface Waiting {
  redemption: NewRedemption;
  done: (row: LookUpRow | undefined) => void;
  failed: (error: unknown) => void;
}

/** One queue for each database client of this process. */
const queues = new WeakMap<Database, { waiting: Waiting[]; running: boolean }>();

/** The row when this redemption won (or is the same request as the winner's), undefined when the code or the request number was taken. */
export function insertRedemption(db: Database, redemption: NewRedemption): Promise<LookUpRow | undefined> {
  const queue = queues.get(db) ?? { waiting: [], running: false };
  queues.set(db, queue);
  return new Promise((done, failed) => {
    queue.waiting.push({ redemption, done, failed });
    if (!queue.running) void drain(db, queue);
  });
}

async function drain(db: Database, queue: { waiting: Waiting[]; running: boolean }): Promise<void> {
  queue.running = true;
  for (let batch = queue.waiting.splice(0, MAX_BATCH); batch.length > 0; batch = queue.waiting.splice(0, MAX_BATCH)) {
    await settle(db, batch);
  }
  queue.running = false;
}

/** Never rejects. When a batch fails, each of it is tried alone, so that one faulty row fails nobody else's. */
async function settle(db: Database, batch: readonly Waiting[]): Promise<void> {
  try {
    const rows = await insertAll(db, batch);
    for (const { redemption, done } of batch) done(rows.find((row) => isSame(row, redemption)));
  } catch (error) {
    if (batch.length === 1) batch[0]?.failed(error);
    else for (const one of batch) await settle(db, [one]);
  }
}

function insertAll(db: Database, batch: readonly Waiting[]): Promise<LookUpRow[]> {
  return db.$transaction(async (tx) => {
    const rows = await tx.lookUp.createManyAndReturn({
      data: batch.map(({ redemption }) => ({ ...redemption, useNumber: 1 })),
      skipDuplicates: true,
    });
    for (const { id, at, actor, licenceId, verdict, via } of rows) {
      await recordEvent(tx, { kind: 'code-redeemed', actor, subject: `licence:${licenceId}`, detail: { lookUp: id, verdict, via }, at });
    }
    return rows;
  });
}

function isSame(row: LookUpRow, redemption: NewRedemption): boolean {
  return (
    row.actor === redemption.actor &&
    row.requestId === redemption.requestId &&
    row.codeId !== null &&
    Buffer.from(row.codeId).equals(redemption.codeId)
  );
}
