/** The issuance log, the trust list and the validation of certificates through the whole server. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { isRoot, listAuthorities } from '#certificates/authorities.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { leafHashOf } from '#certificates/log-entry.ts';
import { prepareLog, publishLog } from '#certificates/log-publish.ts';
import { verifyLogRemotely } from '#certificates/log-verify-remote.ts';
import { publishCrl } from '#certificates/publish-crls.ts';
import { decideTrustEntry, proposeTrustEntry } from '#certificates/trust-list-entries.ts';
import { prepareTrustList } from '#certificates/trust-list-publish.ts';
import { readTrustList } from '#certificates/trust-list-read.ts';
import { parsePem, toPem } from '#pki/pem.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { testChain } from '#test/fakes/test-authority.ts';
import { webCity } from './web-city.ts';

const { server, context } = await webCity();
await prepareTrustList(context);
await prepareLog(context);
const { roots, issuing } = await trustedCertificates(context);
const operator = () =>
  appointStaff(context, { personId: randomUUID(), organisationId: randomUUID(), roles: ['operator'], by: 'system:test' });
const get = (url: string) => server.inject({ method: 'GET', url });
const validate = (payload: object | string, type = 'application/json', query = '') =>
  server.inject({ method: 'POST', url: `/api/certificates/validate${query}`, headers: { 'content-type': type }, payload });
const pem = (der: Uint8Array) => toPem('CERTIFICATE', der);
const row = await context.db.issuedCertificate.findFirstOrThrow({ where: { profile: 'seal', suite: 'sm2-sm3' } });
const seal = Uint8Array.from(row.der ?? []);

test('anybody can check the whole log over HTTP, and a holder that a certificate is in it', async () => {
  const ask = async (path: string) => {
    const response = await get(`/log/v1/${path}`);
    if (response.statusCode === 404) return 'not-found';
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
    return response.json();
  };
  const verdict = await verifyLogRemotely(ask, { anchors: roots, at: context.clock.now(), certificate: seal });
  expect(verdict).toMatchObject({ intact: true, keysProven: true, faults: [] });
  expect(verdict.entries).toBe(await context.db.issuedCertificate.count({ where: { der: { not: null } } }));
  const index = verdict.certificate?.index;
  expect(await ask(`get-entry-and-proof?leaf_index=${index}&tree_size=${verdict.entries}`)).toMatchObject({ withheld: true });
  const { certificates } = (await ask('get-roots')) as { certificates: string[] };
  expect(certificates.map((text) => Buffer.from(text, 'base64').toString('hex'))).toEqual(
    roots.map(({ der }) => Buffer.from(der).toString('hex')),
  );
});

test('what never changes is cached for long, heads for a moment, refusals not at all', async () => {
  const size = (await get('/log/v1/get-sth')).json().tree_size;
  const cacheOf = async (path: string) => (await get(`/log/v1/${path}`)).headers['cache-control'];
  expect(await cacheOf('get-sth')).toBe('public, max-age=2');
  expect(await cacheOf('get-entries?start=0&end=1')).toBe('public, max-age=86400');
  expect(await cacheOf(`get-entries?start=0&end=${size + 5}`)).toBe('public, max-age=2');
  expect(await cacheOf(`get-sth-consistency?first=1&second=${size}`)).toBe('public, max-age=86400');
  const hash = encodeURIComponent(Buffer.from(leafHashOf(seal)).toString('base64'));
  expect(await cacheOf(`get-proof-by-hash?hash=${hash}&tree_size=${size}`)).toBe('public, max-age=86400');
  expect(await cacheOf(`get-sth-consistency?first=1&second=${size + 1}`)).toBe('no-store');
});

test.each([
  ['get-entries?start=0', 422],
  ['get-entries?start=-1&end=3', 422],
  ['get-entries?start=5&end=3', 422],
  ['get-entries?start=99999999&end=99999999', 422],
  ['get-proof-by-hash?hash=AAAA&tree_size=3', 422],
  ['get-proof-by-hash?hash=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&tree_size=3', 404],
  ['get-sth-consistency?first=3&second=1e3', 422],
  ['get-entry-and-proof?leaf_index=3&leaf_index=4&tree_size=9', 422],
  ['add-chain', 404],
])('the log answers %s with %i', async (path, status) => {
  expect((await get(`/log/v1/${path}`)).statusCode).toBe(status);
});

test('the trust list is served signed and as PEM, and its anchors count here with their limits', async () => {
  const authority = new DocumentAuthority({ name: '邻省根证书', suite: 'sm2-sm3' });
  const [first, second] = [await operator(), await operator()];
  const leaf = authority.issue('document-signer').certificate;
  const ask = async (purpose: string) => (await validate({ certificate: pem(leaf.der), purpose })).json();
  expect(await ask('document-signing')).toMatchObject({ verdict: 'invalid', reasons: expect.arrayContaining(['no-path-to-anchor']) });
  const { id } = await proposeTrustEntry(context, {
    by: first,
    nameZh: '邻省数字证书认证中心',
    nameEn: 'Neighbour CA',
    certificates: pem(authority.root.certificate.der),
    constraints: { purposes: ['document-signing'] },
    official: false,
  });
  await decideTrustEntry(context, { id, by: second, decision: 'approve' });
  const served = await get('/trust/list.json');
  expect(served.headers['cache-control']).toBe('public, max-age=60');
  expect(readTrustList(served.json(), { anchors: roots, at: context.clock.now() })).toMatchObject({
    faults: [],
    proven: ['es256', 'sm2-sm3'],
  });
  const bundle = await get('/trust/bundle.pem');
  expect(parsePem(bundle.payload).map((der) => Buffer.compare(der, authority.root.certificate.der))).toEqual([0]);
  // Trust is read again every half minute.
  (context.clock as { advance?: (ms: number) => void }).advance?.(31_000);
  expect(await ask('document-signing')).toMatchObject({ verdict: 'valid' });
  const refused = await ask('server');
  expect(refused.verdict).toBe('invalid');
  expect(refused.findings).toContainEqual(
    expect.objectContaining({ reason: 'wrong-purpose', zh: expect.any(String), en: expect.any(String) }),
  );
});

test('a certificate of ours in SM2 is valid, in JSON and as PEM with its chain, and for the purposes it has', async () => {
  const json = await validate({ certificate: Buffer.from(seal).toString('base64'), purpose: 'seal' });
  expect(json.statusCode).toBe(200);
  expect(json.json()).toMatchObject({ verdict: 'valid', path: [{ revocation: { status: 'good' } }, {}, {}] });
  const chain = [seal, ...issuing.map(({ der }) => der)].map(pem).join('');
  const asPem = await validate(chain, 'application/x-pem-file', '?purpose=timestamp');
  expect(asPem.json()).toMatchObject({ verdict: 'invalid', reasons: expect.arrayContaining(['wrong-purpose']) });
  const later = await validate({ certificate: pem(seal), at: '2049-01-01T00:00:00Z' });
  expect(later.json().reasons).toContain('expired');
});

test('a stranger’s chain is refused with its reason, and nothing of the question is kept', async () => {
  const { root, issuing: between, leaf } = testChain('sm2-sm3');
  const before = await context.db.auditEvent.count();
  const answer = await validate({
    certificate: pem(leaf.certificate.der),
    intermediates: [pem(between.certificate.der), pem(root.certificate.der)],
  });
  expect(answer.json()).toMatchObject({ verdict: 'invalid', reasons: expect.arrayContaining(['no-path-to-anchor']) });
  expect(await context.db.auditEvent.count()).toBe(before);
});

test.each<[string, object | string, string, number]>([
  ['no certificate', {}, 'application/json', 422],
  ['an unknown purpose', { certificate: 'AA==', purpose: 'everything' }, 'application/json', 422],
  ['a strange member', { certificate: 'AA==', trust: [] }, 'application/json', 422],
  ['a time that is none', { certificate: 'AA==', at: 'yesterday' }, 'application/json', 422],
  ['too many intermediates', { certificate: 'AA==', intermediates: Array.from({ length: 21 }, () => 'AA==') }, 'application/json', 422],
  ['a broken intermediate', { certificate: Buffer.from(seal).toString('base64'), intermediates: ['AA=='] }, 'application/json', 422],
  ['too much of it', `{"certificate":"${'A'.repeat(600_000)}"}`, 'application/json', 413],
  ['another type', 'x', 'text/csv', 415],
])('%s is no question', async (_what, payload, type, status) => {
  expect((await validate(payload, type)).statusCode).toBe(status);
});

test('bytes that are no certificate are a verdict, like any failure to verify', async () => {
  for (const payload of ['', 'no pem at all', toPem('CERTIFICATE', Uint8Array.of(0x30, 1))]) {
    if (payload)
      expect((await validate(payload, 'application/x-pem-file')).json()).toMatchObject({
        verdict: 'invalid',
        reasons: ['certificate-unreadable'],
      });
  }
  expect((await validate({ certificate: 'AAAA' })).json()).toMatchObject({ verdict: 'invalid', reasons: ['certificate-unreadable'] });
});

test('one address that asks too often has to wait', async () => {
  for (let count = 0; count < 120; count++)
    await context.ephemeral.increment(`validate:127.0.0.1:${Math.floor(context.clock.now().getTime() / 60_000)}`, 60);
  expect((await validate({ certificate: 'AAAA' })).statusCode).toBe(429);
});

test('what was issued since is in the next head', async () => {
  const before = (await get('/log/v1/get-sth')).json().tree_size;
  await publishLog(context);
  expect((await get('/log/v1/get-sth')).json().tree_size).toBeGreaterThanOrEqual(before);
});

test('what is wrong with a question to the log is told in JSON, to a browser on a page', async () => {
  const url = '/log/v1/get-entries?start=5&end=1';
  const told = await get(url);
  expect([told.statusCode, told.headers['content-type'], told.json().code]).toEqual([
    422,
    'application/problem+json; charset=utf-8',
    'invalid-input',
  ]);
  const page = await server.inject({ method: 'GET', url, headers: { accept: 'text/html' } });
  expect(page.headers['content-type']).toContain('text/html');
});

test('the page of authorities offers each certificate and its lists, and no address that leads nowhere', async () => {
  for (const { keyName } of await listAuthorities(context)) await publishCrl(context, keyName);
  const page = await get('/ca');
  const links = [...page.body.matchAll(/href="(\/(?:ca|crl)\/[^"]+)"/g)].map(([, href = '']) => href);
  expect(links).toEqual(expect.arrayContaining(['/ca/ca-p256.pem', '/ca/ca-sm2.pem', '/crl/ca-root-p256.crl']));
  const issuers = (await listAuthorities(context)).filter((one) => !isRoot(one));
  expect(issuers.length).toBeGreaterThanOrEqual(10);
  for (const { keyName } of issuers) {
    expect(links).toEqual(expect.arrayContaining([`/ca/${keyName}.cer`, `/crl/${keyName}.crl`, `/crl/${keyName}-delta.crl`]));
  }
  expect(links).not.toContain('/crl/ca-root-p256-delta.crl');
  for (const href of links) expect((await get(href)).statusCode, href).toBe(200);
});
