import { describe, expect, test } from 'vitest';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { testPromisesOf } from '#test/ephemeral-store-promises.ts';
import { testClock } from '#test/fakes/test-clock.ts';

describe('the in-process store', () => {
  const clock = testClock();
  const store = inProcessStore({ clock });
  testPromisesOf(
    () => store,
    async (seconds) => clock.advance(seconds * 1000),
  );
});

test('a value is gone the instant it expires, not a millisecond before', async () => {
  const clock = testClock();
  const store = inProcessStore({ clock });
  await store.set('a', '1', 60);
  clock.advance(59_999);
  expect(await store.get('a')).toBe('1');
  clock.advance(1);
  expect(await store.get('a')).toBeUndefined();
});

test('a full store makes room from what expired, and refuses rather than forget what lives', async () => {
  const clock = testClock();
  const store = inProcessStore({ clock, maxEntries: 100 });
  for (let index = 0; index < 100; index++) await store.set(`short ${index}`, 'x', 1);
  clock.advance(1_000);
  for (let index = 0; index < 100; index++) await store.set(`long ${index}`, 'x', 1_000);
  await expect(store.set('one more', 'x', 1)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await store.get('long 0')).toBe('x');
  await store.set('long 0', 'changed', 1_000);
  await store.remove('long 1');
  await store.set('one more', 'x', 1);
});

test('a hundred thousand expired entries do not pile up', async () => {
  const clock = testClock();
  const store = inProcessStore({ clock, maxEntries: 2_000 });
  for (let index = 0; index < 100_000; index++) {
    if (index % 1_000 === 0) clock.advance(1_001);
    await store.set(`key ${index}`, 'x', 1);
  }
  expect(await store.get('key 99999')).toBe('x');
});
