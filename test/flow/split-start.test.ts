/** Web, worker and signer as three processes, as in production: each has its own token, and only the signer can reach a key. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { readConfig } from '#config.ts';
import { openKeys } from '#edge/open-keys.ts';
import { parsePem, toPem } from '#pki/pem.ts';
import { noteLogHead } from '#signer/note-log-head.ts';
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
const tokens = {
  web: 'the token of the web process, 32+ characters',
  worker: 'the token of the worker process, 32+ chars',
  operator: 'the token of the command line of the operator, 32+ chars',
};
const databaseUrl =
  'url' in address
    ? address.url
    : `postgresql://${address.user}@localhost/${address.database}?host=${encodeURIComponent(address.socketFolder)}&port=${address.port}`;
const port = await freePort();
let signer: SignerService;
const running: ChildProcess[] = [];

const settingsOf = (role: 'web' | 'worker', caller: keyof typeof tokens = role) => ({
  PATH: process.env['PATH'],
  TONGREN_ROLES: role,
  TONGREN_DATA_DIR: join(folder, 'files'),
  TONGREN_SECRET: SECRET,
  TONGREN_SIGNER_SOCKET: socketPath,
  TONGREN_SIGNER_TOKEN: tokens[caller],
  TONGREN_DEMO: 'false',
  TONGREN_LOG_LEVEL: 'error',
  DATABASE_URL: databaseUrl,
});

function startRole(role: 'web' | 'worker', at = port): Promise<{ child: ChildProcess; words: () => string }> {
  const child = spawn(process.execPath, [START], {
    env: { ...settingsOf(role), TONGREN_PORT: String(at) },
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

describe('the key of the signer’s log in the drill', () => {
  const log = join(folder, 'signer', 'signer-log');
  const pin = join(folder, 'files', 'trust', 'signer-log-key.pem');
  const pinned = () => parsePem(readFileSync(pin, 'utf8'), 'PUBLIC KEY');
  const own = () => parsePem(readFileSync(join(log, 'head-key.pem'), 'utf8'), 'PUBLIC KEY');
  /** A command beside the worker. */
  const tongren = (caller: keyof typeof tokens, ...words: string[]) =>
    spawnSync(process.execPath, ['src/tongren.js', ...words], { encoding: 'utf8', env: settingsOf('worker', caller), timeout: 60_000 });
  const events = (kind: string) => db.auditEvent.findMany({ where: { kind }, orderBy: { at: 'asc' } });
  /** As the worker's job does every five minutes. */
  const note = () => noteLogHead({ db, clock: { now: () => new Date() }, keys: remoteSigner({ socketPath, token: tokens.worker }) });
  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let left = 300; left > 0 && !(await isSo()); left--) await pause(250);
    expect(await isSo()).toBe(true);
  }

  test('neither web nor worker changes it', () => {
    for (const caller of ['web', 'worker'] as const) {
      const refused = tongren(caller, 'keys', 'rotate', 'signer-log');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain('[signing-refused]');
    }
    expect(own()).toHaveLength(1);
  });

  test('the operator does; the worker follows without a restart, and the log over both keys is whole', async () => {
    const done = tongren('operator', 'keys', 'rotate', 'signer-log', '--json');
    expect(done.stderr).toBe('');
    expect(JSON.parse(done.stdout)).toMatchObject({ before: 'signer-log-p256', after: 'signer-log-p256-2' });
    const again = tongren('operator', 'keys', 'rotate', 'signer-log', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ after: 'signer-log-p256-2', already: expect.any(String) });
    await until(() => pinned().length === 2);
    expect(pinned()).toEqual(own());
    expect((await events('signer-log-key-followed')).map(({ detail }) => detail)).toMatchObject([{ name: 'signer-log-p256-2' }]);
    expect((await events('key-succeeded')).map(({ subject }) => subject)).toEqual(['key:signer-log-p256-2']);
    await note();
    const whole = verifyLog(log, '--noted');
    expect(JSON.parse(whole.stdout)).toMatchObject({ whole: true, keysConfirmed: 1 });
    // Whoever kept the first key alone gets as far with the links.
    const [first] = own();
    writeFileSync(join(folder, 'first.pem'), toPem('PUBLIC KEY', first ?? new Uint8Array()));
    const links = ['--endorsements', join(log, 'head-keys.jws')];
    expect(verifyLog(log, '--noted', '--key', join(folder, 'first.pem'), ...links).status).toBe(0);
    const without = verifyLog(log, '--noted', '--key', join(folder, 'first.pem'));
    expect(without.status).toBe(2);
    expect(without.stderr).toMatch(/not signed by this key.*签名记录无效/);
    const listed = JSON.parse(tongren('operator', 'keys', 'list', '--json').stdout) as { kind: string; name: string; state: string }[];
    expect(listed.filter(({ kind }) => kind === 'signer-log')).toMatchObject([
      { name: 'signer-log-p256', state: 'retired', usedUntil: expect.any(String) },
      { name: 'signer-log-p256-2', state: 'current', since: expect.any(String) },
    ]);
  });

  test('in wrong hands: nobody believes the next key until an operator says so', async () => {
    // The first answer is lost on its way to the command.
    await remoteSigner({ socketPath, token: tokens.operator }).rotateLogKey({ compromised: true });
    const done = tongren('operator', 'keys', 'rotate', 'signer-log', '--compromised', '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ after: 'signer-log-p256-3', follow: expect.stringContaining('signer-log trust') });
    expect(existsSync(join(folder, 'signer', 'keys', 'signer-log-p256-2.key.json'))).toBe(false);
    expect(await events('key-compromised')).toHaveLength(1);
    await until(async () => (await events('signer-log-key-refused')).length > 0);
    expect((await events('signer-log-key-refused')).map(({ detail }) => detail)).toMatchObject([{ why: 'unendorsed' }]);
    expect(pinned()).toHaveLength(2);
    const [first, second, third] = own().map((spki, index) => {
      const file = join(folder, `key-${index + 1}.pem`);
      writeFileSync(file, toPem('PUBLIC KEY', spki));
      return file;
    });
    for (const [file = '', words] of [
      [first, /succeeded before/],
      [second, /signs with another key|succeeded before/],
      [join(folder, 'nowhere.pem'), /ENOENT/],
    ] as const) {
      const refused = tongren('operator', 'signer-log', 'trust', '--key', file);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(words);
    }
    expect(pinned()).toHaveLength(2);
    const trusted = tongren('operator', 'signer-log', 'trust', '--key', third ?? '', '--json');
    expect(trusted.stderr).toBe('');
    expect(pinned()).toEqual(own());
    expect(await events('signer-log-key-trusted')).toHaveLength(1);
    await note();
    const whole = verifyLog(log, '--noted');
    expect(JSON.parse(whole.stdout)).toMatchObject({ whole: true, keysConfirmed: 2, faults: [] });
    expect(signer.output()).toContain('"event":"key-retired"');
  });
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
