/** What operators see of an authority's lists, those in parts too: number, times, entries, size, and which are late or missing. */
import { beforeAll, expect, test } from 'vitest';
import { listAuthorities } from '#certificates/authorities.ts';
import { findCrlFacts } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificates } from '#certificates/issue-certificate.ts';
import { listCrlStandings } from '#certificates/list-crls.ts';
import { revokeCertificates } from '#certificates/revoke-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { type WebCity, webCity } from './web-city.ts';

const KEY = 'ca-persons-p256';
const PARTS = 4;
const DAY_MS = 86_400_000;
let city: WebCity;
beforeAll(async () => {
  city = await webCity();
  await initialiseAuthorities({ ...city.deps, crlPartitions: { persons: PARTS } });
  const inputs = Array.from({ length: 8 }, () => ({
    ...({ profile: 'person', suite: 'es256', subject: { commonName: '张三' }, days: 300, by: 'system:test' } as const),
    spki: generateKeyPair('es256').spki,
  }));
  const issued = await issueCertificates(city.deps, inputs);
  city.deps.clock.advance(1_000);
  const serials = issued.map(({ certificate }) => certificate.serialHex);
  await revokeCertificates(city.deps, { serials, reason: 'superseded', by: 'system:test' });
});

async function standingsOf(key: string) {
  const authority = (await listAuthorities(city.deps)).filter(({ keyName }) => keyName === key);
  return (await listCrlStandings(city.deps, authority)).get(key) ?? [];
}

test('each list stands there with what its newest signed edition has; the parts together have every entry', async () => {
  const standings = await standingsOf(KEY);
  expect(standings.map(({ scope }) => scope)).toEqual([
    'complete',
    'delta',
    ...Array.from({ length: PARTS }, (_, part) => [`part-${part}`, `part-${part}-delta`]).flat(),
  ]);
  for (const { scope, list, state } of standings) {
    const facts = await findCrlFacts(city.deps, KEY, scope);
    expect(state).toBe('current');
    expect(list).toEqual({
      ...{ number: facts?.number, thisUpdate: facts?.thisUpdate, nextUpdate: facts?.nextUpdate },
      ...{ entries: facts?.entries, size: facts?.size },
    });
  }
  const parts = standings.filter(({ part }) => part !== undefined);
  for (const isDelta of [false, true]) {
    const sizes = parts.filter(({ scope }) => scope.endsWith('-delta') === isDelta).map(({ list }) => list?.entries ?? 0);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(8);
  }
});

test('the page shows each with number, times, entries, size and address; the overview leads there', async () => {
  const operator = await city.as(city.operator);
  const overview = (await operator.get('/admin/services')).body;
  expect(overview).toContain(`href="/admin/services/${KEY}#parts"`);
  expect(overview).toContain(`分片 ${PARTS} 份`);
  expect(overview).not.toContain('href="/admin/services/ca-seals-p256#parts"');
  const page = (await operator.get(`/admin/services/${KEY}`)).body;
  for (const { scope, list } of await standingsOf(KEY)) {
    expect(page).toContain(`href="/crl/${KEY}${scope === 'complete' ? '' : `-${scope}`}.crl"`);
    expect(page).toContain(`>${list?.number}<`);
    const reply = await operator.get(`/crl/${KEY}${scope === 'complete' ? '' : `-${scope}`}.crl`);
    expect([reply.statusCode, Number(reply.headers['content-length'])]).toEqual([200, list?.size]);
  }
  for (let part = 0; part < PARTS; part++) {
    expect(page).toContain(`第 ${part} 分片<`);
    expect(page).toContain(`第 ${part} 分片增量<`);
  }
  const bare = (await operator.get('/admin/services/ca-seals-p256')).body;
  expect(bare).toContain('未分片');
  expect((await operator.get('/admin/services/ca-nobody')).statusCode).toBe(404);
});

test('a list that is late, over or was never made says so, on its page and in the overview', async () => {
  const part = { issuerKey: KEY, scope: 'part-2' };
  const begun = city.deps.clock.now();
  await city.deps.db.revocationList.deleteMany({ where: part });
  city.deps.clock.advance(5 * DAY_MS + DAY_MS / 2);
  const states = async () => Object.fromEntries((await standingsOf(KEY)).map(({ scope, state }) => [scope, state]));
  expect(await states()).toMatchObject({
    complete: 'ending',
    delta: 'ended',
    'part-1': 'ending',
    'part-1-delta': 'ended',
    'part-2': 'missing',
  });
  const operator = await city.as(city.operator);
  const page = (await operator.get(`/admin/services/${KEY}`)).body;
  for (const words of ['缺失 1', '过期 5', '即将到期 4']) expect(page).toContain(words);
  expect((await operator.get('/admin/services')).body).toContain('缺失');
  city.deps.clock.set(begun.toISOString());
});

test('who is no operator or auditor does not see it', async () => {
  expect((await (await city.as(city.auditor)).get(`/admin/services/${KEY}`)).statusCode).toBe(200);
  expect((await (await city.as(city.citizen)).get(`/admin/services/${KEY}`)).statusCode).toBe(403);
});
