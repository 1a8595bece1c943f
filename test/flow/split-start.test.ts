/** Web, worker and signer as three processes, as in production: each has its own token, and only the signer can reach a key. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { readConfig } from '#config.ts';
import { openKeys } from '#edge/open-keys.ts';
import { freePort } from '#test/free-port.ts';
import { type SignerService, startSignerService } from '../fakes/signer-service.ts';
import { testDatabase } from '../test-database.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tongren-split-'));
chmodSync(folder, 0o755);
const { db, address } = await testDatabase();
const SIGNER_SECRET = 'the secret of the signer alone, told to nobody else';
const SECRET = 'the secret of web and worker, which opens no key';
const socketPath = join(folder, 'socket', 'signer.sock');
const tokens = { web: 'the token of the web process, 32+ characters', worker: 'the token of the worker process, 32+ chars' };
const databaseUrl =
  'url' in address
    ? address.url
    : `postgresql://${address.user}@localhost/${address.database}?host=${encodeURIComponent(address.socketFolder)}&port=${address.port}`;
const port = await freePort();
let signer: SignerService;
const running: ChildProcess[] = [];

function startRole(role: 'web' | 'worker', at = port): Promise<{ child: ChildProcess; words: () => string }> {
  const child = spawn(process.execPath, [START], {
    env: {
      PATH: process.env['PATH'],
      TONGREN_ROLES: role,
      TONGREN_PORT: String(at),
      TONGREN_DATA_DIR: join(folder, 'files'),
      TONGREN_SECRET: SECRET,
      TONGREN_SIGNER_SOCKET: socketPath,
      TONGREN_SIGNER_TOKEN: tokens[role],
      TONGREN_DEMO: 'false',
      TONGREN_LOG_LEVEL: 'error',
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let words = '';
  return new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        words += chunk.toString();
        if (words.includes('Ctrl-C')) done({ child, words: () => words });
      });
    }
    child.once('exit', () => fail(new Error(words)));
  });
}

const startSigner = () =>
  startSignerService({
    TONGREN_DATA_DIR: join(folder, 'signer'),
    TONGREN_SECRET: SIGNER_SECRET,
    TONGREN_SIGNER_SOCKET: socketPath,
    TONGREN_SIGNER_TOKENS: Object.keys(tokens)
      .map((caller) => `${caller}=${join(folder, `${caller}.token`)}`)
      .join(','),
  });

beforeAll(async () => {
  mkdirSync(join(folder, 'signer'), { mode: 0o700 });
  for (const [caller, token] of Object.entries(tokens)) writeFileSync(join(folder, `${caller}.token`), token, { mode: 0o600 });
  signer = await startSigner();
  await startRole('web');
  await startRole('worker');
  // The worker's first round of jobs.
  for (let left = 100; left > 0; left--) {
    if (signer.output().includes('"caller":"worker"') && (await db.auditEvent.count({ where: { kind: 'signer-log-noted' } })) > 0) break;
    await pause(200);
  }
}, 120_000);

afterAll(async () => {
  for (const child of running) {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGINT');
    await gone;
  }
  await signer.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('the service is ready, both roles were served under their own names, and the built-in policy refused nothing they need', async () => {
  expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200);
  expect(signer.output()).toMatch(/"event":"signed","caller":"web"/);
  expect(signer.output()).toMatch(/"event":"signed","caller":"worker"/);
  expect(signer.output().match(/.*"event":"(?:refused|limited|stranger)".*/g) ?? []).toEqual([]);
});

test('neither web nor worker has a key, a store of keys, or the secret that would open one', async () => {
  expect(existsSync(join(folder, 'files', 'keys'))).toBe(false);
  expect(existsSync(join(folder, 'files', 'signer-log'))).toBe(false);
  expect(readdirSync(join(folder, 'signer', 'keys')).filter((name) => name.endsWith('.key.json')).length).toBeGreaterThan(5);
  await expect(fileKeyStore({ folder: join(folder, 'signer', 'keys'), secret: SECRET })).rejects.toThrow(/not the one/);
  if (process.platform !== 'linux') return;
  for (const child of running) {
    expect(readFileSync(`/proc/${child.pid}/environ`, 'utf8')).not.toContain(SIGNER_SECRET);
    const open = spawnSync('ls', ['-l', `/proc/${child.pid}/fd`], { encoding: 'utf8' }).stdout;
    expect(open).not.toContain(join(folder, 'signer'));
  }
});

test('a process without the signer role opens no store of its own, even where key files lie in its folder', async () => {
  const config = readConfig({
    TONGREN_ROLES: 'web',
    TONGREN_DATA_DIR: join(folder, 'signer'),
    TONGREN_SECRET: SIGNER_SECRET,
    TONGREN_SIGNER_SOCKET: join(folder, 'nowhere.sock'),
    TONGREN_SIGNER_TOKEN: tokens.web,
  });
  const { keys } = await openKeys(config);
  await expect(keys.find('ca-root-p256')).rejects.toMatchObject({ code: 'signer-unavailable' });
});

test('folders and files of keys and log are for the signer’s user alone', () => {
  for (const name of ['keys', 'signer-log']) {
    const listed = spawnSync('find', [join(folder, 'signer', name), '-perm', '/077', '-not', '-name', 'tongren.pid'], { encoding: 'utf8' });
    expect(listed.stdout).toBe('');
  }
});

test('with the token of one, the acts of the other are refused; with none or a made-up one, everything', async () => {
  const as = (token: string) => remoteSigner({ socketPath, token });
  const anything = Buffer.from('anything');
  await expect(as(tokens.web).sign('audit-p256', 'audit-checkpoint', anything)).rejects.toMatchObject({
    code: 'signing-refused',
    detail: expect.stringContaining('policy'),
  });
  await expect(as(tokens.worker).sign('receipt-p256', 'receipt', anything)).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(as(tokens.web).sign('signer-log-p256', 'signer-log', anything)).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(as('a token that nobody was given, 32 characters').find('ca-root-p256')).rejects.toMatchObject({ code: 'not-allowed' });
  for (let left = 50; left > 0 && !signer.output().includes('"event":"stranger"'); left--) await pause(50);
  expect(signer.output()).toContain('"event":"stranger"');
});

/** The command, beside the web process: it knows the key of the heads from the trust folder. */
const verifyLog = (log: string, ...more: string[]) =>
  spawnSync(process.execPath, ['src/tongren.js', 'signer-log', 'verify', log, '--json', ...more], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], TONGREN_DATA_DIR: join(folder, 'files'), DATABASE_URL: databaseUrl },
  });

test('the log is whole by the heads in the audit trail; with its tail cut off, or a line changed, it is not', () => {
  const log = join(folder, 'signer', 'signer-log');
  const whole = verifyLog(log, '--noted');
  expect(JSON.parse(whole.stdout)).toMatchObject({ whole: true, faults: [] });
  expect(JSON.parse(whole.stdout).headsConfirmed).toBe(JSON.parse(whole.stdout).heads);
  expect(whole.status).toBe(0);
  const copy = join(folder, 'copy');
  mkdirSync(copy);
  const text = readFileSync(join(log, 'signer-000001.jsonl'), 'utf8');
  const lines = text.trimEnd().split('\n');
  writeFileSync(join(copy, 'signer-000001.jsonl'), `${lines.slice(0, 5).join('\n')}\n`);
  // By itself a shorter log looks whole: this is what the heads are for.
  expect(verifyLog(copy).status).toBe(0);
  const cut = verifyLog(copy, '--noted');
  expect(JSON.parse(cut.stdout)).toMatchObject({ whole: false, faults: [{ fault: 'missing-at-end' }] });
  expect(cut.status).toBe(1);
  writeFileSync(join(copy, 'signer-000001.jsonl'), text.replace('"caller":"web"', '"caller":"worker"'));
  expect(verifyLog(copy).status).toBe(1);
  expect(verifyLog(join(folder, 'nowhere.jsonl')).status).toBe(2);
  mkdirSync(join(folder, 'empty'));
  expect(verifyLog(join(folder, 'empty')).status).toBe(3);
});

test('a web process started while the signer is down serves what was signed before, and issues again when the signer is back', async () => {
  const crl = `/crl/ca-root-p256.crl`;
  await signer.stop('SIGKILL');
  const other = await freePort();
  const { words } = await startRole('web', other);
  expect(words()).toContain('The signing service does not answer.');
  expect((await fetch(`http://127.0.0.1:${other}${crl}`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${other}/verify`)).status).toBe(200);
  signer = await startSigner();
  for (let left = 120; left > 0 && !(await isReady(other)); left--) await pause(250);
  expect(await isReady(other)).toBe(true);
});

const isReady = async (at: number) => (await fetch(`http://127.0.0.1:${at}/health/ready`)).status === 200;
