/** A pass through the rows of one kind, a batch at a time, on their way to the newest version of the blind-index key. */
import type { Database, Transaction } from './database.ts';

const BATCH = 500;
/** What could not be indexed anew is tried again after this. */
const AGAIN_MS = 3_600_000;
const LONGEST_BATCH_MS = 30_000;

export interface IndexBatch {
  looked: number;
  /** Stood under an older version. */
  moved: number;
  /** Stand under an older version still: they do not open, or somebody else has their value. */
  left: number;
  /** Id of the last row looked at; undefined when there are no more. */
  last: string | undefined;
}

/** Rows with blind indexes. */
export interface IndexTarget {
  name: string;
  /** Takes the next rows by id and indexes anew what stands under an older version; leaves what somebody changes meanwhile to them. */
  move(tx: Transaction, from: { after: string | undefined; limit: number }): Promise<IndexBatch>;
}

interface Position {
  after_id: string | null;
  looked: number;
  moved: number;
  left: number;
  moved_in_all: number;
  started_at: Date;
  ended_at: Date | null;
  clean_at: Date | null;
}

/**
 * One batch: what it changes and how far it came are written together, so a pass goes on where it was cut off, and of two processes
 * each takes batches of its own. False when there is nothing to do: a pass has found nothing under an older version, or what it could
 * not move waits for its next try.
 */
export async function stepIndexPass(db: Database, target: IndexTarget, version: number, now: Date): Promise<boolean> {
  const id = { target: target.name, version };
  await db.blindIndexPass.createMany({ data: [{ ...id, startedAt: now }], skipDuplicates: true });
  return db.$transaction(
    async (tx) => {
      const [pass] = await tx.$queryRaw<Position[]>`
        SELECT after_id::text, looked, moved, "left", moved_in_all, started_at, ended_at, clean_at
        FROM blind_index_pass WHERE target = ${id.target} AND version = ${version} FOR UPDATE`;
      if (!pass || pass.clean_at) return false;
      if (pass.ended_at && now.getTime() - pass.ended_at.getTime() < AGAIN_MS) return false;
      const from = pass.ended_at
        ? { after: undefined, looked: 0, moved: 0, left: 0, startedAt: now }
        : { after: pass.after_id ?? undefined, looked: pass.looked, moved: pass.moved, left: pass.left, startedAt: pass.started_at };
      const batch = await target.move(tx, { after: from.after, limit: BATCH });
      const [looked, moved, left] = [from.looked + batch.looked, from.moved + batch.moved, from.left + batch.left];
      const position = batch.last === undefined ? ending({ moved, left }, now) : { afterId: batch.last };
      await tx.blindIndexPass.update({
        where: { target_version: id },
        data: {
          ...{ looked, moved, left, startedAt: from.startedAt, endedAt: null, movedInAll: pass.moved_in_all + batch.moved },
          ...position,
        },
      });
      return true;
    },
    { timeout: LONGEST_BATCH_MS, maxWait: LONGEST_BATCH_MS },
  );
}

/** A pass that moved something is followed by another, which must find nothing. */
function ending({ moved, left }: { moved: number; left: number }, now: Date) {
  if (left) return { endedAt: now };
  if (!moved) return { endedAt: now, cleanAt: now };
  return { afterId: null, startedAt: now, looked: 0, moved: 0 };
}
