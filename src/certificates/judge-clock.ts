/**
 * Whether our clock may be believed: it is compared with the database's, and between two comparisons with the processor's
 * own count of time, which nobody sets. A time-stamp of a doubtful clock would be worse than none.
 */
import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';

export interface ClockDeps {
  db: Database;
  clock: Clock;
  /** A second opinion on the time; default the clock's own reference, or the database's clock. */
  otherTime?: () => Promise<Date>;
}

/** Two clocks that are each right to a second by their own account may differ by this. */
const TOLERANCE_MS = 1_000;
/** Asked again after this, or when the clock was set meanwhile. */
const KEEP_MS = 10_000;
/** How long the last good comparison carries when the other clock does not answer. */
const CARRY_MS = 60_000;
const MAX_JUMP_MS = 250;

interface Comparison {
  good: boolean;
  wallMs: number;
  steadyMs: number;
}

const remembered = new WeakMap<Clock, Comparison>();

/** False when the clocks differ, when ours was set, or when there was nothing to compare with for a minute. Never throws. */
export async function isClockTrusted(deps: ClockDeps): Promise<boolean> {
  const last = remembered.get(deps.clock);
  const wallMs = deps.clock.now().getTime();
  const steadyMs = performance.now();
  const ageMs = last ? steadyMs - last.steadyMs : Number.POSITIVE_INFINITY;
  const isSteady = last !== undefined && Math.abs(wallMs - last.wallMs - ageMs) < MAX_JUMP_MS;
  if (last && isSteady && ageMs < KEEP_MS) return last.good;
  try {
    const other = await askOtherClock(deps);
    const tookMs = performance.now() - steadyMs;
    // The answer was given somewhere between question and receipt.
    const differenceMs = Math.abs(other.getTime() - (wallMs + tookMs / 2));
    const good = tookMs < TOLERANCE_MS && differenceMs <= TOLERANCE_MS + tookMs / 2;
    remembered.set(deps.clock, { good, wallMs, steadyMs });
    return good;
  } catch {
    return isSteady && ageMs < CARRY_MS && last.good;
  }
}

function askOtherClock({ otherTime, clock, db }: ClockDeps): Promise<Date> {
  return otherTime?.() ?? clock.reference?.() ?? databaseTime(db);
}

async function databaseTime(db: Database): Promise<Date> {
  const [row] = await db.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  if (!row) throw new Error('the database did not tell the time');
  return row.now;
}
