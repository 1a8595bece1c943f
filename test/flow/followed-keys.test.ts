/** A running service follows what commands change in the database, without a restart: data keys, token keys, authorities of devices. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { type App, buildApp } from '#app.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { succeedAuthority } from '#certificates/hold-ceremony.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { readConfig } from '#config.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { SEALS_EVERYWHERE_MS, startResealing } from '#jobs/reseal-pass.ts';
import { replaceSigningKey } from '#oidc/signing-keys.ts';
import { requirePerson } from '#people/find-person.ts';
import { registerPerson } from '#people/register-person.ts';
import { toPem } from '#pki/pem.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { findResealing } from '#storage/find-resealing.ts';
import { DATA_KEY_LEAD_MS, openDataKeys } from '#storage/open-data-keys.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock(new Date().toISOString());
const folder = mkdtempSync(join(tmpdir(), 'tongren-followed-'));
const dataKeys = localDataKeys('a secret of this test alone, long enough');
const keys = guardedKeyStore(memoryKeyStore(), { clock });
const soon = { timeout: 20_000, interval: 50 };
let app: App;
/** Another process of the same installation. */
let buildWorker: () => Promise<App>;
let port: number;

beforeAll(async () => {
  const config = { ...readConfig({ TONGREN_DATA_DIR: folder, TONGREN_DEMO: 'off' }), roles: ['web'] as const };
  const ports = {
    ...{ clock, keys, dataKeys, files: fileSystemStore(join(folder, 'files')), ephemeral: inProcessStore() },
    sms: simulatedSmsGateway({ clock }),
    outbound: allowListedFetch({ hosts: [], allowLoopback: true }),
    registry: simulatedPopulationRegistry([]),
  };
  buildWorker = () => buildApp({ ...config, roles: ['worker'] }, ports, db, { logger: false, followEveryMs: 50 });
  const deps = { db, clock, keys, publicOrigin: config.origin };
  await initialiseAuthorities(deps);
  const pair = generateKeyPair('es256');
  const { chain } = await issueCertificate(deps, {
    ...({ profile: 'web-server', suite: 'es256', subject: { commonName: 'localhost' }, days: 30, by: 'system:test' } as const),
    spki: pair.spki,
    subjectAltNames: [{ dns: 'localhost' }],
  });
  const tls = { cert: chain.map(({ der }) => toPem('CERTIFICATE', der)).join(''), key: toPem('PRIVATE KEY', pair.pkcs8) };
  app = await buildApp(config, ports, db, { logger: false, tls, followEveryMs: 50 });
  await app.server?.listen({ port: 0, host: '127.0.0.1' });
  const address = app.server?.addresses()[0];
  port = typeof address === 'object' ? address.port : 0;
}, 60_000);
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a data key made by a command opens at once and seals after its lead', async () => {
  const { version } = await rotateDataKey({ db, clock, dataKeys }, 'system:test');
  const at = new Date(clock.now().getTime() + DATA_KEY_LEAD_MS);
  const sealed = fieldCipher(await openDataKeys(db, dataKeys, at)).seal('person.name:1', '张三');
  expect(sealed[0]).toBe(version);
  await vi.waitFor(() => expect(app.context.fields.openText('person.name:1', sealed)).toBe('张三'), soon);
  expect(app.context.fields.seal('person.name:1', '李四')[0]).toBe(1);
  clock.advance(DATA_KEY_LEAD_MS + 1_000);
  await vi.waitFor(() => expect(app.context.fields.seal('person.name:1', '李四')[0]).toBe(version), soon);
});

test('what older data keys sealed is sealed anew by the worker, and read by the web process that never stopped', async () => {
  const { fields } = app.context;
  const by = 'system:test';
  const { id } = await registerPerson({ db, clock, fields }, { name: '王换', phone: '13900010019', by });
  const { version } = await rotateDataKey({ db, clock, dataKeys }, by);
  await startResealing({ db, clock }, by);
  clock.advance(SEALS_EVERYWHERE_MS);
  const worker = await buildWorker();
  try {
    await vi.waitFor(async () => expect(await findResealing(db)).toMatchObject({ version, state: 'clean' }), {
      timeout: 50_000,
      interval: 200,
    });
  } finally {
    await worker.close();
  }
  expect((await db.person.findUniqueOrThrow({ where: { id } })).name?.[0]).toBe(version);
  expect((await requirePerson({ db, clock, fields }, id)).name).toBe('王换');
});

test('a token key that came into wrong hands leaves the published keys', async () => {
  const published = async () => {
    const reply = await app.server?.inject('/oidc/jwks');
    return reply?.json<{ keys: { kid: string }[] }>().keys.map(({ kid }) => kid) ?? [];
  };
  const before = await published();
  const { gone, kid } = await replaceSigningKey({ db, clock, fields: app.context.fields }, { alg: 'ES256', by: 'system:test' });
  expect(before).toContain(gone);
  await vi.waitFor(async () => expect(await published()).toEqual(expect.arrayContaining([kid])), soon);
  expect(await published()).not.toContain(gone);
});

test('devices are asked for certificates of a new authority', async () => {
  const deps = { db, clock, keys, publicOrigin: app.context.publicOrigin };
  const { before, after } = await succeedAuthority(deps, { area: 'devices', suite: 'es256', by: 'system:test' });
  const isNamed = (bytes: Buffer, authority: typeof after | undefined) =>
    bytes.includes(Buffer.from(authority?.certificate.subject.der ?? [0xff, 0xff, 0xff, 0xff]));
  expect(isNamed(await serverHello(), before)).toBe(true);
  await vi.waitFor(async () => expect(isNamed(await serverHello(), after)).toBe(true), soon);
});

/** What the server says before anything is encrypted: in TLS 1.2 the names of the authorities it asks for are among it. */
function serverHello(): Promise<Buffer> {
  return new Promise((done, fail) => {
    const said: Buffer[] = [];
    const between = createServer((near) => {
      const far = netConnect(port, '127.0.0.1');
      near.pipe(far);
      far.on('data', (bytes: Buffer) => void said.push(bytes)).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    });
    between.listen(0, '127.0.0.1', () => {
      const address = between.address();
      const place = { port: typeof address === 'object' ? (address?.port ?? 0) : 0, host: '127.0.0.1' };
      const socket = connect({ ...place, rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => socket.end());
      socket.on('error', fail).on('close', () => {
        between.close();
        done(Buffer.concat(said));
      });
    });
  });
}
