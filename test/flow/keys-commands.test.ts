/** The commands by which a data key and a master secret end, as an operator runs them, beside no service. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { registerPerson } from '#people/register-person.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { testDatabase } from '#test/test-database.ts';

const { db, address } = await testDatabase();
const folder = mkdtempSync(join(tmpdir(), 'tongren-keys-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const program = fileURLToPath(new URL('../../src/tongren.js', import.meta.url));
const before = 'the master secret of before, long enough to be one';
const secret = 'the master secret of now, long enough to be one';

function databaseUrl(): string {
  if ('url' in address) return address.url;
  const { user, database, socketFolder, port } = address;
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(socketFolder)}&port=${port}`;
}

function keys(words: string[], settings: Record<string, string>): Promise<{ exit: number | null; said: string }> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], TONGREN_DATA_DIR: join(folder, 'data'), DATABASE_URL: databaseUrl() };
  const child = spawn(process.execPath, [program, 'keys', ...words], { env: { ...env, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString('utf8')));
  return new Promise((done) => child.on('close', (exit) => done({ exit, said })));
}

/** The installation becomes so much older. */
async function wait(seconds: number): Promise<void> {
  await db.$executeRaw`UPDATE data_key SET created_at = created_at - make_interval(secs => ${seconds}), closed_at = closed_at - make_interval(secs => ${seconds})`;
}

test('a compromised data key: a new one, everything sealed anew, the old one erased only when it is confirmed', {
  timeout: 300_000,
}, async () => {
  const now = { TONGREN_SECRET: before };
  expect((await keys(['reseal'], now)).said).toContain('[reseal-not-needed]');
  const opened = await openDataKeys(db, localDataKeys(before), new Date());
  const person = { name: '张三', phone: '13900010009', by: 'system:test' };
  const { id } = await registerPerson({ db, clock: { now: () => new Date() }, fields: fieldCipher(opened) }, person);
  await wait(300);

  const rotated = await keys(['rotate', 'data', '--compromised'], now);
  expect([rotated.exit, rotated.said]).toEqual([0, expect.stringMatching(/after: data-2.*reseal: pass 1.*keys retire data N/s)]);
  const waiting = await keys(['reseal', '--status', '--json'], now);
  expect(JSON.parse(waiting.said)).toMatchObject({ version: 2, state: 'waiting', resealed: 0, faults: [] });
  const early = await keys(['retire', 'data', '1', '--confirm', 'data-1'], now);
  expect([early.exit, early.said]).toEqual([1, expect.stringContaining('not closed')]);

  await wait(300);
  const done = await keys(['reseal', '--here'], now);
  expect([done.exit, done.said]).toEqual([0, expect.stringContaining('nothing is left under older keys')]);
  const { name } = await db.person.findUniqueOrThrow({ where: { id } });
  expect(name?.[0]).toBe(2);
  expect((await keys(['retire', 'data', '1'], now)).said).toContain('Short-lived values');
  await wait(3_700);
  const asked = await keys(['retire', 'data', '1', '--confirm', 'data-2'], now);
  expect([asked.exit, asked.said]).toEqual([0, expect.stringContaining('--confirm data-1')]);
  expect(await db.dataKey.count({ where: { erasedAt: { not: null } } })).toBe(0);
  const erased = await keys(['retire', 'data', '1', '--confirm', 'data-1'], now);
  expect([erased.exit, erased.said]).toEqual([0, expect.stringContaining('data-1: erased')]);
  expect((await keys(['retire', 'data', '2'], now)).said).toContain('[data-key-in-use]');
  const list = JSON.parse((await keys(['list', '--json'], now)).said) as { name: string; state: string }[];
  expect(list.filter(({ name }) => name.startsWith('data-')).map(({ state }) => state)).toEqual(['destroyed', 'current']);
});

test('the master secret changes: key files and data keys are under the new one, and the old one opens nothing', {
  timeout: 240_000,
}, async () => {
  const both = { TONGREN_SECRET: secret, TONGREN_SECRET_BEFORE: before };
  expect((await keys(['rewrap'], { TONGREN_SECRET: secret })).said).toContain('TONGREN_SECRET_BEFORE');
  const wrong = await keys(['rewrap'], { ...both, TONGREN_SECRET_BEFORE: `${before}!` });
  expect([wrong.exit, wrong.said]).toEqual([1, expect.stringContaining('Neither')]);
  const done = await keys(['rewrap', '--json'], both);
  expect([done.exit, JSON.parse(done.said)]).toEqual([0, { keyFiles: expect.any(Number), dataKeys: 3 }]);
  expect(JSON.parse((await keys(['rewrap', '--json'], both)).said)).toEqual({ keyFiles: 0, dataKeys: 0 });
  expect((await keys(['list'], { TONGREN_SECRET: secret })).exit).toBe(0);
  const old = await keys(['list'], { TONGREN_SECRET: before });
  expect([old.exit, old.said]).toEqual([1, expect.stringContaining('not the one they were made with')]);
});
