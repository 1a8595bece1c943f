/** The blind-index key changes by command under two running services: people sign in and printed licences are looked up all the while. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { type App, buildApp } from '#app.ts';
import { protectIdentifyCode } from '#certificates/name-person.ts';
import { readConfig } from '#config.ts';
import { DEMO_PASSWORD, DEMO_PEOPLE } from '#demo/demo-people.ts';
import { openPublicToken } from '#licences/licence-content.ts';
import { pairwiseSubject } from '#oidc/pairwise-subject.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { DATA_KEY_LEAD_MS } from '#storage/open-data-keys.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db, address } = await testDatabase();
const clock = testClock(new Date().toISOString());
const folder = mkdtempSync(join(tmpdir(), 'tongren-index-key-'));
const secret = 'a secret of this test alone, long enough';
const program = fileURLToPath(new URL('../../src/tongren.js', import.meta.url));
const soon = { timeout: 30_000, interval: 50 };
const DAY = 86_400_000;
let apps: [App, App];
let token: string;

beforeAll(async () => {
  const config = readConfig({ TONGREN_DATA_DIR: folder });
  const ports = {
    ...{ clock, keys: guardedKeyStore(memoryKeyStore(), { clock }), dataKeys: localDataKeys(secret) },
    ...{ files: fileSystemStore(join(folder, 'files')), ephemeral: inProcessStore(), sms: simulatedSmsGateway({ clock }) },
    outbound: allowListedFetch({ hosts: [], allowLoopback: true }),
    registry: simulatedPopulationRegistry([]),
  };
  const options = { logger: false, followEveryMs: 50 } as const;
  const worker = await buildApp({ ...config, roles: ['web', 'worker'] }, ports, db, options);
  const beside = await buildApp({ ...config, roles: ['web'], demo: false }, ports, db, options);
  apps = [worker, beside];
  const licence = await db.licence.findFirstOrThrow({ where: { status: 'in-force' } });
  token = openPublicToken(worker.context.fields, licence);
}, 120_000);
afterAll(async () => {
  for (const app of apps ?? []) await app.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A command in a process of its own. */
async function tongren(...parts: string[]): Promise<string> {
  const url =
    'url' in address
      ? address.url
      : `postgresql://${address.user}@localhost/${address.database}?host=${address.socketFolder}&port=${address.port}`;
  const env = {
    ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], TONGREN_DATA_DIR: join(folder, 'command') },
    ...{ DATABASE_URL: url, TONGREN_SECRET: secret },
  };
  const child = spawn(process.execPath, [program, ...parts], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (words += data.toString('utf8')));
  const exit = await new Promise((done) => child.on('close', done));
  expect(exit, words).toBe(0);
  return words;
}

async function signInStatus(app: App, login: string): Promise<number> {
  const server = app.server;
  if (!server) throw new Error('no server');
  const page = await server.inject({ url: '/login', headers: { accept: 'text/html' } });
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const cookies = Object.fromEntries(page.cookies.map(({ name, value }) => [name, value]));
  const reply = await server.inject({
    ...{ method: 'POST', url: '/login', cookies, payload: new URLSearchParams({ csrf, login, password: DEMO_PASSWORD }).toString() },
    headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
  });
  return reply.statusCode;
}

const [citizen, other] = DEMO_PEOPLE.filter(({ phone }) => phone);

/** By phone and by number, at both services; and the printed address. */
async function expectEverythingFound(): Promise<void> {
  for (const app of apps) {
    expect(await signInStatus(app, citizen?.phone ?? '')).toBe(303);
    expect(await signInStatus(app, other?.citizenNumber ?? '')).toBe(303);
    expect((await app.server?.inject({ url: `/v/${token}`, headers: { accept: 'text/html' } }))?.statusCode).toBe(200);
  }
}

const lasting = () =>
  apps.map(({ context: { fields } }) => [
    pairwiseSubject(fields, 'https://app.example', 'a person'),
    protectIdentifyCode(fields, citizen?.citizenNumber ?? '', 'hashed'),
  ]);
const counting = (...versions: number[]) =>
  vi.waitFor(() => expect(apps.map(({ context }) => context.fields.indexVersions)).toEqual([versions, versions]), soon);

/** The worker's next turn, and what it comes to. */
async function worked(check: () => Promise<void>): Promise<void> {
  await vi.waitFor(async () => {
    apps[0].jobs?.wake('change-index-key');
    await check();
  }, soon);
}

test('found before, at every step and after; subjects and hashed numbers stay', { timeout: 240_000 }, async () => {
  const before = lasting();
  await expectEverythingFound();
  expect(await tongren('keys', 'rotate', 'index')).toContain('after: index-2');
  // The command's clock is the real one; these services have theirs, which stood still.
  clock.set(new Date());
  await counting(1, 2);
  await expectEverythingFound();
  clock.advance(DATA_KEY_LEAD_MS);
  await counting(2, 1);
  await expectEverythingFound();
  expect(await signInStatus(apps[1], '13900009999')).not.toBe(303);

  clock.advance(60_000);
  await worked(async () => expect(await db.blindIndexPass.count({ where: { cleanAt: { not: null } } })).toBe(2));
  await expectEverythingFound();
  expect(lasting()).toEqual(before);
  // Nothing is written any more to rows that are done: a second look changes nothing.
  const rows = () => db.person.findMany({ select: { id: true, phoneIndex: true, citizenNumberIndex: true }, orderBy: { id: 'asc' } });
  const done = await rows();
  apps[0].jobs?.wake('change-index-key');
  expect(await rows()).toEqual(done);

  clock.advance(DAY);
  await worked(async () => expect(await db.dataKey.count({ where: { purpose: 'index', retiredAt: { not: null } } })).toBe(1));
  await counting(2);
  await expectEverythingFound();
  clock.advance(DATA_KEY_LEAD_MS);
  await worked(async () => expect(await db.dataKey.count({ where: { purpose: 'index', erasedAt: { not: null } } })).toBe(1));
  await expectEverythingFound();
  expect(lasting()).toEqual(before);

  const listed = await tongren('keys', 'list');
  expect(listed).toMatch(/index +index-1 +hmac-256 destroyed/);
  expect(listed).toMatch(/identifier +identifier-1 +hmac-256 current/);
  const metrics = await apps[0].context.metrics?.metrics();
  expect(metrics).toContain('tongren_index_key_versions 1');
  expect(metrics).toMatch(/tongren_index_key_rows\{target="person",state="moved"\} [1-9]/);
});
