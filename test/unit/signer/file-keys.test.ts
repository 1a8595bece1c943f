import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { importPublicKey, SUITES, verifyMessage } from '#crypto/suite.ts';

const base = mkdtempSync(join(tmpdir(), 'tongren-keys-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const secret = 'a secret that is long enough';
let number = 0;
const freshFolder = () => join(base, `keys-${number++}`);
const message = Buffer.from('message');

test.each(SUITES)('a %s key survives a restart and still signs', async (suite) => {
  const folder = freshFolder();
  const made = await (await fileKeyStore({ folder, secret })).create('first', suite, ['receipt']);
  const again = await fileKeyStore({ folder, secret });
  expect(await again.find('first')).toEqual(made);
  expect(await again.findByPublicKey(made.spki)).toEqual(made);
  expect(verifyMessage(importPublicKey(made.spki), message, await again.sign('first', 'receipt', message))).toBe(true);
});

test('a key that another process makes in a folder already read is found by its public key', async () => {
  const folder = freshFolder();
  const [first, second] = [await fileKeyStore({ folder, secret }), await fileKeyStore({ folder, secret })];
  await first.create('first', 'es256', ['receipt']);
  utimesSync(folder, new Date(), new Date(Date.now() - 60_000));
  const stranger = Buffer.alloc(91, 7);
  expect(await second.findByPublicKey(stranger)).toBeUndefined();
  expect(await second.findByPublicKey(stranger)).toBeUndefined();
  const later = await first.create('later', 'es256', ['receipt']);
  expect(await second.findByPublicKey(later.spki)).toEqual(later);
});

test('files and folder are for their owner alone, and hold no key in the clear', async () => {
  const folder = freshFolder();
  await (await fileKeyStore({ folder, secret })).create('first', 'es256', ['receipt']);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(folder)) {
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/PRIVATE|pkcs8/);
  }
  expect(readdirSync(folder).sort()).toEqual(['first.key.json', 'folder.json']);
});

test('of several that make one name at once, in two processes, exactly one succeeds', async () => {
  const folder = freshFolder();
  const stores = await Promise.all([1, 2, 3, 4].map(() => fileKeyStore({ folder, secret })));
  const outcomes = await Promise.allSettled(stores.map((store) => store.create('contested', 'es256', ['receipt'])));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'key-exists' });
  const found = await Promise.all(stores.map((store) => store.find('contested')));
  expect(new Set(found.map((key) => Buffer.from(key?.spki ?? []).toString('hex'))).size).toBe(1);
});

test('another secret is refused with a sentence', async () => {
  const folder = freshFolder();
  await fileKeyStore({ folder, secret });
  await expect(fileKeyStore({ folder, secret: 'another' })).rejects.toThrow(/not the one/);
});

test.each([
  ['another purpose', (file: Record<string, unknown>) => ({ ...file, purposes: ['certificate', 'crl'] })],
  ['another name inside', (file: Record<string, unknown>) => ({ ...file, name: 'other' })],
  ['another public key', (file: Record<string, unknown>) => ({ ...file, spki: 'AAAA' })],
  ['a changed secret part', (file: Record<string, unknown>) => ({ ...file, sealed: `${String(file['sealed']).slice(0, -8)}AAAAAAA=` })],
  ['a secret part cut short', (file: Record<string, unknown>) => ({ ...file, sealed: 'AAAA' })],
])('a key file with %s is refused', async (_what, change) => {
  const folder = freshFolder();
  const path = join(folder, 'first.key.json');
  await (await fileKeyStore({ folder, secret })).create('first', 'es256', ['receipt']);
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
  const store = await fileKeyStore({ folder, secret });
  await expect(store.find('first')).rejects.toThrow(/damaged or was changed/);
  await expect(store.sign('first', 'receipt', message)).rejects.toThrow(/damaged or was changed/);
});

test('a key file copied to another name does not open', async () => {
  const folder = freshFolder();
  await (await fileKeyStore({ folder, secret })).create('first', 'es256', ['receipt']);
  writeFileSync(join(folder, 'second.key.json'), readFileSync(join(folder, 'first.key.json')));
  await expect((await fileKeyStore({ folder, secret })).find('second')).rejects.toThrow(/damaged or was changed/);
});

test.each(['../first', 'a/b', '', 'A', '.hidden', 'x'.repeat(101)])('the name %j reaches no file', async (name) => {
  const store = await fileKeyStore({ folder: freshFolder(), secret });
  expect(await store.find(name)).toBeUndefined();
  await expect(store.sign(name, 'receipt', message)).rejects.toMatchObject({ code: 'key-not-found' });
  await expect(store.create(name, 'es256', ['receipt'])).rejects.toMatchObject({ code: 'invalid-input' });
});

test('a key signs for its own purpose only', async () => {
  const store = await fileKeyStore({ folder: freshFolder(), secret });
  await store.create('first', 'es256', ['receipt']);
  await expect(store.sign('first', 'code', message)).rejects.toMatchObject({ code: 'signing-refused' });
});

describe('a retired key', () => {
  const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

  test('signs nothing any more, here, in another process that has it in memory, and after a restart; its public half stays', async () => {
    const folder = freshFolder();
    const store = await fileKeyStore({ folder, secret });
    const { spki } = await store.create('first', 'es256', ['receipt']);
    const other = await fileKeyStore({ folder, secret });
    await other.sign('first', 'receipt', message);
    await store.retire('first', 'first-2');
    await store.retire('first', 'first-2');
    await expect(store.sign('first', 'receipt', message)).rejects.toMatchObject({ code: 'key-retired' });
    await pause(600);
    await expect(other.sign('first', 'receipt', message)).rejects.toMatchObject({ code: 'key-retired' });
    const later = await fileKeyStore({ folder, secret });
    await expect(later.sign('first', 'receipt', message)).rejects.toMatchObject({ code: 'key-retired' });
    const kept = { name: 'first', suite: 'es256', purposes: ['receipt'], spki, retired: true };
    expect(await later.find('first')).toEqual(kept);
    expect(await (await fileKeyStore({ folder, secret })).findByPublicKey(spki)).toEqual(kept);
    expect(readdirSync(folder).filter((name) => name.startsWith('first'))).toEqual(['first.retired.json']);
  });

  test('gives its name to no other', async () => {
    const store = await fileKeyStore({ folder: freshFolder(), secret });
    await store.create('first', 'es256', ['receipt']);
    await store.retire('first', 'first-2');
    await expect(store.create('first', 'es256', ['receipt'])).rejects.toMatchObject({ code: 'key-exists' });
    await expect(store.retire('never', 'first-2')).rejects.toMatchObject({ code: 'key-not-found' });
  });

  test('is retired also when its retirement was cut off before the private half was removed', async () => {
    const folder = freshFolder();
    const store = await fileKeyStore({ folder, secret });
    await store.create('first', 'es256', ['receipt']);
    const file = readFileSync(join(folder, 'first.key.json'));
    await store.retire('first', 'first-2');
    writeFileSync(join(folder, 'first.key.json'), file);
    const later = await fileKeyStore({ folder, secret });
    await expect(later.sign('first', 'receipt', message)).rejects.toMatchObject({ code: 'key-retired' });
    expect(existsSync(join(folder, 'first.key.json'))).toBe(false);
  });

  test.each([
    ['another public key', (file: Record<string, unknown>, other: string) => ({ ...file, spki: other })],
    ['another purpose', (file: Record<string, unknown>) => ({ ...file, purposes: ['code'] })],
    ['no MAC', (file: Record<string, unknown>) => ({ ...file, mac: '' })],
  ])('whose file was given %s is refused', async (_, change) => {
    const folder = freshFolder();
    const store = await fileKeyStore({ folder, secret });
    await store.create('first', 'es256', ['receipt']);
    const second = await store.create('second', 'es256', ['receipt']);
    await store.retire('first', 'second');
    const path = join(folder, 'first.retired.json');
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')), Buffer.from(second.spki).toString('base64'))));
    await expect((await fileKeyStore({ folder, secret })).find('first')).rejects.toThrow(/damaged or was changed/);
  });
});
