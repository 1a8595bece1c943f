import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { parseCsr } from '#pki/csr.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { randomFrom } from '#test/fakes/seeded-random.ts';
import { basicCredentials } from '#web/est/basic-credentials.ts';
import { readEstBody } from '#web/est/read-est-body.ts';

const { der, pem, key } = makeCsr();
const base64 = Buffer.from(der).toString('base64');

test.each([
  ['base64 in one line', base64],
  ['base64 in lines with carriage returns', base64.replace(/.{76}/g, '$&\r\n')],
  ['PEM', pem],
  ['DER', Buffer.from(der)],
])('%s is read', (_what, body) => {
  const csr = parseCsr(readEstBody(Buffer.isBuffer(body) ? body : Buffer.from(body)));
  expect(Buffer.from(csr.spki).equals(key.publicKey.spki)).toBe(true);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['no body at all', undefined],
  ['a form', { csr: base64 }],
  ['base64 cut in the middle', Buffer.from(base64.slice(0, -3))],
  ['other signs', Buffer.from('MII=?=!')],
])('%s is refused', (_what, body) => {
  expect(() => readEstBody(body)).toThrow(expect.objectContaining({ code: 'csr-not-acceptable' }));
});

test('damaged bodies end in a request or in a refusal', () => {
  const random = randomFrom(7030);
  for (let index = 0; index < 2_000; index++) {
    const body = Buffer.from(index % 2 ? base64 : der);
    for (let edit = random(4); edit >= 0; edit--) body[random(body.length)] = random(256);
    try {
      parseCsr(readEstBody(body.subarray(0, random(8) ? body.length : random(body.length))));
    } catch (error) {
      expect((error as { code?: string }).code).toBe('csr-not-acceptable');
    }
  }
});

test.each([
  ['Basic ZGV2aWNlOnRva2Vu', { username: 'device', password: 'token' }],
  ['basic ZGV2aWNlOmE6Yg==', { username: 'device', password: 'a:b' }],
  ['Basic ZGV2aWNl', undefined],
  ['Bearer ZGV2aWNlOnRva2Vu', undefined],
  ['Basic !!!!', undefined],
  [undefined, undefined],
])('credentials in %s', (authorization, expected) => {
  expect(basicCredentials({ headers: { authorization } } as unknown as FastifyRequest)).toEqual(expected);
});
