import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { rewrapKeyFolder } from '#adapters/rewrap-key-folder.ts';
import { importPublicKey, verifyMessage } from '#crypto/suite.ts';

const base = mkdtempSync(join(tmpdir(), 'tongren-rewrap-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const before = 'the secret of before, long enough';
const secret = 'the secret of now, long enough';
const message = Buffer.from('message');
const NAMES = ['first', 'second', 'third'];
const original = join(base, 'original');
let number = 0;

beforeAll(async () => {
  const store = await fileKeyStore({ folder: original, secret: before });
  for (const name of [...NAMES, 'gone']) await store.create(name, name === 'second' ? 'sm2-sm3' : 'es256', ['receipt']);
  await store.retire('gone', 'first');
});

function copy(of = original): string {
  const folder = join(base, `copy-${number++}`);
  cpSync(of, folder, { recursive: true });
  return folder;
}

async function expectWhole(folder: string): Promise<void> {
  const old = await fileKeyStore({ folder: original, secret: before });
  const store = await fileKeyStore({ folder, secret });
  for (const name of NAMES) {
    const key = await store.find(name);
    expect(key).toEqual(await old.find(name));
    expect(verifyMessage(importPublicKey(key?.spki as Uint8Array), message, await store.sign(name, 'receipt', message))).toBe(true);
  }
  expect(await store.find('gone')).toMatchObject({ retired: true });
  await expect(store.sign('gone', 'receipt', message)).rejects.toMatchObject({ code: 'key-retired' });
  await expect(fileKeyStore({ folder, secret: before })).rejects.toThrow(/not the one/);
  expect(readdirSync(folder).sort()).toEqual(readdirSync(original).sort());
  for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
}

test('every key, living or retired, opens with the new secret and none with the old; run again nothing changes', async () => {
  const folder = copy();
  expect(await rewrapKeyFolder(folder, { secret, before })).toEqual({ rewrapped: 4, files: 4 });
  await expectWhole(folder);
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  expect(await rewrapKeyFolder(folder, { secret, before })).toEqual({ rewrapped: 0, files: 4 });
  expect(readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(files);
});

/** Which files are new already when it was cut off; the last is one that had come to its end but for the last step. */
test.each([0, 1, 2, 3, 4])('cut off after %i files it opens with neither secret, and goes on when run again', async (count) => {
  const done = copy();
  await rewrapKeyFolder(done, { secret, before });
  const folder = copy();
  writeFileSync(join(folder, 'folder.next.json'), readFileSync(join(done, 'folder.json')), { mode: 0o600 });
  const names = readdirSync(done).filter((name) => name !== 'folder.json');
  for (const name of names.slice(0, count)) writeFileSync(join(folder, name), readFileSync(join(done, name)));
  for (const one of [secret, before]) await expect(fileKeyStore({ folder, secret: one })).rejects.toThrow('keys rewrap');
  await expect(rewrapKeyFolder(folder, { secret: 'a third secret, long enough', before })).rejects.toThrow('another TONGREN_SECRET');
  expect(await rewrapKeyFolder(folder, { secret, before })).toEqual({ rewrapped: 4 - count, files: 4 });
  await expectWhole(folder);
});

test('a wrong old secret, a damaged or an exchanged file is refused before anything is written', async () => {
  const folder = copy();
  const contents = () => Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  const untouched = contents();
  await expect(rewrapKeyFolder(folder, { secret, before: 'not the old one' })).rejects.toThrow('Neither');
  expect(contents()).toEqual(untouched);
  const first = JSON.parse(readFileSync(join(folder, 'first.key.json'), 'utf8'));
  for (const [name, text] of [
    ['third.key.json', '{'],
    ['third.key.json', JSON.stringify({ ...first, name: 'third' })],
    ['third.key.json', JSON.stringify(first)],
    ['gone.retired.json', untouched['gone.retired.json']?.replace('receipt', 'ocsp-response')],
  ] as const) {
    writeFileSync(join(folder, name), text ?? '');
    const hurt = contents();
    await expect(rewrapKeyFolder(folder, { secret, before })).rejects.toThrow(`${name} is damaged`);
    expect(contents()).toEqual(hurt);
    writeFileSync(join(folder, name), untouched[name] ?? '');
  }
  expect(await rewrapKeyFolder(folder, { secret, before })).toMatchObject({ rewrapped: 4 });
});

test('a folder that is not there is no fault', async () => {
  expect(await rewrapKeyFolder(join(base, 'nowhere'), { secret, before })).toEqual({ rewrapped: 0, files: 0 });
});
