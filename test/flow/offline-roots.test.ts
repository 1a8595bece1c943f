/**
 * A service whose roots are away, as processes: it starts, holds nothing of their keys, and follows a succession.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openRoots, parseRootKeyFile } from '#certificates/root-vault.ts';
import { parseShare } from '#crypto/secret-shares.ts';
import type { DatabaseAddress } from '#storage/database.ts';
import { freePort } from '#test/free-port.ts';
import { testDatabase } from '#test/test-database.ts';

const program = fileURLToPath(new URL('../..', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'tongren-ceremony-'));
const dataDir = join(home, 'data');
const kept = join(home, 'kept');
const { db, address } = await testDatabase();
const environment = {
  PATH: process.env['PATH'],
  HOME: home,
  TONGREN_DATA_DIR: dataDir,
  TONGREN_DEMO: 'false',
  TONGREN_LOG_LEVEL: 'error',
  DATABASE_URL: urlOf(address),
};
const running: ChildProcess[] = [];

afterAll(async () => {
  for (const child of running) await stop(child);
  rmSync(home, { recursive: true, force: true });
});

function urlOf(where: DatabaseAddress): string {
  if ('url' in where) return where.url;
  return `postgresql://${where.user}@localhost:${where.port}/${where.database}?host=${encodeURIComponent(where.socketFolder)}`;
}

interface Said {
  code: number | null;
  out: string;
  words: string;
}

function ca(...args: string[]): Promise<Said> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(program, 'src/tongren.js'), 'ca', ...args], { env: environment });
    let out = '';
    let words = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString('utf8');
    });
    child.once('exit', (code) => done({ code, out, words }));
  });
}

/** The service until it is ready, or what it said when it ended. */
async function start(): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(program, 'src/start.js')], { env: { ...environment, TONGREN_PORT: String(port) } });
  running.push(child);
  let words = '';
  await new Promise<void>((ready, fail) => {
    const hear = (chunk: Buffer) => {
      words += chunk.toString('utf8');
      if (words.includes('Ctrl-C')) ready();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => fail(new Error(`ended with ${code}: ${words}`)));
  });
  return { child, port };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await exit;
}

const rootFile = (suite: string, folder = kept) => ['--root', join(folder, `ca-root-${suite}.key.json`)];
const shareFiles = (folder = kept) =>
  readdirSync(folder)
    .filter((name) => name.startsWith('share-'))
    .sort()
    .map((name) => join(folder, name));
const shares = (count: number, folder = kept) =>
  shareFiles(folder)
    .slice(0, count)
    .flatMap((path) => ['--share', path]);
const authorities = () => db.certificateAuthority.findMany({ select: { keyName: true, state: true }, orderBy: { keyName: 'asc' } });

function everyFile(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('a ceremony makes offline roots of five shares, three of which restore them, and a transcript', { timeout: 120_000 }, async () => {
  const made = await ca('init', '--out', kept, '--shares', '5', '--threshold', '3', '--participant', '张三', '--json');
  expect(made.code, made.words).toBe(0);
  const transcript = JSON.parse(made.out);
  expect(transcript).toMatchObject({ act: 'init', threshold: 3, shares: 5, participants: ['张三'] });
  expect(transcript.authorities).toHaveLength(12);
  expect(readFileSync(join(kept, 'transcript.txt'), 'utf8')).toContain('张三');
  expect(shareFiles()).toHaveLength(5);
  expect(statSync(kept).mode & 0o777).toBe(0o700);
  for (const path of [...shareFiles(), join(kept, 'ca-root-p256.key.json'), join(kept, 'ca-root-sm2.key.json')]) {
    expect(statSync(path).mode & 0o777).toBe(0o400);
  }
  expect((await authorities()).filter(({ state }) => state === 'offline').map(({ keyName }) => keyName)).toEqual([
    'ca-root-p256',
    'ca-root-sm2',
  ]);

  const again = await ca('init', '--out', join(home, 'again'), '--shares', '5', '--threshold', '3');
  expect(again.code).toBe(1);
  expect(again.words).toContain('has a root already');
});

test('the service starts with its roots away and publishes their lists', { timeout: 120_000 }, async () => {
  const { child, port } = await start();
  for (const name of ['ca-root-p256', 'ca-root-sm2', 'ca-persons-p256']) {
    expect((await fetch(`http://localhost:${port}/crl/${name}.crl`)).status, name).toBe(200);
  }
  await stop(child);
  expect((await authorities()).filter(({ state }) => state === 'offline')).toHaveLength(2);
});

test('nothing of the root keys is in the data folder or the database', async () => {
  const roots = openRoots(
    ['p256', 'sm2'].map((suite) => parseRootKeyFile(readFileSync(join(kept, `ca-root-${suite}.key.json`), 'utf8'))),
    shareFiles()
      .slice(0, 3)
      .map((path) => parseShare(/TRS1-\S+/.exec(readFileSync(path, 'utf8'))?.[0] ?? '')),
  );
  const needles = roots.keys.map(({ pkcs8 }) => Buffer.from(pkcs8));
  const tables = await db.$queryRaw<{ name: string }[]>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`;
  const inFiles = everyFile(dataDir);
  expect(inFiles.length).toBeGreaterThan(5);
  expect(inFiles.filter((path) => /ca-root/.test(path))).toEqual([]);
  for (const path of [...inFiles, ...everyFile(kept)]) {
    const octets = readFileSync(path);
    for (const needle of needles) {
      expect(octets.includes(needle), path).toBe(false);
      expect(octets.includes(needle.toString('base64')), path).toBe(false);
    }
  }
  for (const { name } of tables) {
    const rows = JSON.stringify(await db.$queryRawUnsafe(`SELECT t::text AS row FROM "${name}" t`));
    for (const needle of needles)
      expect(rows.includes(needle.toString('hex')) || rows.includes(needle.toString('base64')), name).toBe(false);
  }
  roots.close();
});

test('an area gets its successor only with the shares; refused, it issues as before', { timeout: 120_000 }, async () => {
  const before = await authorities();
  const refused = await ca('rotate', '--area', 'persons', '--suite', 'es256');
  expect(refused.code).toBe(1);
  expect(refused.words).toContain('--share');
  const few = await ca('rotate', '--area', 'persons', '--suite', 'es256', ...rootFile('p256'), ...shares(2));
  expect(few.code).toBe(1);
  const other = await ca('rotate', '--area', 'persons', '--suite', 'es256', ...rootFile('sm2'), ...shares(3));
  expect(other.code).toBe(1);
  expect(await authorities()).toEqual(before);

  const made = await ca('rotate', '--area', 'persons', '--suite', 'es256', ...rootFile('p256'), ...shares(3), '--json');
  expect(made.code, made.words).toBe(0);
  expect(JSON.parse(made.out)).toMatchObject({ before: 'ca-persons-p256', after: 'ca-persons-p256-2' });
  expect(await authorities()).toEqual(
    expect.arrayContaining([
      { keyName: 'ca-persons-p256', state: 'retired' },
      { keyName: 'ca-persons-p256-2', state: 'current' },
    ]),
  );
});

test('after all that the service starts, with the successor in its place', { timeout: 120_000 }, async () => {
  const { child, port } = await start();
  expect((await fetch(`http://localhost:${port}/health/ready`)).status).toBe(200);
  expect((await fetch(`http://localhost:${port}/ca/ca-persons-p256-2.cer`)).status).toBe(200);
  await stop(child);
});
