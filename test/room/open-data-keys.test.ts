import { expect, test } from 'vitest';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const at = new Date('2026-06-01T00:00:00Z');

test('processes that start at once agree on the data keys, and a later start finds the same', async () => {
  const opened = await Promise.all(Array.from({ length: 6 }, () => openDataKeys(db, localDataKeys('one secret'), at)));
  const again = await openDataKeys(db, localDataKeys('one secret'), at);
  for (const other of opened) expect(other).toEqual(again);
  expect(again.fieldKeys).toHaveLength(1);
});

test('another master secret is told apart in a sentence', async () => {
  await expect(openDataKeys(db, localDataKeys('another secret'), at)).rejects.toThrow('another TONGREN_SECRET');
});
