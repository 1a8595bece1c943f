/** What every EphemeralStore must do: the same tests for the in-process one and for Redis. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';

const AT_ONCE = 50;
const many = <T>(act: () => Promise<T>) => Promise.all(Array.from({ length: AT_ONCE }, act));

/** @param wait lets this many seconds pass for the store. */
export function testPromisesOf(store: () => EphemeralStore, wait: (seconds: number) => Promise<void>): void {
  const key = () => `test:${randomUUID()}`;

  test('a value is there until it expires', async () => {
    const name = key();
    expect(await store().get(name)).toBeUndefined();
    await store().set(name, '值 1', 1);
    expect(await store().get(name)).toBe('值 1');
    await wait(1.1);
    expect(await store().get(name)).toBeUndefined();
  });

  test('a time to live that is over removes', async () => {
    const name = key();
    await store().set(name, 'a', 10);
    await store().set(name, 'b', 0);
    expect(await store().get(name)).toBeUndefined();
  });

  test('of many who set if absent, one does; after expiry the next may', async () => {
    const name = key();
    const won = await many(() => store().setIfAbsent(name, 'x', 1));
    expect(won.filter(Boolean)).toHaveLength(1);
    await wait(1.1);
    expect(await store().setIfAbsent(name, 'y', 1)).toBe(true);
  });

  test('of many who take, one gets the value', async () => {
    const name = key();
    await store().set(name, 'once', 10);
    const taken = await many(() => store().take(name));
    expect(taken.filter((value) => value !== undefined)).toEqual(['once']);
  });

  test('counting loses nothing, and its time starts with the first', async () => {
    const name = key();
    const counts = await many(() => store().increment(name, 1));
    expect([...counts].sort((a, b) => a - b)).toEqual(Array.from({ length: AT_ONCE }, (_, index) => index + 1));
    await wait(0.7);
    expect(await store().increment(name, 1)).toBe(AT_ONCE + 1);
    await wait(0.5);
    expect(await store().increment(name, 1)).toBe(1);
  });

  test('of many who replace what they saw, one does, and the time to live stays', async () => {
    const name = key();
    await store().set(name, 'seen', 1);
    let next = 0;
    const won = await many(() => store().replace(name, 'seen', `next ${next++}`, 60));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store().get(name)).toMatch(/^next \d+$/);
    await wait(1.1);
    expect(await store().get(name)).toBeUndefined();
  });

  test('replacing what is absent makes it, for one', async () => {
    const name = key();
    expect((await many(() => store().replace(name, undefined, 'made', 10))).filter(Boolean)).toHaveLength(1);
    expect(await store().replace(name, undefined, 'again', 10)).toBe(false);
    expect(await store().replace(key(), 'never there', 'x', 10)).toBe(false);
  });

  test('removing removes, also what is not there', async () => {
    const name = key();
    await store().set(name, 'a', 10);
    await store().remove(name);
    await store().remove(name);
    expect(await store().get(name)).toBeUndefined();
    expect(await store().ping()).toBe(true);
  });
}
