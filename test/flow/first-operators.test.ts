/** An empty installation gets its first operators by the command itself, once. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/test-database.ts';

const { db, address } = await testDatabase();
const folder = mkdtempSync(join(tmpdir(), 'tongren-operators-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const program = fileURLToPath(new URL('../../src/tongren.js', import.meta.url));

function databaseUrl(): string {
  if ('url' in address) return address.url;
  const { user, database, socketFolder, port } = address;
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(socketFolder)}&port=${port}`;
}

function appoint(content: unknown): Promise<{ exit: number | null; words: string }> {
  const file = join(folder, 'operators.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], TONGREN_DATA_DIR: join(folder, 'data'), DATABASE_URL: databaseUrl() };
  const child = spawn(process.execPath, [program, 'operators', 'appoint', '--file', file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (words += data.toString('utf8')));
  return new Promise((done) => child.on('close', (exit) => done({ exit, words })));
}

const organisation = { name: '示范市数据管理局', uscc: '11100000MB0143028R', divisionCode: '350200' };
const first = { name: '孙运行', citizenNumber: '350203199001010034', phone: '13900010001' };
const second = { name: '周管理', citizenNumber: '350203196808080048', phone: '13900010002' };

test('two operators of a department are made once; a faulty file changes nothing', { timeout: 240_000 }, async () => {
  expect((await appoint('{')).exit).toBe(3);
  const alone = await appoint({ organisation, operators: [first] });
  expect([alone.exit, alone.words]).toEqual([3, expect.stringContaining('at least two')]);
  const faulty = await appoint({ organisation, operators: [first, { ...second, citizenNumber: '350203196808080049' }] });
  expect(faulty.exit).toBe(1);
  expect(faulty.words).not.toContain('35020319680808');
  expect([await db.staff.count(), await db.person.count(), await db.organisation.count()]).toEqual([0, 0, 0]);

  const done = await appoint({ organisation, operators: [first, second] });
  expect(done.exit, done.words).toBe(0);
  const staff = await db.staff.findMany();
  expect(staff.map(({ roles }) => roles)).toEqual([['operator'], ['operator']]);
  expect(await db.person.count()).toBe(2);
  expect((await db.assuranceEvidence.findMany()).map(({ level, source }) => [level, source])).toEqual(
    expect.arrayContaining([[5, 'installation']]),
  );
  const third = { name: '吴后来', citizenNumber: '350203198803030059', phone: '13900010003' };
  const again = await appoint({ organisation, operators: [first, third] });
  expect([again.exit, again.words]).toEqual([1, expect.stringContaining('has its operators')]);
  expect(await db.staff.count()).toBe(2);
});
