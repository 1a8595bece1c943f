/** The rules of a seal as a department's system and its clerks meet them. */
import { beforeAll, expect, test } from 'vitest';
import { exampleFields } from '#test/room/licences/sample-city.ts';
import { apiToken } from './api-system.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let keeper: Browser;
let approver: Browser;
let token: string;
let place: string;

beforeAll(async () => {
  city = await webCity({ listen: true });
  [keeper, approver] = [await city.as(city.issuer), await city.as(city.approver)];
  token = await apiToken(city, {
    id: 'hall-issuing',
    organisationId: city.department.id,
    scopes: ['licences:issue', 'seals:read', 'seals:use'],
  });
  place = `/desk/seals/${city.sealId}`;
});

async function setRules(fields: Record<string, string | string[]>) {
  expect((await keeper.submit(`${place}/rules`, `${place}/rules`, { reason: '按规定', ...fields })).statusCode).toBe(303);
  const page = await approver.get(place);
  const action = /action="(\/desk\/seals\/[0-9a-f-]+\/changes\/[0-9a-f-]+)"/.exec(page.body)?.[1] ?? '';
  const digest = /name="digest" value="([0-9a-f]{64})"/.exec(page.body)?.[1] ?? '';
  expect((await approver.submit(place, action, { decision: 'approve', digest })).statusCode).toBe(303);
}

function issue(requestId: string) {
  return fetch(`${city.origin}/api/licences`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      type: 'residence-permit',
      holder: { citizenNumber: '350203198505050019' },
      fields: exampleFields('residence-permit'),
      requestId,
    }),
  });
}

test('a seal that only the system may use: its clerks are told so, the system issues until the day is full', async () => {
  const form = await keeper.get(`${place}/rules`);
  expect(form.body).toContain('value="client:hall-issuing"');
  await setRules({ users: 'client:hall-issuing', dailyLimit: '2' });
  expect((await keeper.get(place)).body).toContain('hall-issuing');

  const job = await keeper.fetchJson('/api/seal-jobs', { sealId: city.sealId, requestId: 'by-a-clerk-1' }, '/desk');
  expect([job.statusCode, job.json().code]).toEqual([403, 'seal-use-not-allowed']);

  const first = await issue('hall-issuing-1');
  expect(first.status).toBe(201);
  const second = await issue('hall-issuing-2');
  expect(second.status).toBe(429);
  expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await second.json()).toMatchObject({ code: 'seal-daily-limit', titleZh: '该印章今日用印次数已达上限。' });
  const uses = await (
    await fetch(`${city.origin}/api/seals/${city.sealId}/uses`, { headers: { authorization: `Bearer ${token}` } })
  ).json();
  expect(uses.items.map(({ actor }: { actor: string }) => actor)).toEqual(['client:hall-issuing', 'client:hall-issuing']);
});
