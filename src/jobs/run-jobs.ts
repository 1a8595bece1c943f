/**
 * Background work: each job runs every so often, at once again while there is more to do, and soon when woken.
 * What must be done is in tables, so nothing is lost when a process dies; this only decides when to look.
 * A job with `exclusive` runs in one process at a time: a lease in `job_lease` says which.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';

export interface Job {
  name: string;
  everySeconds: number;
  /** Does some of the work and answers how much was done; more than 0 means: ask again at once. */
  run(): Promise<number>;
  /** For work that only one process may do at a time. */
  exclusive?: boolean;
}

export interface JobStatus {
  name: string;
  running: boolean;
  /** Units done since the start of this process. */
  done: number;
  failures: number;
  lastStartedAt?: Date;
  lastFinishedAt?: Date;
  /** Message of the last failure, until the next success. */
  lastError?: string;
}

export interface Jobs {
  /** Runs the job soon, instead of at its next turn. */
  wake(name: string): void;
  /** Starts nothing more and waits for what is running. */
  stop(): Promise<void>;
  status(): JobStatus[];
}

export interface JobsDeps {
  db: Database;
  clock: Clock;
  onError?: (job: string, error: unknown) => void;
}

/** A lease lasts this long, and is renewed before each round; work of one round must be shorter. */
const LEASE_MS = 120_000;
/** A failing job comes back later each time, up to this. */
const LONGEST_PAUSE_MS = 60_000;

export function startJobs({ db, clock, onError }: JobsDeps, jobs: readonly Job[]): Jobs {
  const holder = randomUUID();
  const runners = new Map(jobs.map((job) => [job.name, runner(job)]));
  for (const { schedule } of runners.values()) schedule(0);

  function runner(job: Job) {
    const status: JobStatus = { name: job.name, running: false, done: 0, failures: 0 };
    let timer: NodeJS.Timeout | undefined;
    let current: Promise<void> | undefined;
    let again = false;
    let stopped = false;

    const schedule = (delayMs: number) => {
      if (stopped) return;
      clearTimeout(timer);
      timer = setTimeout(start, delayMs);
      timer.unref();
    };
    const start = () => {
      if (current) {
        again = true;
        return;
      }
      current = round().finally(() => {
        current = undefined;
        schedule(again ? 0 : pauseMs());
        again = false;
      });
    };
    const pauseMs = () =>
      Math.max(job.everySeconds * 1000, status.failures ? Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(status.failures, 10)) : 0);
    const round = async () => {
      status.running = true;
      status.lastStartedAt = clock.now();
      try {
        while (!stopped && (!job.exclusive || (await holdLease(db, clock, job.name, holder)))) {
          const done = await job.run();
          status.done += done;
          if (!(done > 0)) break;
        }
        status.failures = 0;
        delete status.lastError;
      } catch (error) {
        status.failures++;
        status.lastError = error instanceof Error ? error.message : String(error);
        onError?.(job.name, error);
      } finally {
        status.running = false;
        status.lastFinishedAt = clock.now();
        if (job.exclusive) await releaseLease(db, clock, status, holder).catch((error: unknown) => onError?.(job.name, error));
      }
    };
    const stop = async () => {
      stopped = true;
      clearTimeout(timer);
      await current;
    };
    return { schedule, start, stop, status };
  }

  return {
    wake: (name) => runners.get(name)?.start(),
    async stop() {
      await Promise.all([...runners.values()].map(({ stop }) => stop()));
    },
    status: () => [...runners.values()].map(({ status }) => ({ ...status })),
  };
}

/** True when this process may run the job now: nobody else holds it, or who held it is gone. */
async function holdLease(db: Database, clock: Clock, name: string, holder: string): Promise<boolean> {
  const now = clock.now();
  const until = new Date(now.getTime() + LEASE_MS);
  const rows = await db.$queryRaw<{ holder: string }[]>`
    INSERT INTO job_lease AS l (name, holder, leased_until, last_started_at) VALUES (${name}, ${holder}, ${until}, ${now})
    ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, leased_until = EXCLUDED.leased_until, last_started_at = EXCLUDED.last_started_at
    WHERE l.holder IS NULL OR l.holder = EXCLUDED.holder OR l.leased_until <= ${now}
    RETURNING holder`;
  return rows.length > 0;
}

async function releaseLease(db: Database, clock: Clock, status: JobStatus, holder: string): Promise<void> {
  await db.jobLease.updateMany({
    where: { name: status.name, holder },
    data: { holder: null, leasedUntil: null, lastFinishedAt: clock.now(), lastError: status.lastError ?? null },
  });
}
