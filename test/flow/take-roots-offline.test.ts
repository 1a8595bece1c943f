/** Roots that were online go offline, by the command itself: nothing is destroyed that did not come back first, and then nothing stays. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FileKeyStore, fileKeyStore, readRootKey } from '#adapters/file-keys.ts';
import { systemClock } from '#adapters/system-clock.ts';
import { listAuthorities } from '#certificates/authorities.ts';
import { findCrl } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { readConfig } from '#config.ts';
import { importPublicKey, verifyMessage } from '#crypto/suite.ts';
import { parseCrl } from '#pki/crl.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import type { DatabaseAddress } from '#storage/database.ts';
import { testDatabase } from '#test/test-database.ts';

const { db, address } = await testDatabase();
const home = mkdtempSync(join(tmpdir(), 'tongren-take-offline-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const data = join(home, 'data');
const place = { folder: join(data, 'keys'), secret: readConfig({ TONGREN_DATA_DIR: data }).secret };
const program = fileURLToPath(new URL('../../src/tongren.js', import.meta.url));
const NAMES = ['ca-root-p256', 'ca-root-sm2'];
/** Open all the time, as in a running service. */
let running: FileKeyStore;

function urlOf(where: DatabaseAddress): string {
  if ('url' in where) return where.url;
  return `postgresql://${where.user}@localhost/${where.database}?host=${encodeURIComponent(where.socketFolder)}&port=${where.port}`;
}

function ca(args: string[], more: Record<string, string> = {}): Promise<{ exit: number | null; words: string }> {
  const env = { PATH: process.env['PATH'], HOME: home, TONGREN_DATA_DIR: data, DATABASE_URL: urlOf(address), ...more };
  const child = spawn(process.execPath, [program, 'ca', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (words += chunk.toString('utf8')));
  return new Promise((done) => child.on('close', (exit) => done({ exit, words })));
}

const states = async () =>
  Object.fromEntries((await listAuthorities({ db })).filter(({ area }) => area === 'root').map(({ keyName, state }) => [keyName, state]));
const access = (folder: string, count: number) => [
  ...NAMES.flatMap((name) => ['--root', join(folder, `${name}.key.json`)]),
  ...readdirSync(folder)
    .filter((name) => name.startsWith('share-'))
    .slice(0, count)
    .flatMap((name) => ['--share', join(folder, name)]),
];
const sharing = (folder: string) => ['--out', join(home, folder), '--shares', '3', '--threshold', '2', '--participant', '张三'];
const message = Buffer.from('to be signed');

beforeAll(async () => {
  running = await fileKeyStore(place);
  await initialiseAuthorities({
    ...{ db, clock: systemClock, publicOrigin: 'https://id.example' },
    keys: guardedKeyStore(running, { clock: systemClock }),
  });
}, 60_000);

describe('roots in the key store', { timeout: 60_000 }, () => {
  test('only keys of roots can be read out, and only with the secret', async () => {
    await expect(readRootKey(place, 'ca-persons-p256')).rejects.toMatchObject({ code: 'signing-refused' });
    await expect(readRootKey({ ...place, secret: 'another secret, long enough to be one' }, 'ca-root-p256')).rejects.toThrow('secret');
    await expect(readRootKey({ ...place, folder: join(home, 'elsewhere') }, 'ca-root-p256')).rejects.toThrow('no folder of keys');
    expect(await readRootKey(place, 'ca-root-none')).toBeUndefined();
  });

  test('a signer of its own must be named with both folder and secret', async () => {
    const { exit, words } = await ca(['take-offline', ...sharing('half'), '--key-folder', place.folder]);
    expect([exit, words]).toEqual([3, expect.stringContaining('--key-secret')]);
    expect(await states()).toEqual({ 'ca-root-p256': 'current', 'ca-root-sm2': 'current' });
  });

  test('a try that breaks off in the middle destroys nothing', async () => {
    await db.$executeRaw`CREATE FUNCTION power_cut() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''power cut''; END'`;
    await db.$executeRaw`
      CREATE TRIGGER power_cut BEFORE INSERT ON revocation_list FOR EACH ROW WHEN (NEW.issuer_key = 'ca-root-sm2') EXECUTE FUNCTION power_cut()`;
    const { exit, words } = await ca(['take-offline', ...sharing('cut-off')]);
    await db.$executeRaw`DROP TRIGGER power_cut ON revocation_list`;
    expect([exit, words]).toEqual([1, expect.stringContaining('power cut')]);
    for (const name of NAMES) {
      expect(existsSync(join(place.folder, `${name}.key.json`)), name).toBe(true);
      await running.sign(name, 'crl', message);
    }
  });

  test('become files and shares that restore them, and leave the store of a running service too', async () => {
    const secretFile = join(home, 'signer-secret.txt');
    writeFileSync(secretFile, `${place.secret}\n`);
    const { exit, words } = await ca(['take-offline', ...sharing('kept'), '--key-folder', place.folder, '--key-secret', secretFile]);
    expect(exit, words).toBe(0);
    expect(words).toContain('backups');
    expect(await states()).toEqual({ 'ca-root-p256': 'offline', 'ca-root-sm2': 'offline' });
    expect(await db.auditEvent.count({ where: { kind: 'root-taken-offline' } })).toBe(2);
    const restarted = await fileKeyStore(place);
    for (const name of NAMES) {
      expect(existsSync(join(place.folder, `${name}.key.json`)), name).toBe(false);
      await expect(restarted.sign(name, 'crl', message)).rejects.toMatchObject({ code: 'key-retired' });
      await vi.waitFor(() => expect(running.sign(name, 'crl', message)).rejects.toMatchObject({ code: 'key-retired' }), {
        timeout: 10_000,
      });
      await expect(restarted.create(name, 'es256', ['certificate', 'crl'])).rejects.toMatchObject({ code: 'key-exists' });
      expect((await restarted.find(name))?.retired).toBe(true);
    }
    const transcript = JSON.parse(readFileSync(join(home, 'kept', 'transcript.json'), 'utf8')) as { act: string; authorities: object[] };
    expect(transcript).toMatchObject({ act: 'take-offline', participants: ['张三'], threshold: 2 });
    expect(transcript.authorities).toHaveLength(2);
    for (const { keyName, certificate } of (await listAuthorities({ db })).filter(({ area }) => area === 'root')) {
      const list = await findCrl({ db }, keyName);
      expect((list?.nextUpdate.getTime() ?? 0) - Date.now()).toBeGreaterThan(390 * 86_400_000);
      const { tbs, signature } = parseCrl(list?.der ?? new Uint8Array());
      expect(verifyMessage(importPublicKey(certificate.spki), tbs, signature)).toBe(true);
    }
    const restored = await ca(['restore-test', ...access(join(home, 'kept'), 2)]);
    expect(restored.exit, restored.words).toBe(0);
    expect((await ca(['restore-test', ...access(join(home, 'kept'), 1)])).exit).toBe(1);
  });

  test('afterwards a successor and the roots’ lists need the shares, and a second time finds nothing to take', async () => {
    const seals = async () => (await listAuthorities({ db })).filter(({ area, suite }) => area === 'seals' && suite === 'es256');
    const before = await seals();
    const without = await ca(['rotate', '--area', 'seals', '--suite', 'es256']);
    expect([without.exit, without.words]).toEqual([1, expect.stringContaining('--share')]);
    expect((await ca(['root-crl'])).words).toContain('--share');
    expect(await seals()).toEqual(before);
    const done = await ca(['rotate', '--area', 'seals', '--suite', 'es256', ...access(join(home, 'kept'), 2)]);
    expect(done.exit, done.words).toBe(0);
    expect((await seals()).map(({ keyName, state }) => `${keyName} ${state}`)).toEqual([
      'ca-seals-p256-2 current',
      'ca-seals-p256 retired',
    ]);
    const again = await ca(['take-offline', ...sharing('again')]);
    expect([again.exit, again.words]).toEqual([1, expect.stringContaining('offline already')]);
    expect(existsSync(join(home, 'again'))).toBe(false);
  });
});

test('in production no ceremony is held without the public origin, whatever the roles', { timeout: 60_000 }, async () => {
  const secret = join(home, 'secret.txt');
  writeFileSync(secret, 'a secret of this test alone, long enough');
  for (const roles of ['web', 'signer']) {
    const more = { NODE_ENV: 'production', TONGREN_ROLES: roles, TONGREN_SECRET_FILE: secret, TONGREN_DATA_DIR: join(home, 'production') };
    const { exit, words } = await ca(['init', ...sharing(`origin-${roles}`)], more);
    expect([exit, words]).toEqual([1, expect.stringContaining('TONGREN_ORIGIN')]);
    expect(existsSync(join(home, `origin-${roles}`))).toBe(false);
  }
});
