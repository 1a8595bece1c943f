/** The desk compares names with the population register; nobody tries names on a number through it for long. */
import { beforeAll, expect, test } from 'vitest';
import { exampleFields } from '#test/room/licences/sample-city.ts';
import { NEWCOMER, type WebCity, webCity } from './web-city.ts';

let city: WebCity;

beforeAll(async () => {
  city = await webCity();
});

test('after thirty names that do not match, the right one is refused as well, for this clerk', async () => {
  const issuer = await city.as(city.issuer);
  const page = '/desk/issue/residence-permit';
  const fields = Object.fromEntries(Object.entries(exampleFields('residence-permit')).map(([key, value]) => [`fields.${key}`, value]));
  const csrf = /name="csrf" value="([^"]+)"/.exec((await issuer.get(page)).body)?.[1] ?? '';
  const issue = async (holderName: string) => {
    const form = { csrf, requestId: 'no-oracle-0001', holderNumber: NEWCOMER.citizenNumber, holderName, ...fields };
    const headers = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
    return (await issuer.send({ method: 'POST', url: page, headers, payload: new URLSearchParams(form).toString() })).statusCode;
  };
  for (let i = 0; i < 30; i++) expect(await issue('林晓童')).toBe(422);
  expect(await issue(NEWCOMER.name)).toBe(429);
  // Who is known already is not asked about.
  const known = { csrf, requestId: 'no-oracle-0002', holderNumber: '350203198505050019', holderName: '', ...fields };
  const headers = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
  const reply = await issuer.send({ method: 'POST', url: page, headers, payload: new URLSearchParams(known).toString() });
  expect(reply.statusCode).not.toBe(429);
});
