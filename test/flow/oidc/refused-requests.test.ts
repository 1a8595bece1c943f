import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { setClientActive } from '#oidc/clients.ts';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, authorize, exchange, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { testProvider } from './test-provider.ts';

const { db } = await testDatabase();
let apps = 0;
const setUp = async () => {
  const provider = await testProvider(db);
  const app = await testApp(provider, `refused-${++apps}`);
  return { provider, app, browser: new TestBrowser() };
};
const changed = (url: URL, changes: Record<string, string | undefined>) => {
  const other = new URL(url);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) other.searchParams.delete(name);
    else other.searchParams.set(name, value);
  }
  return other;
};
const errorOf = (location: string | null) => new URL(location ?? 'about:blank').searchParams.get('error');

test.each([
  ['of another host', 'https://evil.example/callback'],
  ['with a query added', (uri: string) => `${uri}?x=1`],
  ['below the registered one', (uri: string) => `${uri}/more`],
  ['that is no address', 'not an address'],
  ['that is missing', undefined],
])('a redirect address %s gets an error page and never a redirect', async (_which, given) => {
  const { app, browser } = await setUp();
  const value = typeof given === 'function' ? given(app.redirectUri) : given;
  const visit = await browser.send(changed((await authorizationUrl(app)).url, { redirect_uri: value }));
  expect(visit.status).toBe(400);
  expect(visit.headers.get('location')).toBeNull();
  expect(visit.html).toContain('无法继续');
});

test('an error page shows what came from outside as text', async () => {
  const { app, browser } = await setUp();
  const visit = await browser.send(changed((await authorizationUrl(app)).url, { client_id: '<script>alert(1)</script>' }));
  expect(visit.status).toBe(400);
  expect(visit.html).not.toContain('<script>alert');
});

test.each([
  ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['with the plain PKCE method', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['with a PKCE challenge but no method', { code_challenge_method: undefined }, 'invalid_request'],
  ['for a token in the address bar', { response_type: 'token' }, 'unsupported_response_type'],
  ['for an ID token in the address bar', { response_type: 'id_token' }, 'unsupported_response_type'],
  ['without a response type', { response_type: undefined }, 'invalid_request'],
  ['with an unsigned request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
  ['with a claims parameter that is no JSON', { claims: '{' }, 'invalid_request'],
  ['with prompt none and login together', { prompt: 'none login' }, 'invalid_request'],
  ['for a scope it was not registered for', { scope: 'openid organisations' }, 'invalid_scope'],
])('a request %s is refused, and the app is told', async (_which, changes, error) => {
  const { app, browser } = await setUp();
  const { url, state } = await authorizationUrl(app);
  const visit = await browser.send(changed(url, changes));
  expect([302, 303]).toContain(visit.status);
  const location = new URL(visit.headers.get('location') ?? '');
  const answer = new URLSearchParams(location.search || location.hash.slice(1));
  expect(answer.get('error')).toBe(error);
  expect(answer.get('state')).toBe(state);
  expect(answer.has('code')).toBe(false);
});

test('prompt=none before any sign-in is login_required, and a state of 128 characters comes back whole', async () => {
  const { app, browser } = await setUp();
  const state = 'a'.repeat(128);
  const visit = await browser.send((await authorizationUrl(app, { prompt: 'none', state })).url);
  const location = new URL(visit.headers.get('location') ?? '');
  expect(Object.fromEntries(location.searchParams)).toMatchObject({
    error: 'login_required',
    state,
    iss: expect.stringContaining('/oidc'),
  });
});

test('unknown parameters, display, locales and hints disturb nothing', async () => {
  const { app, browser } = await setUp();
  const extra = { unknown_thing: 'x', display: 'popup', ui_locales: 'zh-CN en', claims_locales: 'zh', login_hint: 'someone' };
  expect((await exchange(app, await authorize(browser, app, extra))).access_token).toBeTruthy();
});

test('a code used again is refused, and what came of it dies', async () => {
  const { app, browser } = await setUp();
  const flow = await authorize(browser, app);
  const tokens = await exchange(app, flow);
  await expect(exchange(app, flow)).rejects.toMatchObject({ error: 'invalid_grant' });
  await expect(client.fetchUserInfo(app.config, tokens.access_token, tokens.claims()?.sub ?? '')).rejects.toThrow();
  await expect(client.refreshTokenGrant(app.config, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
});

test('a code is worth nothing to another app, with another verifier, or with another redirect address', async () => {
  const { provider, app, browser } = await setUp();
  const thief = await testApp(provider, `thief-${apps}`);
  const flow = await authorize(browser, app);
  await expect(
    client.genericGrantRequest(thief.config, 'authorization_code', {
      code: flow.callback.searchParams.get('code') ?? '',
      redirect_uri: app.redirectUri,
      code_verifier: flow.verifier,
    }),
  ).rejects.toMatchObject({ error: 'invalid_grant' });
  await expect(exchange(app, { ...flow, verifier: client.randomPKCECodeVerifier() })).rejects.toMatchObject({ error: 'invalid_grant' });
  await expect(
    client.genericGrantRequest(app.config, 'authorization_code', {
      code: flow.callback.searchParams.get('code') ?? '',
      redirect_uri: `${app.redirectUri}x`,
      code_verifier: flow.verifier,
    }),
  ).rejects.toMatchObject({ error: 'invalid_grant' });
  expect((await exchange(app, flow)).access_token, 'failed attempts spend nothing').toBeTruthy();
});

test("another app's refresh token is refused and stays good for its owner", async () => {
  const { provider, app, browser } = await setUp();
  const thief = await testApp(provider, `refresh-thief-${apps}`);
  const tokens = await exchange(app, await authorize(browser, app));
  await expect(client.refreshTokenGrant(thief.config, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  expect((await client.refreshTokenGrant(app.config, tokens.refresh_token ?? '')).access_token).toBeTruthy();
});

test('a wrong secret is invalid_client', async () => {
  const { provider, app, browser } = await setUp();
  const flow = await authorize(browser, app);
  const reply = await fetch(`${provider.oidc.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${app.id}:wrong`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: flow.callback.searchParams.get('code') ?? '',
      redirect_uri: app.redirectUri,
      code_verifier: flow.verifier,
    }),
  });
  expect(reply.status).toBe(401);
  expect(await reply.json()).toMatchObject({ error: 'invalid_client' });
});

test('a suspended app gets nothing any more', async () => {
  const { provider, app, browser } = await setUp();
  const tokens = await exchange(app, await authorize(browser, app));
  await setClientActive(provider.deps, { id: app.id, active: false, by: 'system:test' });
  await new Promise((done) => setTimeout(done, 3_100));
  expect((await browser.send((await authorizationUrl(app)).url)).status).toBe(400);
  await expect(client.refreshTokenGrant(app.config, tokens.refresh_token ?? '')).rejects.toMatchObject({ status: 401 });
});

test.each([
  ['an unregistered address', (app: { redirectUri: string }) => ({ post_logout_redirect_uri: `${app.redirectUri}/elsewhere` })],
  [
    'a registered address with a query added',
    (app: { redirectUri: string }) => ({ post_logout_redirect_uri: `${app.redirectUri.replace('/callback', '/bye')}?x=1` }),
  ],
])('a log-out to %s does not lead there', async (_which, parameters) => {
  const { app, browser } = await setUp();
  const tokens = await exchange(app, await authorize(browser, app));
  const visit = await browser.go(client.buildEndSessionUrl(app.config, { id_token_hint: tokens.id_token ?? '', ...parameters(app) }));
  expect(visit.status).toBe(400);
  expect(visit.url).not.toContain('/bye');
});

test('a log-out hint signed by somebody else is refused', async () => {
  const { app, browser } = await setUp();
  const [header, payload] = ((await exchange(app, await authorize(browser, app))).id_token ?? '').split('.');
  const forged = `${header}.${payload}.${Buffer.alloc(64, 1).toString('base64url')}`;
  expect((await browser.go(client.buildEndSessionUrl(app.config, { id_token_hint: forged }))).status).toBe(400);
});

test('a log-out form without its secret logs nobody out', async () => {
  const { provider, app, browser } = await setUp();
  await exchange(app, await authorize(browser, app));
  await browser.go(`${provider.oidc.issuer}/session/end`);
  const visit = await browser.go(`${provider.oidc.issuer}/session/end/confirm`, {
    method: 'POST',
    body: new URLSearchParams({ xsrf: 'guessed', logout: 'yes' }),
  });
  expect(visit.status).toBe(400);
  expect(errorOf((await browser.send((await authorizationUrl(app, { prompt: 'none' })).url)).headers.get('location'))).toBeNull();
});

test('a page of one browser is of no use in another', async () => {
  const { provider, app, browser } = await setUp();
  const visit = await browser.go((await authorizationUrl(app)).url, {}, (next) => next.pathname.startsWith('/login/'));
  expect((await new TestBrowser().send(visit.url)).status).toBe(400);
  expect((await fetch(`${provider.origin}/consent/unknown`)).status).toBe(400);
});

test('nothing but what was asked for and agreed to is told, and an access token of the wrong kind is refused', async () => {
  const { provider, app, browser } = await setUp();
  const tokens = await exchange(app, await authorize(browser, app, { scope: 'openid' }));
  expect(await client.fetchUserInfo(app.config, tokens.access_token, tokens.claims()?.sub ?? '')).toEqual({ sub: tokens.claims()?.sub });
  for (const token of ['', 'nonsense', tokens.id_token ?? '']) {
    expect((await fetch(`${provider.oidc.issuer}/me`, { headers: { authorization: `Bearer ${token}` } })).status).toBeGreaterThanOrEqual(
      400,
    );
  }
});

test('a body of a megabyte at the token endpoint is refused', async () => {
  const { provider } = await setUp();
  const reply = await fetch(`${provider.oidc.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'x'.repeat(1_000_000) }),
  });
  expect([400, 401, 413]).toContain(reply.status);
});
