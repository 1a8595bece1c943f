/** What needs the keepers of the roots is said while there is time, in the log and in /metrics, and no longer than it is true. */
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { requireAuthority } from '#certificates/authorities.ts';
import { authorityWarnings, initialiseOfflineRoots, OFFLINE_ROOT_CRL_DAYS, publishRootCrl } from '#certificates/hold-ceremony.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { publishDueCrls } from '#certificates/publish-crls.ts';
import { generateRoots, withRoots } from '#certificates/root-vault.ts';
import { registerJobMetrics } from '#jobs/register-job-metrics.ts';
import { warnOfAuthoritiesJob } from '#jobs/warn-of-authorities.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testClock } from '../fakes/test-clock.ts';
import { testDatabase } from '../test-database.ts';

const DAY_MS = 86_400_000;
const { db } = await testDatabase();
const clock = testClock('2026-06-01T08:00:00.000Z');
const began = clock.now().getTime();
const roots = generateRoots();
const keys = memoryKeyStore();
const deps = { db, clock, keys, publicOrigin: 'https://trust.example.cn' };
const atCeremony = { ...deps, keys: withRoots(roots, keys) };
await initialiseOfflineRoots(atCeremony, {}, 'system:test');

const registry = new Registry();
registerJobMetrics(registry, deps, () => undefined);
const gauge = async () => (await registry.getSingleMetric('tongren_authority_warning_seconds')?.get())?.values ?? [];
const sayings = async () => {
  const said: string[] = [];
  await warnOfAuthoritiesJob(deps, (sentence) => said.push(sentence)).run();
  return said;
};
const atDay = async (day: number) => {
  clock.set(new Date(began + day * DAY_MS));
  await publishDueCrls(deps);
};

test('nothing is said while the lists of the offline roots hold for long', async () => {
  await atDay(OFFLINE_ROOT_CRL_DAYS - 61);
  expect(await sayings()).toEqual([]);
  expect(await gauge()).toEqual([]);
});

test('sixty days before the lists of the offline roots end it is said, with the days left, and the service leaves the lists alone', async () => {
  await atDay(OFFLINE_ROOT_CRL_DAYS - 60);
  const said = await sayings();
  expect(said).toHaveLength(2);
  for (const root of ['ca-root-p256', 'ca-root-sm2']) {
    expect(
      said.some((sentence) => sentence.includes(`${root} ends on`) && sentence.includes('ca root-crl') && sentence.includes('到期')),
    ).toBe(true);
    expect(await gauge()).toContainEqual({ labels: { key: root, what: 'crl-ends' }, value: 60 * 86_400 });
  }
  expect(await db.revocationList.count({ where: { issuerKey: 'ca-root-p256' } })).toBe(1);
});

test('a list that ended already counts below zero', async () => {
  await atDay(OFFLINE_ROOT_CRL_DAYS + 2);
  expect(await gauge()).toContainEqual({ labels: { key: 'ca-root-sm2', what: 'crl-ends' }, value: -2 * 86_400 });
});

test('the alarm of one root stops when its list was made anew; that of the other goes on', async () => {
  await publishRootCrl(atCeremony, await requireAuthority(deps, 'ca-root-p256'));
  expect((await gauge()).map(({ labels }) => labels['key'])).toEqual(['ca-root-sm2']);
  expect(await sayings()).toHaveLength(1);
  expect(await authorityWarnings(deps)).toMatchObject([{ keyName: 'ca-root-sm2', what: 'crl-ends' }]);
});

test('in production a root whose key lies in the key store is warned of; in development, or offline, it is not', async () => {
  const { db: city } = await testDatabase();
  const online = { ...deps, db: city };
  await initialiseAuthorities(online);
  const whatOf = async (production: boolean) =>
    (await authorityWarnings({ ...online, production })).filter(({ what }) => what === 'root-online').map(({ keyName }) => keyName);
  expect((await whatOf(true)).sort()).toEqual(['ca-root-p256', 'ca-root-sm2']);
  expect(await whatOf(false)).toEqual([]);
  expect((await authorityWarnings({ ...deps, production: true })).map(({ what }) => what)).not.toContain('root-online');
});
