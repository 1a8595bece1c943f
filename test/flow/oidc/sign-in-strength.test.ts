import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, authorize, exchange, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { testProvider } from './test-provider.ts';

const { db } = await testDatabase();
let apps = 0;
const setUp = async () => {
  const provider = await testProvider(db);
  return { provider, app: await testApp(provider, `strength-${++apps}`), browser: new TestBrowser() };
};
const acr = (level: number) => `urn:tongren:acr:${level}`;

test('prompt=login asks again, and auth_time is later', async () => {
  const { app, browser } = await setUp();
  const before = (await exchange(app, await authorize(browser, app))).claims();
  await new Promise((done) => setTimeout(done, 1_100));
  const after = (await exchange(app, await authorize(browser, app, { prompt: 'login' }))).claims();
  expect(after?.sub).toBe(before?.sub);
  expect(Number(after?.['auth_time'])).toBeGreaterThan(Number(before?.['auth_time']));
});

test('max_age asks again only when the sign-in is older', async () => {
  const { app, browser } = await setUp();
  const first = (await exchange(app, await authorize(browser, app, { max_age: '15000' }))).claims();
  const second = (await exchange(app, await authorize(browser, app, { max_age: '10000' }))).claims();
  expect(second?.['auth_time']).toBe(first?.['auth_time']);
  await new Promise((done) => setTimeout(done, 2_100));
  const third = (await exchange(app, await authorize(browser, app, { max_age: '1' }))).claims();
  expect(Number(third?.['auth_time'])).toBeGreaterThan(Number(first?.['auth_time']));
});

test('acr_values above the session ask for a stronger sign-in; at or below they do not', async () => {
  const { provider, app, browser } = await setUp();
  expect((await exchange(app, await authorize(browser, app))).claims()?.acr).toBe(acr(2));
  const low = await browser.send((await authorizationUrl(app, { acr_values: `${acr(1)} ${acr(2)}` })).url);
  expect(low.headers.get('location')).toContain('code=');
  const high = await browser.send((await authorizationUrl(app, { acr_values: acr(4) })).url);
  expect(high.headers.get('location')).toContain('/login/');
  Object.assign(provider.login, { acr: acr(4), amr: ['pwd', 'sms', 'mfa'] });
  const claims = (await exchange(app, await authorize(browser, app, { acr_values: acr(4) }))).claims();
  expect(claims).toMatchObject({ acr: acr(4), amr: ['pwd', 'sms', 'mfa'] });
});

test('a voluntary level that cannot be reached is no obstacle: the app reads in acr what it got', async () => {
  const { app, browser } = await setUp();
  expect((await exchange(app, await authorize(browser, app, { acr_values: acr(5) }))).claims()?.acr).toBe(acr(2));
  const silent = await browser.send((await authorizationUrl(app, { acr_values: acr(5), prompt: 'none' })).url);
  expect(silent.headers.get('location')).toContain('code=');
});

test('an essential level that is not reached gives no code', async () => {
  const { app, browser } = await setUp();
  await exchange(app, await authorize(browser, app));
  const claims = JSON.stringify({ id_token: { acr: { essential: true, values: [acr(5)] } } });
  const silent = await browser.send((await authorizationUrl(app, { claims, prompt: 'none' })).url);
  expect(silent.headers.get('location')).toContain('error=login_required');
});

test('the claims parameter brings single claims, to userinfo or into the ID token', async () => {
  const { app, browser } = await setUp();
  const claims = JSON.stringify({ userinfo: { name: { essential: true } }, id_token: { assurance_level: null } });
  const tokens = await exchange(app, await authorize(browser, app, { scope: 'openid', claims }));
  expect(tokens.claims()?.['assurance_level']).toBeTypeOf('number');
  expect(await client.fetchUserInfo(app.config, tokens.access_token, tokens.claims()?.sub ?? '')).toMatchObject({ name: '林小满' });
});

test('id_token_hint with prompt=none succeeds for the same person and fails for another', async () => {
  const { provider, app, browser } = await setUp();
  const tokens = await exchange(app, await authorize(browser, app));
  const silent = { prompt: 'none', id_token_hint: tokens.id_token ?? '' };
  expect((await browser.send((await authorizationUrl(app, silent)).url)).headers.get('location')).toContain('code=');
  const { registerPerson } = await import('#people/register-person.ts');
  const other = await registerPerson(provider.deps, { name: '陈大为', phone: `138${String(Date.now()).slice(-8)}`, by: 'system:test' });
  provider.login.personId = other.id;
  const stranger = new TestBrowser();
  await exchange(app, await authorize(stranger, app));
  expect((await stranger.send((await authorizationUrl(app, silent)).url)).headers.get('location')).toContain('error=login_required');
});

test('when somebody else signs in in the same browser, the first person is logged out everywhere first', async () => {
  const { provider, app, browser } = await setUp();
  const tokens = await exchange(app, await authorize(browser, app));
  const { registerPerson } = await import('#people/register-person.ts');
  const other = await registerPerson(provider.deps, { name: '郑一鸣', phone: `137${String(Date.now()).slice(-8)}`, by: 'system:test' });
  provider.login.personId = other.id;
  const request = await authorizationUrl(app, { prompt: 'login' });
  const page = await browser.go(request.url);
  // The engine sends a form on its own; without script it has a button.
  const visit = await browser.submit(page, {}, (url) => url.href.startsWith(app.redirectUri));
  const next = await exchange(app, { ...request, callback: new URL(visit.url), visit });
  expect(next.claims()?.sub).not.toBe(tokens.claims()?.sub);
  const logouts = await db.oidcLogoutDelivery.findMany({ where: { clientId: app.id } });
  expect(logouts).toHaveLength(1);
  await expect(client.refreshTokenGrant(app.config, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
});
