/** Whoever has one IPv6 address has a whole /64 of them: limits by address count the network. */
import { beforeAll, expect, test } from 'vitest';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;

beforeAll(async () => {
  city = await webCity();
});

async function codesOf(send: (remoteAddress: string) => Promise<{ statusCode: number }>, most: number): Promise<[number, number, number]> {
  for (let i = 0; i < most; i++) await send(`2001:db8:7:7::${(i + 1).toString(16)}`);
  const more = await send('2001:db8:7:7:ffff:ffff:ffff:ffff');
  const neighbour = await send('2001:db8:7:8::1');
  const first = await send('198.51.100.9');
  return [more.statusCode, neighbour.statusCode, first.statusCode];
}

const json = { accept: 'application/json', 'content-type': 'application/json' };

test('validating certificates', async () => {
  const payload = JSON.stringify({ certificate: 'AAAA' });
  const send = (remoteAddress: string) =>
    city.server.inject({ method: 'POST', url: '/api/certificates/validate', headers: json, payload, remoteAddress });
  expect(await codesOf(send, 120)).toEqual([429, 200, 200]);
});

test('guessing at enrolment tokens', async () => {
  const authorization = `Basic ${Buffer.from('device:guess').toString('base64')}`;
  const headers = { authorization, accept: 'application/json', 'content-type': 'application/pkcs10' };
  const url = '/.well-known/est/simpleenroll';
  const payload = Buffer.from(makeCsr().pem);
  const send = (remoteAddress: string) => city.server.inject({ method: 'POST', url, headers, payload, remoteAddress });
  expect(await codesOf(send, 60)).toEqual([429, 401, 401]);
});
