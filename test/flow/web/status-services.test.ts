/** `/ocsp` and `/tsa` through the whole server: no form token is asked for, sizes and types are held. */
import { expect, test } from 'vitest';
import { findAuthority } from '#certificates/find-authority.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { encodeTimestampQuery } from '#pki/timestamp-query.ts';
import { webCity } from './web-city.ts';

const { server, context } = await webCity();
const issuing = await findAuthority(context, 'ca-seals-sm2');
const row = await context.db.issuedCertificate.findFirstOrThrow({ where: { profile: 'seal', suite: 'sm2-sm3' } });
const serial = Buffer.from(row.serialHex, 'hex');
const request = Buffer.from(issuing ? encodeOcspRequest([encodeCertId(issuerHashes(issuing, 'sha1'), 'sha1', serial)]) : new Uint8Array());
const post = (url: string, type: string, payload: Buffer) =>
  server.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });

test('a seal certificate is good, by POST and by GET', async () => {
  const posted = await post('/ocsp', 'application/ocsp-request', request);
  const fetched = await server.inject({ method: 'GET', url: `/ocsp/${encodeURIComponent(request.toString('base64'))}` });
  for (const response of [posted, fetched]) {
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('application/ocsp-response');
    const parsed = parseOcspResponse(new Uint8Array(response.rawPayload));
    expect(parsed.status === 'successful' && parsed.basic.answers[0]?.status).toEqual({ status: 'good' });
  }
  expect(posted.headers['cache-control']).toBe('no-store');
  expect(fetched.headers['cache-control']).toContain('max-age=2,');
});

test('a request that is too large is not read', async () => {
  expect((await post('/ocsp', 'application/ocsp-request', Buffer.alloc(9_000))).statusCode).toBe(413);
  expect((await post('/tsa', 'application/timestamp-query', Buffer.alloc(5_000))).statusCode).toBe(413);
});

test('a request of another type is refused', async () => {
  expect((await post('/tsa', 'application/json', Buffer.from('{}'))).statusCode).toBe(415);
  const refused = await post('/ocsp', 'application/json', Buffer.from('{}'));
  expect(parseOcspResponse(new Uint8Array(refused.rawPayload))).toEqual({ status: 'refused', code: 1 });
});

test('a query that curl calls a form is told, in plain words, what its type should be', async () => {
  const query = Buffer.from(encodeTimestampQuery('sha256', new Uint8Array(32)));
  const told = await post('/tsa', 'application/x-www-form-urlencoded', query);
  expect([told.statusCode, told.headers['content-type']]).toEqual([415, 'text/plain; charset=utf-8']);
  expect(told.body).toContain('Content-Type: application/timestamp-query');
  expect(told.headers['set-cookie']).toBeUndefined();
  const refused = await post('/ocsp', 'application/x-www-form-urlencoded', request);
  expect(parseOcspResponse(new Uint8Array(refused.rawPayload))).toEqual({ status: 'refused', code: 1 });
  expect((await post('/tsa', 'application/x-www-form-urlencoded', Buffer.alloc(5_000))).statusCode).toBe(413);
});

test('while the city’s clock stands still and the database’s goes on, no time is stamped', async () => {
  const { reference } = context.clock;
  delete context.clock.reference;
  const reply = await post('/tsa', 'application/timestamp-query', Buffer.from(encodeTimestampQuery('sha256', new Uint8Array(32))));
  expect(reply.headers['content-type']).toBe('application/timestamp-reply');
  expect(reply.rawPayload.toString('latin1')).toContain('the clock is not in step');
  if (reference) context.clock.reference = reference;
});

test('one address that asks for too many tokens has to wait', async () => {
  for (let count = 0; count < 600; count++)
    await context.ephemeral.increment(`tsa:127.0.0.1:${Math.floor(context.clock.now().getTime() / 60_000)}`, 60);
  expect((await post('/tsa', 'application/timestamp-query', Buffer.alloc(10))).statusCode).toBe(429);
});
