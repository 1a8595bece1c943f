import { describe, expect, test } from 'vitest';
import { openRedisStore } from '#adapters/redis-store.ts';
import { testPromisesOf } from '#test/ephemeral-store-promises.ts';
import { ownRedis, redisForTests } from '#test/redis-for-tests.ts';

const redis = await redisForTests();
const url = redis?.url ?? '';

describe.skipIf(!redis)('the Redis store', async () => {
  const store = redis ? await openRedisStore({ url, prefix: `t${Date.now()}:` }) : undefined;
  testPromisesOf(
    () => store as NonNullable<typeof store>,
    (seconds) => new Promise((done) => setTimeout(done, seconds * 1000)),
  );
});

test('no server there: opening says so within its time instead of waiting', async () => {
  const started = performance.now();
  await expect(openRedisStore({ url: 'redis://127.0.0.1:1', connectTimeoutMs: 1_000 })).rejects.toThrow();
  expect(performance.now() - started).toBeLessThan(3_000);
});

test.skipIf(!redis)('a server that goes away is an error at once, never a hang', async () => {
  const own = await ownRedis();
  const store = await openRedisStore({ url: own?.url ?? '' });
  await store.set('a', '1', 10);
  await own?.stop();
  await new Promise((done) => setTimeout(done, 200));
  const started = performance.now();
  await expect(store.get('a')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await store.ping()).toBe(false);
  expect(performance.now() - started).toBeLessThan(500);
  await store.close();
});
