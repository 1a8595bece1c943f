import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { registerJobMetrics } from '#jobs/register-job-metrics.ts';
import { type Job, startJobs } from '#jobs/run-jobs.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = { now: () => new Date() };
const until = (condition: () => void) => vi.waitFor(condition, { timeout: 5_000, interval: 10 });

test('a job runs at once, again while there is more, and then waits for its turn or a wake-up', async () => {
  let left = 3;
  let calls = 0;
  const job: Job = {
    name: 'count-down',
    everySeconds: 3_600,
    run: async () => {
      calls++;
      if (left === 0) return 0;
      left--;
      return 1;
    },
  };
  const jobs = startJobs({ db, clock }, [job]);
  await until(() => expect(calls).toBe(4));
  left = 2;
  jobs.wake('count-down');
  await until(() => expect(calls).toBe(7));
  expect(jobs.status()).toMatchObject([{ name: 'count-down', done: 5, failures: 0 }]);
  await jobs.stop();
  jobs.wake('count-down');
  await new Promise((done) => setTimeout(done, 50));
  expect(calls).toBe(7);
});

test('a wake-up during a round is not lost', async () => {
  let calls = 0;
  let release = () => {};
  const job: Job = {
    name: 'slow',
    everySeconds: 3_600,
    run: async () => {
      calls++;
      await new Promise<void>((done) => {
        release = done;
      });
      return 0;
    },
  };
  const jobs = startJobs({ db, clock }, [job]);
  await until(() => expect(calls).toBe(1));
  jobs.wake('slow');
  release();
  await until(() => expect(calls).toBe(2));
  const stopping = jobs.stop();
  release();
  await stopping;
});

test('a job that fails is told, tried again, and does not stop the others', async () => {
  const errors: string[] = [];
  let failures = 0;
  let others = 0;
  const jobs = startJobs({ db, clock, onError: (name, error) => errors.push(`${name}: ${(error as Error).message}`) }, [
    {
      name: 'failing',
      everySeconds: 0.05,
      run: async () => {
        if (failures++ === 0) throw new Error('broken');
        return 0;
      },
    },
    {
      name: 'other',
      everySeconds: 0.05,
      run: async () => {
        others++;
        return 0;
      },
    },
  ]);
  await until(() => expect([failures > 1, others > 1]).toEqual([true, true]));
  expect(errors).toEqual(['failing: broken']);
  expect(jobs.status()[0]).toMatchObject({ failures: 0 });
  expect(jobs.status()[0]).not.toHaveProperty('lastError');
  await jobs.stop();
});

test('an exclusive job never runs in two processes at once', async () => {
  let inside = 0;
  let most = 0;
  let runs = 0;
  const job: Job = {
    name: 'only-one',
    everySeconds: 0.01,
    exclusive: true,
    run: async () => {
      most = Math.max(most, ++inside);
      await new Promise((done) => setTimeout(done, 5));
      inside--;
      runs++;
      return 0;
    },
  };
  const processes = Array.from({ length: 4 }, () => startJobs({ db, clock }, [job]));
  await until(() => expect(runs).toBeGreaterThan(10));
  await Promise.all(processes.map((jobs) => jobs.stop()));
  expect(most).toBe(1);
});

test('the lease of a process that died is taken over when it ends, not before', async () => {
  const now = Date.now();
  await db.jobLease.create({ data: { name: 'orphaned', holder: 'dead', leasedUntil: new Date(now + 60_000) } });
  let time = now;
  let runs = 0;
  const jobs = startJobs({ db, clock: { now: () => new Date(time) } }, [
    {
      name: 'orphaned',
      everySeconds: 0.02,
      exclusive: true,
      run: async () => {
        runs++;
        return 0;
      },
    },
  ]);
  await new Promise((done) => setTimeout(done, 150));
  expect(runs).toBe(0);
  time = now + 60_001;
  await until(() => expect(runs).toBeGreaterThan(0));
  await jobs.stop();
});

test('metrics name waiting log-outs and failing jobs', async () => {
  const failing: Job = {
    name: 'broken-job',
    everySeconds: 3_600,
    run: async () => {
      throw new Error('broken');
    },
  };
  const jobs = startJobs({ db, clock }, [failing]);
  const registry = new Registry();
  registerJobMetrics(registry, { db, clock }, () => jobs);
  await until(() => expect(jobs.status()[0]?.failures).toBe(1));
  const text = await registry.metrics();
  expect(text).toContain('tongren_job_failures{job="broken-job"} 1');
  expect(text).toContain('tongren_logout_deliveries{state="pending"} 0');
  await jobs.stop();
});

test('a scrape asks once for what several of its figures tell, and the next scrape anew', async () => {
  const asked: string[] = [];
  const counting = db.$extends({
    query: {
      $allModels: {
        $allOperations({ model, operation, args, query }) {
          asked.push(`${model}.${operation}`);
          return query(args);
        },
      },
    },
  }) as unknown as typeof db;
  const registry = new Registry();
  registerJobMetrics(registry, { db: counting, clock }, () => undefined);
  expect(await registry.metrics()).toContain('tongren_reseal_running 0');
  const ONCE = ['ResealPass.findFirst', 'OidcLogoutDelivery.aggregate', 'OidcLogoutDelivery.count'];
  for (const one of ONCE) expect([one, asked.filter((other) => other === one).length]).toEqual([one, 1]);
  const { id } = await db.resealPass.create({ data: { version: 1, startedAt: clock.now(), startedBy: 'system:test' } });
  expect(await registry.metrics()).toContain('tongren_reseal_running 1');
  for (const one of ONCE) expect([one, asked.filter((other) => other === one).length]).toEqual([one, 2]);
  await db.resealPass.delete({ where: { id } });
});

test('when the database does not answer once, the next scrape asks again', async () => {
  let fails = true;
  const failing = new Proxy(db, {
    get: (target, name) => {
      if (fails && name === 'resealPass') throw new Error('no answer');
      return Reflect.get(target, name);
    },
  });
  const registry = new Registry();
  registerJobMetrics(registry, { db: failing, clock }, () => undefined);
  await expect(registry.metrics()).rejects.toThrow('no answer');
  fails = false;
  expect(await registry.metrics()).toContain('tongren_reseal_running 0');
});
