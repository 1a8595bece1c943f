/**
 * Short-lived state for a single process. Atomic because each operation runs to its end before another starts.
 * Bounded: when full, expired entries go first; a living one is never forgotten early (a lost replay mark would be a hole),
 * so a store full of living entries refuses with Problem `unavailable`.
 */
import type { Clock } from '#ports/clock.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import { Problem } from '#problem.ts';

interface Entry {
  value: string;
  expiresAt: number;
}

export interface InProcessStoreOptions {
  maxEntries?: number;
  clock?: Clock;
}

/** How many entries one write looks at for sweeping: spreads the work, and keeps pace with any rate of writing. */
const SWEEP_PER_WRITE = 8;

export function inProcessStore({ maxEntries = 200_000, clock = { now: () => new Date() } }: InProcessStoreOptions = {}): EphemeralStore {
  const entries = new Map<string, Entry>();
  let sweeper = entries.entries();

  const now = () => clock.now().getTime();
  const alive = (key: string): Entry | undefined => {
    const entry = entries.get(key);
    if (entry && entry.expiresAt <= now()) {
      entries.delete(key);
      return undefined;
    }
    return entry;
  };
  const sweep = (steps: number) => {
    const at = now();
    for (let step = 0; step < steps; step++) {
      const next = sweeper.next();
      if (next.done) {
        sweeper = entries.entries();
        return;
      }
      if (next.value[1].expiresAt <= at) entries.delete(next.value[0]);
    }
  };
  const write = (key: string, value: string, ttlSeconds: number) => {
    if (!(ttlSeconds > 0)) {
      entries.delete(key);
      return;
    }
    sweep(SWEEP_PER_WRITE);
    if (entries.size >= maxEntries && !entries.has(key)) {
      sweeper = entries.entries();
      sweep(entries.size);
      if (entries.size >= maxEntries) throw new Problem('unavailable', { cause: new Error('the in-process store is full') });
    }
    entries.set(key, { value, expiresAt: now() + ttlSeconds * 1000 });
  };

  return {
    async get(key) {
      return alive(key)?.value;
    },
    async set(key, value, ttlSeconds) {
      write(key, value, ttlSeconds);
    },
    async setIfAbsent(key, value, ttlSeconds) {
      if (alive(key)) return false;
      write(key, value, ttlSeconds);
      return true;
    },
    async take(key) {
      const entry = alive(key);
      entries.delete(key);
      return entry?.value;
    },
    async remove(key) {
      entries.delete(key);
    },
    async increment(key, ttlSeconds) {
      const entry = alive(key);
      if (!entry) {
        write(key, '1', ttlSeconds);
        return 1;
      }
      const count = Number(entry.value) + 1;
      entry.value = String(count);
      return count;
    },
    async replace(key, expected, next, ttlSeconds) {
      const entry = alive(key);
      if (entry?.value !== expected) return false;
      if (entry) entry.value = next;
      else write(key, next, ttlSeconds);
      return true;
    },
    async ping() {
      return true;
    },
    async close() {
      entries.clear();
    },
  };
}
