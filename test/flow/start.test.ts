import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '#test/free-port.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const running: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of running.splice(0)) await ended(child, 'SIGINT');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that the database's own user may enter, unless it is to be hidden. */
function folder({ hidden = false } = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'tongren-start-'));
  if (!hidden) chmodSync(path, 0o755);
  folders.push(path);
  return path;
}

interface Started {
  child: ChildProcess;
  words(): string;
  /** Resolves when the service says how to stop it, or with the exit code when it ended before. */
  settled: Promise<'ready' | number>;
}

/** Starts the service as `npm start` does. */
function start(settings: Record<string, string>, cwd = root, flags: readonly string[] = []): Started {
  const environment = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TONGREN_LOG_LEVEL: 'error',
    TONGREN_DEMO: 'false',
    ...settings,
  };
  const child = spawn(process.execPath, ['src/start.js', ...flags], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let words = '';
  const settled = new Promise<'ready' | number>((done) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        words += chunk.toString('utf8');
        if (words.includes('Ctrl-C')) done('ready');
      });
    }
    child.once('exit', (code) => done(code ?? -1));
  });
  return { child, words: () => words, settled };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  child.kill(signal);
  return exit;
}

/** Process id of the database server of a data folder. */
function postmaster(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgresql', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** Alive, and not a dead process that nobody has buried yet. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a second start finds everything as it was, Ctrl-C stops the database too', async () => {
  const settings = { TONGREN_DATA_DIR: folder(), TONGREN_PORT: String(await freePort()) };
  const first = start(settings);
  expect(await first.settled, first.words()).toBe('ready');
  const database = postmaster(settings.TONGREN_DATA_DIR);
  const authority = await (await fetch(`http://localhost:${settings.TONGREN_PORT}/ca/ca-p256.pem`)).text();
  expect(authority).toContain('BEGIN CERTIFICATE');
  expect(await ended(first.child, 'SIGINT')).toBe(0);
  expect(isAlive(database)).toBe(false);

  const second = start(settings);
  expect(await second.settled, second.words()).toBe('ready');
  expect(await (await fetch(`http://localhost:${settings.TONGREN_PORT}/ca/ca-p256.pem`)).text()).toBe(authority);
});

test('a start after kill -9 takes over the database that lived on', async () => {
  const settings = { TONGREN_DATA_DIR: folder(), TONGREN_PORT: String(await freePort()) };
  const first = start(settings);
  expect(await first.settled, first.words()).toBe('ready');
  const database = postmaster(settings.TONGREN_DATA_DIR);
  await ended(first.child, 'SIGKILL');
  expect(isAlive(database)).toBe(true);

  const second = start(settings);
  expect(await second.settled, second.words()).toBe('ready');
  expect(postmaster(settings.TONGREN_DATA_DIR)).toBe(database);
  expect((await fetch(`http://localhost:${settings.TONGREN_PORT}/health/ready`)).status).toBe(200);
  expect(await ended(second.child, 'SIGTERM')).toBe(0);
  expect(isAlive(database)).toBe(false);
});

test('a start after the database was killed as well recovers', async () => {
  const settings = { TONGREN_DATA_DIR: folder(), TONGREN_PORT: String(await freePort()) };
  const first = start(settings);
  expect(await first.settled, first.words()).toBe('ready');
  const database = postmaster(settings.TONGREN_DATA_DIR);
  await ended(first.child, 'SIGKILL');
  process.kill(database, 'SIGKILL');

  const second = start(settings);
  expect(await second.settled, second.words()).toBe('ready');
  expect((await fetch(`http://localhost:${settings.TONGREN_PORT}/health/ready`)).status).toBe(200);
});

test('a second service on the same data folder is refused in one sentence', async () => {
  const settings = { TONGREN_DATA_DIR: folder(), TONGREN_PORT: String(await freePort()) };
  const first = start(settings);
  expect(await first.settled, first.words()).toBe('ready');
  const second = start({ ...settings, TONGREN_PORT: String(await freePort()) });
  expect(await second.settled).toBe(1);
  expect(second.words().trim().split('\n')).toEqual([expect.stringContaining('already running')]);
  expect((await fetch(`http://localhost:${settings.TONGREN_PORT}/health/ready`)).status).toBe(200);
});

test('--tls serves https with a certificate of the development CA', async () => {
  const settings = { TONGREN_DATA_DIR: folder(), TONGREN_PORT: String(await freePort()) };
  const started = start(settings, root, ['--tls']);
  expect(await started.settled, started.words()).toBe('ready');
  const origin = /https:\/\/[^/\s]+/.exec(started.words())?.[0] ?? '';
  const ca = readFileSync(join(settings.TONGREN_DATA_DIR, 'trust', 'root-for-phones.crt'));
  const status = await new Promise((done, fail) => {
    get(`${origin}/health/ready`, { ca }, (reply) => {
      reply.resume();
      done(reply.statusCode);
    }).on('error', fail);
  });
  expect(status).toBe(200);
});

test('a port in use is one sentence, and leaves no database behind', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const dataDir = folder();
  const started = start({ TONGREN_DATA_DIR: dataDir, TONGREN_PORT: String(port) });
  expect(await started.settled).toBe(1);
  expect(started.words().trim().split('\n')).toEqual([expect.stringContaining(`Port ${port} is already in use`)]);
  expect(existsSync(join(dataDir, 'postgresql', 'postmaster.pid'))).toBe(false);
  server.close();
});

test('an unreachable database is one sentence without its password', async () => {
  const settings = { TONGREN_DATA_DIR: folder(), DATABASE_URL: 'postgresql://someone:secret-word@127.0.0.1:9/tongren' };
  const started = start(settings);
  expect(await started.settled).toBe(1);
  expect(started.words().trim().split('\n')).toHaveLength(1);
  expect(started.words()).toContain('127.0.0.1:9');
  expect(started.words()).not.toContain('secret-word');
});

test('an unreachable Redis is one sentence', async () => {
  const started = start({
    TONGREN_DATA_DIR: folder(),
    REDIS_URL: 'redis://:secret-word@127.0.0.1:9',
    TONGREN_PORT: String(await freePort()),
  });
  expect(await started.settled).toBe(1);
  expect(started.words().trim().split('\n')).toHaveLength(1);
  expect(started.words()).toContain('REDIS_URL');
  expect(started.words()).not.toContain('secret-word');
});

test('production without its settings names every fault and starts nothing', async () => {
  const dataDir = folder();
  const started = start({ NODE_ENV: 'production', TONGREN_DATA_DIR: dataDir });
  expect(await started.settled).toBe(1);
  for (const name of ['TONGREN_SECRET', 'TONGREN_ORIGIN', 'DATABASE_URL', 'REDIS_URL', 'TONGREN_SMS_URL', 'TONGREN_ROLES'])
    expect(started.words()).toContain(name);
  expect(existsSync(join(dataDir, 'postgresql'))).toBe(false);
});

test.runIf(process.getuid?.() === 0)('as root in a folder that others cannot enter, the start says where the database went', async () => {
  const hidden = folder({ hidden: true });
  mkdirSync(join(hidden, 'clone'), { mode: 0o700 });
  const clone = join(hidden, 'clone');
  for (const name of ['src', 'prisma', 'keys', 'templates', 'package.json'])
    cpSync(join(root, name), join(clone, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  const started = start({ TONGREN_DATA_DIR: join(clone, 'data'), TONGREN_PORT: String(await freePort()) }, clone);
  expect(await started.settled, started.words()).toBe('ready');
  const moved = /PostgreSQL and data[^:]*: (\/var\/lib\/tongren\/\S+) \(started as root/.exec(started.words())?.[1];
  expect(moved, started.words()).toBeDefined();
  if (moved) folders.push(moved);
  expect(existsSync(join(moved ?? '', 'postgresql', 'PG_VERSION'))).toBe(true);
});

test.runIf(process.getuid?.() === 0)('an ordinary user can start it too', () => {
  const home = folder();
  const run = spawnSync('chown', ['65534:65534', home]);
  expect(run.status).toBe(0);
  const script = `import('${root}src/storage/embedded-postgres.ts').then(async ({ startEmbeddedPostgres }) => { const pg = await startEmbeddedPostgres('${home}/data'); console.log('up', pg.folder); await pg.stop(); })`;
  const started = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    uid: 65534,
    gid: 65534,
    cwd: '/',
    env: { HOME: home },
    encoding: 'utf8',
  });
  expect(started.stdout + started.stderr).toContain(`up ${home}/data`);
});
