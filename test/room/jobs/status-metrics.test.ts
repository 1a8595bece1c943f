/** What /metrics tells of lists, OCSP answers and the clock, while all is well and when it is not. */
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { publishDelta, publishDueCrls } from '#certificates/publish-crls.ts';
import { refreshOcspAnswers } from '#certificates/refresh-ocsp.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { registerStatusMetrics } from '#jobs/register-status-metrics.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const deps = { db, clock, keys: memoryKeyStore(), publicOrigin: 'https://id.example.cn' };
await initialiseAuthorities(deps);
const registry = new Registry();
registerStatusMetrics(registry, deps);
const HOUR_MS = 3_600_000;

/** As a scraper sees it: name and labels before the value. */
async function scrape(): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}
const of = (name: string, key: string, scope: string) => `${name}{key="${key}",scope="${scope}"}`;

test('each authority’s lists are told with age, time left and entries; a root has no delta', async () => {
  clock.advance(90_000);
  const seen = await scrape();
  expect(seen.get(of('tongren_crl_age_seconds', 'ca-persons-p256', 'complete'))).toBe(90);
  expect(seen.get(of('tongren_crl_remaining_seconds', 'ca-persons-p256', 'complete'))).toBe(7 * 86_400 - 90);
  expect(seen.get(of('tongren_crl_remaining_seconds', 'ca-persons-sm2', 'delta'))).toBe(86_400 - 90);
  expect(seen.get(of('tongren_crl_remaining_seconds', 'ca-root-p256', 'complete'))).toBe(30 * 86_400 - 90);
  expect(seen.has(of('tongren_crl_age_seconds', 'ca-root-p256', 'delta'))).toBe(false);
  expect(seen.get(of('tongren_crl_entries', 'ca-persons-p256', 'complete'))).toBe(0);
});

test('a revocation makes the list young again and one longer, and others stay as they were', async () => {
  const input = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, days: 300, by: 'system:test' } as const;
  const { certificate } = await issueCertificate(deps, { ...input, spki: generateKeyPair('es256').spki });
  await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' });
  const seen = await scrape();
  expect(seen.get(of('tongren_crl_age_seconds', 'ca-persons-p256', 'complete'))).toBe(0);
  expect(seen.get(of('tongren_crl_entries', 'ca-persons-p256', 'complete'))).toBe(1);
  expect(seen.get(of('tongren_crl_age_seconds', 'ca-persons-sm2', 'complete'))).toBe(90);
});

test('a delta alone does not make the complete list young; a list that ended counts below zero', async () => {
  clock.advance(10_000);
  await publishDelta(deps, 'ca-persons-p256');
  const seen = await scrape();
  expect(seen.get(of('tongren_crl_age_seconds', 'ca-persons-p256', 'delta'))).toBe(0);
  expect(seen.get(of('tongren_crl_age_seconds', 'ca-persons-p256', 'complete'))).toBe(10);
  clock.advance(8 * 24 * HOUR_MS);
  expect((await scrape()).get(of('tongren_crl_remaining_seconds', 'ca-persons-p256', 'complete'))).toBeLessThan(0);
  await publishDueCrls(deps);
  expect((await scrape()).get(of('tongren_crl_remaining_seconds', 'ca-persons-p256', 'complete'))).toBe(7 * 86_400);
});

test('answers that nobody made anew are told before they end and after; those of expired certificates are not', async () => {
  const input = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, by: 'system:test' } as const;
  await issueCertificate(deps, { ...input, days: 2, spki: generateKeyPair('es256').spki });
  await issueCertificate(deps, { ...input, days: 300, spki: generateKeyPair('es256').spki });
  while ((await refreshOcspAnswers(deps)) > 0);
  const states = async () => {
    const seen = await scrape();
    return ['ending', 'ended'].map((state) => seen.get(`tongren_ocsp_answers{state="${state}"}`) ?? Number.NaN);
  };
  const good = await db.ocspAnswer.count();
  expect(await states()).toEqual([0, 0]);
  clock.advance(47 * HOUR_MS);
  expect(await states()).toEqual([0, 0]);
  clock.advance(2 * HOUR_MS);
  const living = await db.issuedCertificate.findMany({ where: { notAfter: { gt: clock.now() } }, select: { serialHex: true } });
  const answers = await db.ocspAnswer.count({ where: { serialHex: { in: living.map(({ serialHex }) => serialHex) } } });
  expect(answers).toBeLessThan(good);
  expect(await states()).toEqual([answers, 0]);
  clock.advance(24 * HOUR_MS);
  expect(await states()).toEqual([0, answers]);
  while ((await refreshOcspAnswers(deps)) > 0);
  expect(await states()).toEqual([0, 0]);
});

test('a clock that its reference contradicts is told as such', async () => {
  const trusted = async () => (await scrape()).get('tongren_clock_trusted');
  expect(await trusted()).toBe(1);
  const { reference } = clock;
  clock.reference = async () => new Date(clock.now().getTime() + 5_000);
  // A set clock is compared again at once.
  clock.advance(60_000);
  expect(await trusted()).toBe(0);
  if (reference) clock.reference = reference;
  clock.advance(60_000);
  expect(await trusted()).toBe(1);
});
