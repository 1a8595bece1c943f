import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileSystemStore } from '#adapters/file-system-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = fileSystemStore(folder);

test('what is written piece by piece is there when it is finished, and not before', async () => {
  const file = await store.create('jobs/one.enc');
  file.write(Buffer.from('half '));
  expect(await store.find('jobs/one.enc')).toBeUndefined();
  expect(await store.open('jobs/one.enc')).toBeUndefined();
  file.write(Buffer.from('and whole'));
  await file.finish();
  const opened = await store.open('jobs/one.enc');
  expect(opened?.length).toBe(14);
  expect(opened?.read(5, 8).toString()).toBe('and');
  opened?.close();
  expect(readdirSync(join(folder, 'jobs'))).toEqual(['one.enc']);
});

test('abandoned it leaves nothing; what a dead process left goes with the name, or with the folder', async () => {
  const file = await store.create('dead/two.enc');
  file.write(Buffer.from('half'));
  await file.abandon();
  expect(readdirSync(join(folder, 'dead'))).toEqual([]);
  writeFileSync(join(folder, 'dead', 'three.enc.part'), 'half');
  await store.remove('dead/three.enc');
  expect(readdirSync(join(folder, 'dead'))).toEqual([]);
  writeFileSync(join(folder, 'dead', 'four.enc.part'), 'half');
  writeFileSync(join(folder, 'dead', 'five.enc'), '');
  await store.removeFolder('dead');
  expect(readdirSync(folder)).not.toContain('dead');
});

test('a file that became shorter under a reader is an error, not a short piece', async () => {
  await store.put('short.enc', Buffer.alloc(100));
  const opened = await store.open('short.enc');
  writeFileSync(join(folder, 'short.enc'), Buffer.alloc(10));
  expect(() => opened?.read(0, 100)).toThrow('shorter');
  opened?.close();
});

test.each(['../outside', 'a/../../outside', ''])('the name %j leads nowhere', async (name) => {
  await expect(store.put(name, Buffer.alloc(1))).rejects.toThrow('leads out');
  await expect(store.create(name)).rejects.toThrow('leads out');
  await expect(store.removeFolder(name)).rejects.toThrow('leads out');
});
