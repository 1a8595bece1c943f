import { expect, test } from 'vitest';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { rewrapDataKeys } from '#audit/rewrap-data-keys.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const by = 'system:test';
const before = localDataKeys('the secret of before');
const after = localDataKeys('the secret of now');
const open = (keys: typeof before) => openDataKeys(db, keys, clock.now());

test('a process that knows both secrets opens the keys before and after they are rewrapped', async () => {
  const keys = await open(before);
  await rotateDataKey({ db, clock, dataKeys: before }, by);
  const both = localDataKeys('the secret of now', 'the secret of before');
  expect((await open(both)).fieldKeys).toEqual((await open(before)).fieldKeys);
  await expect(open(after)).rejects.toThrow('another TONGREN_SECRET');
  expect(keys.fieldKeys).toHaveLength(1);
});

test('keys stay as they are under the new secret; the old one opens none; run again there is nothing to do', async () => {
  const keys = await open(before);
  await db.dataKey.create({
    data: { purpose: 'field', version: 9, wrapped: new Uint8Array(), createdAt: clock.now(), erasedAt: clock.now() },
  });
  const living = await db.dataKey.count({ where: { erasedAt: null } });
  expect(await rewrapDataKeys({ db, clock }, { before, after, by })).toBe(living);
  expect(await open(after)).toEqual(keys);
  await expect(open(before)).rejects.toThrow('another TONGREN_SECRET');
  expect(await rewrapDataKeys({ db, clock }, { before, after, by })).toBe(0);
  expect(await db.auditEvent.count({ where: { kind: 'data-keys-rewrapped' } })).toBe(1);
});

test('a key that a process with the old secret made since is rewrapped by the next run', async () => {
  await db.dataKey.delete({ where: { purpose_version: { purpose: 'field', version: 9 } } });
  const { version } = await rotateDataKey({ db, clock, dataKeys: before }, by);
  await expect(open(after)).rejects.toThrow('another TONGREN_SECRET');
  expect(await rewrapDataKeys({ db, clock }, { before, after, by })).toBe(1);
  expect((await open(after)).fieldKeys.map((key) => key.version)).toContain(version);
});

test('where one key opens with neither secret nothing changes', async () => {
  await db.dataKey.update({ where: { purpose_version: { purpose: 'field', version: 2 } }, data: { wrapped: new Uint8Array(60) } });
  const rows = await db.dataKey.findMany({ orderBy: [{ purpose: 'asc' }, { version: 'asc' }] });
  const third = localDataKeys('a third secret');
  await expect(rewrapDataKeys({ db, clock }, { before: after, after: third, by })).rejects.toThrow('field-2 opens with neither');
  expect(await db.dataKey.findMany({ orderBy: [{ purpose: 'asc' }, { version: 'asc' }] })).toEqual(rows);
});
