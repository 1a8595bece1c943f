/** Nobody makes an official read another text than was written by turning its direction around. */
import { beforeAll, expect, test } from 'vitest';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;

beforeAll(async () => {
  city = await webCity();
});

const TURNED = '\u202e示范\u2066市\u2069档案馆\u202c';

test('an organisation, by form: its name is stored as it reads', async () => {
  const operator = await city.as(city.operator);
  const fields = { name: TURNED, uscc: '91350100M000100Y43', kind: 'department' };
  const refused = await operator.submit('/admin/staff', '/admin/staff', fields);
  // The number is taken, so the page shows again what was typed.
  expect(refused.body).toContain('示范市档案馆');
  expect(refused.body).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
});

test('the reason for a change of status, by JSON: the holder reads what was written', async () => {
  const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
  const issuer = await city.as(city.issuer);
  const changed = await issuer.fetchJson(`/api/licences/${licenceId}/status`, { status: 'suspended', reason: TURNED });
  expect(changed.statusCode).toBe(200);
  const page = await issuer.get(`/desk/licences/${licenceId}`);
  expect(page.body).toContain('示范市档案馆');
  expect(page.body).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
});

test('a telephone number out of an address book still signs in', async () => {
  const visitor = city.stranger();
  const sent = await visitor.submit('/login?way=sms', '/login/sms-code', { phone: '\u202d139 0000 0019\u202c' });
  expect([sent.statusCode, sent.headers.location]).toEqual([303, '/login/code']);
});

test('the marks that scripts from the right need stay', async () => {
  const operator = await city.as(city.operator);
  const fields = { name: 'شىنجاڭ\u200f (1)', uscc: '91350100M000100Y43', kind: 'department' };
  expect((await operator.submit('/admin/staff', '/admin/staff', fields)).body).toContain('شىنجاڭ\u200f (1)');
});
