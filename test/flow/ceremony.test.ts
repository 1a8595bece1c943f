/** The key ceremony and the drills around it, by the command itself in processes of their own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { listAuthorities } from '#certificates/authorities.ts';
import { findCrl } from '#certificates/find-crl.ts';
import { parseCrl } from '#pki/crl.ts';
import type { DatabaseAddress } from '#storage/database.ts';
import { testDatabase } from '#test/test-database.ts';

const { db, address } = await testDatabase();
const other = await testDatabase();
const folder = mkdtempSync(join(tmpdir(), 'tongren-ceremony-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const program = fileURLToPath(new URL('../../src/tongren.js', import.meta.url));
const out = join(folder, 'out');

function urlOf(address: DatabaseAddress): string {
  if ('url' in address) return address.url;
  const { user, database, socketFolder, port } = address;
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(socketFolder)}&port=${port}`;
}

const tongren = (...args: string[]) => tongrenAt({ data: 'data', at: address }, args);

function tongrenAt({ data, at }: { data: string; at: DatabaseAddress }, args: string[]): Promise<{ exit: number | null; words: string }> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], TONGREN_DATA_DIR: join(folder, data), DATABASE_URL: urlOf(at) };
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (words += data.toString('utf8')));
  return new Promise((done) => child.on('close', (exit) => done({ exit, words })));
}

const shares = (count: number, from = out) =>
  readdirSync(from)
    .filter((name) => name.startsWith('share-'))
    .slice(0, count)
    .flatMap((name) => ['--share', join(from, name)]);
const roots = (from = out) => ['sm2', 'p256'].flatMap((label) => ['--root', join(from, `ca-root-${label}.key.json`)]);
const current = async (area: string) =>
  (await listAuthorities({ db }))
    .filter((one) => one.area === area && one.suite === 'es256' && one.state === 'current')
    .map(({ keyName }) => keyName);

describe('a ceremony', { timeout: 240_000 }, () => {
  test('makes offline roots, an authority for each area, shares and a transcript; a second one is refused', async () => {
    const init = ['ca', 'init', '--out', out, '--shares', '5', '--threshold', '3', '--organisation', '示范省', '--participant', '张三'];
    const { exit, words } = await tongren(...init);
    expect(exit, words).toBe(0);
    const authorities = await listAuthorities({ db });
    expect(
      authorities
        .filter(({ state }) => state === 'offline')
        .map(({ keyName }) => keyName)
        .sort(),
    ).toEqual(['ca-root-p256', 'ca-root-sm2']);
    expect(authorities).toHaveLength(12);
    const transcript = JSON.parse(readFileSync(join(out, 'transcript.json'), 'utf8')) as {
      authorities: { fingerprint: string }[];
      participants: string[];
    };
    expect(transcript.authorities.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      authorities.map(({ certificate }) => certificate.fingerprint).sort(),
    );
    expect(transcript.participants).toEqual(['张三']);
    for (const name of readdirSync(out).filter((one) => !one.startsWith('transcript')))
      expect(statSync(join(out, name)).mode & 0o077).toBe(0);
    expect(readdirSync(join(folder, 'data', 'keys')).filter((name) => name.includes('root'))).toEqual([]);
    const list = await findCrl({ db }, 'ca-root-p256');
    expect((list?.nextUpdate.getTime() ?? 0) - Date.now()).toBeGreaterThan(390 * 86_400_000);
    expect((await tongren(...init)).exit).toBe(1);
  });

  test('restores the roots from three shares; not from two, a mistyped one, or another set’s', async () => {
    const good = await tongren('ca', 'restore-test', ...roots(), ...shares(3));
    expect(good.exit, good.words).toBe(0);
    expect((await tongren('ca', 'restore-test', ...roots(), ...shares(2))).words).toContain('3 shares are needed');
    const [name = ''] = readdirSync(out).filter((one) => one.startsWith('share-'));
    const wrong = join(folder, 'wrong.txt');
    writeFileSync(
      wrong,
      readFileSync(join(out, name), 'utf8').replace(
        /(TRS1-\w+-\d-\d-)(.)/,
        (_all, head: string, first: string) => head + (first === 'A' ? 'B' : 'A'),
      ),
    );
    const mistyped = await tongren('ca', 'restore-test', ...roots(), ...shares(3).slice(2), '--share', wrong);
    expect([mistyped.exit, mistyped.words]).toEqual([1, expect.stringContaining('typing error')]);
  });

  test('a successor needs the shares; without them the area goes on issuing as before', async () => {
    const before = await current('seals');
    const refused = await tongren('ca', 'rotate', '--area', 'seals', '--suite', 'es256');
    expect([refused.exit, refused.words]).toEqual([1, expect.stringContaining('--share')]);
    expect(await current('seals')).toEqual(before);
    const done = await tongren('ca', 'rotate', '--area', 'seals', '--suite', 'es256', ...roots(), ...shares(3));
    expect(done.exit, done.words).toBe(0);
    expect(await current('seals')).toEqual(['ca-seals-p256-2']);
  });

  test('an authority is revoked in the root’s list, and the lists of the roots are renewed', async () => {
    const number = (await findCrl({ db }, 'ca-root-p256'))?.number ?? 0n;
    const revoked = await tongren('ca', 'revoke', 'ca-devices-p256', ...roots(), ...shares(3));
    expect(revoked.exit, revoked.words).toBe(0);
    const list = await findCrl({ db }, 'ca-root-p256');
    expect(list?.number).toBeGreaterThan(number);
    expect(list && parseCrl(list.der).count).toBe(1);
    expect(await current('devices')).toEqual([]);
    const unknown = await tongren('ca', 'revoke', 'ca-nobody-p256', ...roots(), ...shares(3));
    expect([unknown.exit, unknown.words.includes('No authority is called ca-nobody-p256')]).toEqual([1, true]);
    expect((await tongren('ca', 'root-crl', ...roots(), ...shares(3))).exit).toBe(0);
  });

  test('new shares open new files, and the old shares do not', async () => {
    const again = join(folder, 'again');
    const made = await tongren('ca', 'reshare', '--out', again, '--shares', '3', '--threshold', '2', ...roots(), ...shares(3));
    expect(made.exit, made.words).toBe(0);
    expect((await tongren('ca', 'restore-test', ...roots(again), ...shares(2, again))).exit).toBe(0);
    expect((await tongren('ca', 'restore-test', ...roots(again), ...shares(3))).exit).toBe(1);
  });

  test('keys are listed, and one is succeeded by the command', async () => {
    const done = await tongren('keys', 'rotate', 'audit', '--json');
    expect(JSON.parse(done.words)).toMatchObject({ before: 'audit-p256', after: 'audit-p256-2' });
    const { words } = await tongren('keys', 'list', '--json');
    const listed = JSON.parse(words) as { kind: string; name: string; state: string }[];
    expect(listed).toContainEqual(expect.objectContaining({ kind: 'audit', name: 'audit-p256-2', state: 'current' }));
    expect(listed).toContainEqual(expect.objectContaining({ kind: 'authority', name: 'ca-root-sm2', state: 'offline' }));
  });

  test('the list tells what a key may sign, since when and until when', async () => {
    const rotate = async (...args: string[]) => JSON.parse((await tongren('keys', 'rotate', ...args, '--json')).words) as { from?: string };
    const [{ from: audit }, , { from: code }] = [await rotate('audit'), await rotate('code'), await rotate('code')];
    await rotate('token', '--alg', 'RS256');
    await rotate('trust-list');
    expect(await db.trustEdition.count()).toBe(1);
    const listed = JSON.parse((await tongren('keys', 'list', '--json')).words) as { kind: string; name: string; suite: string }[];
    const find = (name: string) => listed.find((one) => one.name === name);
    expect(find('audit-p256-2')).toMatchObject({ state: 'retired', purposes: ['audit-checkpoint'], usedUntil: audit });
    expect(find('audit-p256-3')).toMatchObject({ state: 'current', since: audit });
    expect(find('audit-p256-3')).not.toHaveProperty('usedUntil');
    expect(find('code-p256-1')).toMatchObject({ state: 'current', purposes: ['code'], usedUntil: code });
    expect(find('code-p256-2')).toMatchObject({ state: 'next', since: code });
    expect(find('ca-seals-p256')).toMatchObject({
      state: 'retired',
      purposes: ['certificate', 'crl'],
      usedUntil: expect.any(String),
      certifiedUntil: expect.any(String),
    });
    expect(listed.filter(({ kind }) => kind === 'token')).toMatchObject([{ suite: 'RS256', state: 'next', purposes: ['id-token'] }]);
    const { words } = await tongren('keys', 'list');
    expect(words).toContain(`next         ${code?.slice(0, 10)} –`);
    expect(words).toContain(` – ${code?.slice(0, 10)}`);
  });
});

test('a ceremony that was cut off goes on with the files and shares it left, and with nothing else', { timeout: 240_000 }, async () => {
  const [first, second] = [join(folder, 'cut-off'), join(folder, 'goes-on')];
  const run = (...args: string[]) => tongrenAt({ data: 'data-2', at: other.address }, ['ca', 'init', ...args]);
  const words = ['--shares', '3', '--threshold', '2', '--organisation', '示范省'];
  await other.db.$executeRaw`
    CREATE FUNCTION power_cut() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''power cut''; END'`;
  await other.db.$executeRaw`
    CREATE TRIGGER power_cut BEFORE INSERT ON certificate_authority FOR EACH ROW WHEN (NEW.key_name = 'ca-seals-sm2') EXECUTE FUNCTION power_cut()`;
  expect((await run('--out', first, ...words)).exit).toBe(1);
  await other.db.$executeRaw`DROP TRIGGER power_cut ON certificate_authority`;
  const without = await run('--out', second, ...words);
  expect([without.exit, without.words]).toEqual([1, expect.stringContaining('cut off')]);
  const tooFew = await run('--out', second, ...roots(first), ...shares(1, first));
  expect(tooFew.exit).toBe(1);
  const resumed = await run('--out', second, '--organisation', '示范省', ...roots(first), ...shares(2, first));
  expect(resumed.exit, resumed.words).toBe(0);
  expect(await listAuthorities(other)).toHaveLength(12);
  const transcript = JSON.parse(readFileSync(join(second, 'transcript.json'), 'utf8')) as { files: { name: string; sha256: string }[] };
  expect(transcript.files.map(({ name }) => name).sort()).toEqual(['ca-root-p256.key.json', 'ca-root-sm2.key.json']);
  expect((await run('--out', join(folder, 'third'), ...words)).words).toContain('has a root already');
});
