/** Signing in with a certificate whose key WebCrypto made, as the script of the page does it. */
import { webcrypto } from 'node:crypto';
import { expect, test } from 'vitest';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { requestPersonCertificate } from '#certificates/request-person-certificate.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { importPrivateKey, signMessage } from '#crypto/suite.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { authorizationUrl, exchange, testApp } from '#test/flow/oidc/test-app.ts';
import { TestBrowser } from '#test/flow/oidc/test-browser.ts';
import type { TestProvider } from '#test/flow/oidc/test-provider.ts';
import { testDatabase } from '#test/test-database.ts';
import { formTo, loginWorld } from './login-world.ts';

const { db } = await testDatabase();
const keys = memoryKeyStore();
const world = await loginWorld(db, { keepOpen: true });
const deps = { ...world.deps, keys, publicOrigin: world.origin };
await initialiseAuthorities(deps);
let requests = 0;

/** A person at level 3 with a browser that holds a certificate's key. */
async function certified(suite: 'es256' | 'sm2-sm3' = 'es256') {
  const { id, phone } = await world.person({ method: 'registry-match', source: 'register' });
  const csr = makeCsr({ suite });
  const session = { acrLevel: 3, authTime: new Date() };
  const { certificate } = await requestPersonCertificate(deps, { personId: id, session, csr: csr.pem, requestId: `sign-in-${++requests}` });
  const pkcs8 = csr.key.key.export({ format: 'der', type: 'pkcs8' });
  return { id, phone, serial: certificate.serialHex, pkcs8: new Uint8Array(pkcs8) };
}

type Certified = Awaited<ReturnType<typeof certified>>;

async function signLikeABrowser({ pkcs8 }: Certified, statement: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  const signature = await webcrypto.subtle.sign({ ...algorithm, hash: 'SHA-256' }, key, new TextEncoder().encode(statement));
  return Buffer.from(signature).toString('base64url');
}

const signDer = async ({ pkcs8 }: Certified, statement: string) =>
  Buffer.from(signMessage(importPrivateKey(pkcs8), Buffer.from(statement))).toString('base64url');

/** A browser on the sign-in page; posts as the page's script does. */
async function atPage(browser = new TestBrowser(), address = `${world.origin}/login`) {
  const page = await browser.go(address);
  const base = new URL(page.url).pathname;
  const csrf = formTo(page.html, base).body.get('csrf') ?? '';
  const post = async (path: string, body: unknown = {}) => {
    const visit = await browser.send(`${world.origin}${base}/certificate${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', accept: 'application/json', 'x-csrf-token': csrf },
    });
    return { status: visit.status, body: JSON.parse(visit.html) as Record<string, string> };
  };
  return { browser, post, challenge: async () => (await post('/challenge')).body as { challenge: string; statement: string } };
}

async function signIn(who: Certified, sign = signLikeABrowser, more: Record<string, unknown> = {}) {
  const page = await atPage();
  const { challenge, statement } = await page.challenge();
  return { ...page, ...(await page.post('', { challenge, serial: who.serial, signature: await sign(who, statement), ...more })) };
}

test.each([
  ['a raw signature of WebCrypto', 'es256', signLikeABrowser],
  ['a DER signature', 'es256', signDer],
  ['an SM2 signature of other software', 'sm2-sm3', signDer],
] as const)('%s opens a session at level 3, by one factor', async (_what, suite, sign) => {
  const who = await certified(suite);
  const { status, body, browser } = await signIn(who, sign, { return: '/my/certificates' });
  expect([status, body]).toEqual([200, { location: '/my/certificates' }]);
  expect(browser.cookie('tongren_session')).toBeDefined();
  const session = await db.browserSession.findFirst({ where: { personId: who.id } });
  expect(session).toMatchObject({ acr: 'urn:tongren:acr:3', amr: ['swk'] });
  const event = await db.auditEvent.findFirst({ where: { kind: 'signed-in', subject: `person:${who.id}` } });
  expect(event?.detail).toMatchObject({ method: 'certificate', certificate: who.serial });
});

test('an app that asked for the sign-in gets its answer, with level and method', async () => {
  const who = await certified();
  const app = await testApp(world as unknown as TestProvider, 'certificate-app');
  const request = await authorizationUrl(app, {});
  const page = await atPage(new TestBrowser(), request.url.href);
  const { challenge, statement } = await page.challenge();
  const { body } = await page.post('', { challenge, serial: who.serial, signature: await signLikeABrowser(who, statement) });
  const back = await page.browser.go(body['location'] ?? '', {}, (url) => url.href.startsWith(app.redirectUri));
  const claims = (await exchange(app, { ...request, callback: new URL(back.url), visit: back })).claims();
  expect(claims).toMatchObject({ acr: 'urn:tongren:acr:3', amr: ['swk'] });
});

test('a statement serves once, for the browser it was given to, and says where and for what it is', async () => {
  const who = await certified();
  const page = await atPage();
  const { challenge, statement } = await page.challenge();
  expect(statement).toBe(`Tongren certificate sign-in, version 1\norigin: ${world.origin}\nchallenge: ${challenge}\n`);
  const proof = { challenge, serial: who.serial, signature: await signLikeABrowser(who, statement) };
  const thief = await atPage();
  await thief.challenge();
  expect(await thief.post('', proof)).toMatchObject({ status: 401, body: { code: 'certificate-sign-in-failed' } });
  // The theft used it up.
  expect((await page.post('', proof)).status).toBe(401);
  const again = await page.challenge();
  const fresh = { challenge: again.challenge, serial: who.serial, signature: await signLikeABrowser(who, again.statement) };
  expect((await page.post('', fresh)).status).toBe(200);
  expect((await page.post('', fresh)).status).not.toBe(200);
});

test('whatever is wrong with certificate or signature is answered alike', async () => {
  const [who, other] = [await certified(), await certified()];
  const revoked = await certified();
  await revokeHeldCertificate(deps, { serialHex: revoked.serial, reason: 'key-compromise', by: { personId: revoked.id } });
  const failures = [
    await signIn(who, (_self, statement) => signLikeABrowser(other, statement)),
    await signIn(who, (self, statement) => signLikeABrowser(self, `${statement} `)),
    await signIn(who, async () => 'AA'),
    await signIn(revoked),
    await signIn({ ...who, serial: 'ab'.repeat(16) }),
    await signIn({ ...who, serial: 'not-a-serial' }),
  ];
  const [first] = failures;
  for (const { status, body, browser } of failures) {
    expect(status).toBe(401);
    expect({ ...body, instance: '' }).toEqual({ ...first?.body, instance: '' });
    expect(browser.cookie('tongren_session')).toBeUndefined();
  }
});

test('five failures with one certificate from one network are the last for a while', async () => {
  const who = await certified();
  for (let index = 0; index < 5; index++) await signIn(who, async () => 'AA');
  const locked = await signIn(who);
  expect([locked.status, locked.body['code']]).toEqual([429, 'sign-in-locked']);
});

test('a network that asks for very many statements has to wait', async () => {
  const page = await atPage();
  const many = await Promise.all(Array.from({ length: 301 }, () => page.post('/challenge')));
  expect(many.filter(({ body }) => body['code'] === 'too-many-requests').length).toBeGreaterThan(0);
  await world.context.ephemeral.remove('certificate-challenges:127.0.0.1');
});

test('a certificate that is no person’s signs nobody in, nor does one under a revoked authority', async () => {
  const who = await certified();
  const request = await db.certificateRequest.findFirstOrThrow({ where: { serialHex: who.serial } });
  const { issuerKey } = await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: who.serial } });
  const issuing = await db.issuedCertificate.findUniqueOrThrow({ where: { authorityKey: issuerKey } });
  await db.certificateRequest.update({ where: { id: request.id }, data: { personId: null, organisationId: request.id } });
  expect((await signIn(who)).status).toBe(401);
  await db.certificateRequest.update({ where: { id: request.id }, data: { personId: who.id, organisationId: null } });
  await revokeCertificate(deps, { serialHex: issuing.serialHex, reason: 'ca-compromise', by: 'system:test' });
  expect((await signIn(who)).status).toBe(401);
});
