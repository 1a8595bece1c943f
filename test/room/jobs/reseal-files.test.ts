import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { type FieldCipher, fieldCipher } from '#crypto/field-cipher.ts';
import { FileSealer, keyVersionOfFile, openSealedFile } from '#crypto/sealed-file.ts';
import type { Reseal } from '#jobs/reseal-column.ts';
import { resealFiles } from '#jobs/reseal-files.ts';
import { SEALS_EVERYWHERE_MS, startResealing } from '#jobs/reseal-pass.ts';
import { keepJobFile, openJobFile } from '#seals/job-files.ts';
import { placeOfFile, sourceNameOf } from '#seals/seal-job.ts';
import { findResealing } from '#storage/find-resealing.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { isClosedKeyError, refuseClosedKey, type SealedFile, type SealedFiles } from '#storage/sealed-places.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';
import { resealAll } from './reseal-all.ts';
import type { Orders } from './reseal-and-die.ts';

const { db, address } = await testDatabase();
const clock = testClock();
const SECRET = 'a secret of this test alone, long enough';
const dataKeys = localDataKeys(SECRET);
const base = mkdtempSync(join(tmpdir(), 'tongren-reseal-files-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const keys = { indexKeys: [{ version: 1, key: randomBytes(32) }], identifierKey: randomBytes(32) };
const [first, second] = [1, 2].map((version) => ({ version, key: randomBytes(32) })) as [
  { version: number; key: Buffer },
  { version: number; key: Buffer },
];
const old = fieldCipher({ fieldKeys: [first], ...keys });
const both = fieldCipher({ fieldKeys: [second, first], ...keys });
const fresh = fieldCipher({ fieldKeys: [second], ...keys });
const reseal: Reseal = { fields: both, open: [2], known: [1, 2] };
let folder: string;
let files: ReturnType<typeof fileSystemStore>;
beforeEach(() => {
  folder = mkdtempSync(join(base, 'store-'));
  files = fileSystemStore(folder);
});

/** One row for each file. */
const kindOf = (names: string[], isNamed: (file: SealedFile) => Promise<boolean> = async () => true): SealedFiles => ({
  name: 'test.file',
  list: async (_db, { after = '', limit }) =>
    names
      .filter((name) => name > after)
      .slice(0, limit)
      .map((name) => ({ id: name, files: [{ name, what: 'file', place: `test:${name}` }] })),
  isNamed: (_db, _row, file) => isNamed(file),
});

async function putSegmented(fields: FieldCipher, name: string, plain: Buffer): Promise<void> {
  const file = await files.create(name);
  const sealer = new FileSealer(fields, `test:${name}`, (part) => file.write(part));
  sealer.write(plain);
  sealer.finish();
  await file.finish();
}

async function plainOf(fields: FieldCipher, name: string): Promise<Buffer> {
  const stored = await files.open(name);
  if (!stored) throw new Error('not there');
  try {
    const file = openSealedFile(fields, `test:${name}`, stored);
    return Buffer.from(file.read(0, file.length));
  } finally {
    stored.close();
  }
}

test('whole files and files in segments, of every awkward length, keep contents and layout', async () => {
  const lengths = [0, 1, 65_535, 65_536, 65_537, 300_000];
  const plains = new Map(lengths.map((length) => [`segments-${String(length).padStart(6, '0')}`, randomBytes(length)]));
  for (const [name, plain] of plains) await putSegmented(old, name, plain);
  plains.set('whole', randomBytes(5_000));
  await files.put('whole', old.seal('test:whole', plains.get('whole') ?? ''));
  await putSegmented(both, 'x-new', Buffer.from('new'));
  const untouched = readFileSync(join(folder, 'x-new'));

  const batch = await resealFiles({ db, files }, kindOf([...plains.keys(), 'x-new'].sort()), reseal, undefined);
  expect(batch).toMatchObject({ ended: true, after: 'x-new', looked: 8, resealed: 7, changed: 0, faults: [] });
  for (const [name, plain] of plains) {
    expect((await plainOf(fresh, name)).equals(plain), name).toBe(true);
    await expect(plainOf(old, name)).rejects.toThrow();
    expect(readFileSync(join(folder, name))[0], name).toBe(name === 'whole' ? 2 : 0);
  }
  expect(readFileSync(join(folder, 'x-new')).equals(untouched)).toBe(true);
});

test('a missing, a damaged, a foreign and an unreadable file are each told, and the others are done', async () => {
  for (const name of ['a-fine', 'b-cut', 'c-bit', 'd-head', 'f-fine']) await putSegmented(old, name, randomBytes(200_000));
  const cut = readFileSync(join(folder, 'b-cut'));
  writeFileSync(join(folder, 'b-cut'), cut.subarray(0, cut.length - 100));
  const bit = readFileSync(join(folder, 'c-bit'));
  bit[100_000] = (bit[100_000] ?? 0) ^ 1;
  writeFileSync(join(folder, 'c-bit'), bit);
  writeFileSync(join(folder, 'd-head'), Buffer.alloc(80, 77));
  const store = {
    ...files,
    open: async (name: string) => {
      const stored = await files.open(name);
      return name === 'g-sick'
        ? {
            length: 5_000,
            read: () => {
              throw new Error('EIO');
            },
            close: () => undefined,
          }
        : stored;
    },
  };
  const names = ['a-fine', 'b-cut', 'c-bit', 'd-head', 'e-missing', 'f-fine', 'g-sick'];
  const batch = await resealFiles({ db, files: store }, kindOf(names), reseal, undefined);
  expect(batch).toMatchObject({ looked: 7, resealed: 2, ended: true });
  expect(batch.faults).toEqual([
    { rowId: 'b-cut file', reason: 'damaged' },
    { rowId: 'c-bit file', reason: 'damaged' },
    { rowId: 'd-head file', reason: 'unknown-key' },
    { rowId: 'e-missing file', reason: 'missing' },
    { rowId: 'g-sick file', reason: 'unreadable' },
  ]);
  expect(readFileSync(join(folder, 'c-bit')).equals(bit)).toBe(true);
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a file that is removed while it is sealed anew does not come back', async () => {
  await putSegmented(old, 'leaving', randomBytes(200_000));
  const batch = await resealFiles(
    { db, files },
    kindOf(['leaving'], async () => false),
    reseal,
    undefined,
  );
  expect(batch).toMatchObject({ resealed: 0, changed: 1, faults: [] });
  expect(readdirSync(folder)).toEqual([]);
});

test('a full disk ends the round, and leaves the file as it was', async () => {
  await putSegmented(old, 'kept', randomBytes(200_000));
  const before = readFileSync(join(folder, 'kept'));
  const full = {
    ...files,
    create: async (name: string) => ({
      ...(await files.create(name)),
      write: () => {
        throw new Error('ENOSPC');
      },
    }),
  };
  await expect(resealFiles({ db, files: full }, kindOf(['kept']), reseal, undefined)).rejects.toThrow('ENOSPC');
  expect(readFileSync(join(folder, 'kept')).equals(before)).toBe(true);
  expect(readdirSync(folder)).toEqual(['kept']);
});

test('twenty rows a batch, and no further once much was sealed', async () => {
  const names = Array.from({ length: 25 }, (_, index) => `file-${String(index).padStart(2, '0')}`);
  for (const name of names) await files.put(name, old.seal(`test:${name}`, name));
  const one = await resealFiles({ db, files }, kindOf(names), reseal, undefined);
  expect(one).toMatchObject({ after: 'file-19', ended: false, resealed: 20 });
  expect(await resealFiles({ db, files }, kindOf(names), reseal, one.after)).toMatchObject({ ended: true, resealed: 5 });
  for (const name of ['large-1', 'large-2']) await putSegmented(old, name, Buffer.alloc(65 * 1024 * 1024));
  expect(await resealFiles({ db, files }, kindOf(['large-1', 'large-2']), reseal, undefined)).toMatchObject({
    after: 'large-1',
    ended: false,
  });
});

test('a worker killed in the middle of a large file: the file is whole before and after', { timeout: 120_000 }, async () => {
  const process1 = { db, clock, dataKeys, files };
  const fields = fieldCipher(await openDataKeys(db, dataKeys, clock.now()));
  const job = {
    id: '0198f5a0-0000-7000-8000-00000000000a',
    organisationId: '0198f5a0-0000-7000-8000-00000000000b',
    sealId: '0198f5a0-0000-7000-8000-00000000000c',
  };
  await db.sealJob.create({
    data: { ...job, actor: 'system:test', requestId: 'large', status: 'running', place: {}, createdAt: clock.now() },
  });
  const id = '0198f5a0-0000-7000-8000-00000000000d';
  const name = sourceNameOf({ jobId: job.id, id });
  const plain = Buffer.alloc(150 * 1024 * 1024, 'large');
  await keepJobFile({ fields, files }, name, placeOfFile(id, 'source'), async (take) => take(plain));
  const row = { id, jobId: job.id, key: 'large', format: 'ofd', status: 'waiting', sourceBytes: plain.length, sourceDigest: '' };
  await db.sealJobFile.create({ data: row });
  await rotateDataKey(process1, 'system:test');
  clock.advance(SEALS_EVERYWHERE_MS);
  await startResealing(process1, 'system:test');

  const orders: Orders = { address, folder, secret: SECRET, now: clock.now().toISOString() };
  const child = spawn(process.execPath, [fileURLToPath(new URL('./reseal-and-die.ts', import.meta.url)), JSON.stringify(orders)], {
    stdio: 'ignore',
  });
  const ended = new Promise((done) => child.on('close', (_code, signal) => done(signal)));
  const unfinished = join(folder, `${name}.part`);
  const isHalfway = () => {
    try {
      return statSync(unfinished).size > 10_000_000;
    } catch {
      return false;
    }
  };
  while (child.exitCode === null && !isHalfway()) await new Promise((done) => setTimeout(done, 5));
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const stored = async () => {
    const file = await files.open(name);
    return file && keyVersionOfFile(file);
  };
  expect(await stored()).toBe(1);
  await resealAll(process1);
  expect(await findResealing(db)).toMatchObject({ state: 'clean', resealed: 1 });
  expect(await stored()).toBe(2);
  const after = fieldCipher(await openDataKeys(db, dataKeys, clock.now()));
  const file = await openJobFile({ fields: after, files }, name, placeOfFile(id, 'source'));
  expect(digest(file?.read(0, file.length) ?? Buffer.alloc(0))).toBe(digest(plain));
  expect(readdirSync(join(folder, 'seal-jobs', job.id))).toHaveLength(1);

  // What was sealed with the key that is closed by now does not begin to count.
  const late = db.$transaction((tx) => refuseClosedKey(tx, 1));
  await expect(late).rejects.toSatisfy(isClosedKeyError);
  await db.$transaction((tx) => refuseClosedKey(tx, 2));
});
