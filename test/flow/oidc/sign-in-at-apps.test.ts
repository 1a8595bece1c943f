import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { deliverDueLogouts } from '#oidc/deliver-logouts.ts';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, authorize, exchange, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { testProvider } from './test-provider.ts';

const { db } = await testDatabase();

test('discovery tells the truth: issuer, PKCE S256 only, both algorithms, back-channel logout, pairwise subjects', async () => {
  const provider = await testProvider(db);
  const reply = await fetch(`${provider.oidc.issuer}/.well-known/openid-configuration`);
  expect(reply.status).toBe(200);
  const document = (await reply.json()) as Record<string, unknown>;
  expect(document).toMatchObject({
    issuer: `${provider.origin}/oidc`,
    authorization_endpoint: `${provider.origin}/oidc/auth`,
    end_session_endpoint: `${provider.origin}/oidc/session/end`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    subject_types_supported: ['pairwise', 'public'],
  });
  expect(document['id_token_signing_alg_values_supported']).toEqual(expect.arrayContaining(['ES256', 'RS256']));
  const { keys } = (await (await fetch(`${provider.oidc.issuer}/jwks`)).json()) as { keys: { alg: string; kid: string; d?: string }[] };
  expect(keys.map(({ alg }) => alg)).toEqual(['ES256', 'RS256']);
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(2);
  expect(keys.some((key) => 'd' in key)).toBe(false);
  const forward = await fetch(`${provider.origin}/.well-known/oauth-authorization-server/oidc`);
  expect(((await forward.json()) as { issuer: string }).issuer).toBe(document['issuer']);
});

test('a person signs in at one app, is signed in at the next without a page, and has another subject there', async () => {
  const provider = await testProvider(db);
  const [first, second] = [await testApp(provider, 'sso-one'), await testApp(provider, 'sso-two')];
  const browser = new TestBrowser();
  const tokens = await exchange(first, await authorize(browser, first));
  const claims = tokens.claims();
  expect(claims).toMatchObject({ iss: provider.oidc.issuer, aud: 'sso-one', acr: 'urn:tongren:acr:2', amr: ['pwd'] });
  expect(claims).not.toHaveProperty('name');
  const info = await client.fetchUserInfo(first.config, tokens.access_token, claims?.sub ?? '');
  expect(info).toEqual({ sub: claims?.sub, name: '林小满' });

  const request = await authorizationUrl(second, { prompt: 'none' });
  const silent = await browser.send(request.url);
  expect(silent.status).toBe(303);
  expect(silent.headers.get('location')).toContain('code=');
  const there = await exchange(second, { ...request, callback: new URL(silent.headers.get('location') ?? ''), visit: silent });
  expect(there.claims()?.sub).not.toBe(claims?.sub);
  expect(there.claims()?.['auth_time']).toBe(claims?.auth_time);
  expect(claims?.sub).not.toContain(provider.login.personId);
});

test('a pushed request works once and only for the app that pushed it', async () => {
  const provider = await testProvider(db);
  const app = await testApp(provider, 'par-one');
  const other = await testApp(provider, 'par-two');
  const browser = new TestBrowser();
  const { parameters, ...request } = await authorizationUrl(app);
  const url = await client.buildAuthorizationUrlWithPAR(app.config, parameters);
  expect(url.searchParams.get('request_uri')).toMatch(/^urn:ietf:params:oauth:request_uri:/);
  const stolen = new URL(url);
  stolen.searchParams.set('client_id', other.id);
  expect((await new TestBrowser().go(stolen)).status).toBe(400);
  const visit = await browser.go(url, {}, (next) => next.href.startsWith(app.redirectUri));
  const tokens = await exchange(app, { ...request, parameters, url, callback: new URL(visit.url), visit });
  expect(tokens.claims()?.aud).toBe('par-one');
  const again = await browser.go(url, {}, (next) => next.href.startsWith(app.redirectUri));
  expect(again.url).not.toContain('code=');
});

test('refresh tokens rotate; an old one kills the family', async () => {
  const provider = await testProvider(db);
  const app = await testApp(provider, 'refresh-app');
  const browser = new TestBrowser();
  const tokens = await exchange(app, await authorize(browser, app));
  const first = tokens.refresh_token ?? '';
  const rotated = await client.refreshTokenGrant(app.config, first);
  expect(rotated.refresh_token).not.toBe(first);
  expect(rotated.claims()).toMatchObject({ sub: tokens.claims()?.sub, auth_time: tokens.claims()?.['auth_time'], aud: app.id });
  await expect(client.refreshTokenGrant(app.config, first)).rejects.toMatchObject({ error: 'invalid_grant' });
  await expect(client.refreshTokenGrant(app.config, rotated.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  await expect(client.fetchUserInfo(app.config, rotated.access_token, tokens.claims()?.sub ?? '')).rejects.toThrow();
});

test('a log-out at one app reaches every app, with a signed token each, and the report says who confirmed', async () => {
  const provider = await testProvider(db);
  const apps = [
    await testApp(provider, 'bye-one'),
    await testApp(provider, 'bye-two'),
    await testApp(provider, 'bye-silent', { logoutUri: undefined } as never),
  ];
  const browser = new TestBrowser();
  browser.cookies.push({ name: 'tongren_session', value: 'portal-token', host: new URL(provider.origin).host, path: '/' });
  const tokens = [];
  for (const app of apps) tokens.push(await exchange(app, await authorize(browser, app)));
  const url = client.buildEndSessionUrl((apps[0] as (typeof apps)[0]).config, {
    id_token_hint: tokens[0]?.id_token ?? '',
    post_logout_redirect_uri: (apps[0]?.redirectUri ?? '').replace('/callback', '/bye'),
    state: 's'.repeat(128),
  });
  const page = await browser.go(url);
  expect(page.html).toContain('退出登录');
  const gone = await browser.submit(page, { logout: 'yes' }, (next) => next.pathname === '/bye');
  expect(new URL(gone.url).searchParams.get('state')).toBe('s'.repeat(128));
  expect(provider.endedPortalSessions).toEqual(['portal-token']);

  const waiting = await browser.go(`${provider.origin}/logged-out`);
  expect(waiting.html).toContain('等待应用确认');
  expect(await deliverDueLogouts(provider.deps)).toBe(2);
  const report = await provider.oidc.logoutReport(browser.cookie('tongren_logout') ?? '');
  expect(report?.apps.map(({ clientId, state }) => [clientId, state]).sort()).toEqual([
    ['bye-one', 'confirmed'],
    ['bye-silent', 'not-offered'],
    ['bye-two', 'confirmed'],
  ]);
  expect((await browser.go(`${provider.origin}/logged-out`)).html).toContain('已确认退出');

  const jwks = createRemoteJWKSet(new URL(`${provider.oidc.issuer}/jwks`));
  for (const [index, app] of apps.slice(0, 2).entries()) {
    expect(app.logoutTokens).toHaveLength(1);
    const { payload, protectedHeader } = await jwtVerify(app.logoutTokens[0] ?? '', jwks, {
      issuer: provider.oidc.issuer,
      audience: app.id,
    });
    expect(protectedHeader.typ).toBe('logout+jwt');
    expect(payload['events']).toEqual({ 'http://schemas.openid.net/event/backchannel-logout': {} });
    expect(payload).not.toHaveProperty('nonce');
    expect(payload.sub).toBe(tokens[index]?.claims()?.sub);
    expect(payload['sid']).toBe(tokens[index]?.claims()?.['sid']);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(120);
  }
  const after = await browser.send((await authorizationUrl(apps[1] as (typeof apps)[0], { prompt: 'none' })).url);
  expect(after.headers.get('location')).toContain('error=login_required');
  await expect(client.refreshTokenGrant((apps[1] as (typeof apps)[0]).config, tokens[1]?.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  });
});

test('the tokens are signed by ES256 and name their key', async () => {
  const provider = await testProvider(db);
  const app = await testApp(provider, 'alg-app');
  const tokens = await exchange(app, await authorize(new TestBrowser(), app));
  expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ alg: 'ES256', kid: expect.any(String) });
  expect(decodeJwt(tokens.id_token ?? '').aud).toBe(app.id);
});
