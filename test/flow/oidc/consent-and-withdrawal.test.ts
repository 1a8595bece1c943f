import { randomUUID } from 'node:crypto';
import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { deliverDueLogouts } from '#oidc/deliver-logouts.ts';
import { registerPerson } from '#people/register-person.ts';
import { testDatabase } from '#test/test-database.ts';
import { authorizationUrl, authorize, exchange, type TestApp, testApp } from './test-app.ts';
import { TestBrowser } from './test-browser.ts';
import { randomPhone, type TestProvider, testProvider } from './test-provider.ts';

const { db } = await testDatabase();
let apps = 0;

async function setUp(overrides: Parameters<typeof testApp>[2] = {}) {
  const provider = await testProvider(db);
  const person = await registerPerson(provider.deps, {
    name: '周晓月',
    citizenNumber: nextCitizenNumber(),
    phone: randomPhone(),
    by: 'system:test',
  });
  provider.login.personId = person.id;
  const app = await testApp(provider, `consent-${++apps}`, { firstParty: false, ...overrides });
  return { provider, app, browser: new TestBrowser(), person };
}

/** Check-valid by GB 11643, of nobody. */
function nextCitizenNumber(): string {
  const first = `35010019900101${String(100 + apps).slice(-3)}`;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((total, weight, index) => total + weight * Number(first[index]), 0);
  return first + '10X98765432'[sum % 11];
}

const infoOf = async (app: TestApp, flow: Awaited<ReturnType<typeof authorize>>) => {
  const tokens = await exchange(app, flow);
  return client.fetchUserInfo(app.config, tokens.access_token, tokens.claims()?.sub ?? '');
};
const consentOf = (provider: TestProvider, app: TestApp) =>
  db.oidcConsent.findUnique({ where: { personId_clientId: { personId: provider.login.personId, clientId: app.id } } });

test('only ticked claims are given; what was left unticked is not asked for again', async () => {
  const { app, browser, person } = await setUp();
  const scope = 'openid profile phone identity';
  const info = await infoOf(app, await authorize(browser, app, { scope }, ['phone_number', 'citizen_number_masked']));
  expect(info).toEqual({
    sub: expect.any(String),
    phone_number: person.phone,
    phone_number_verified: true,
    citizen_number_masked: person.masked.citizenNumber,
  });
  const silent = await browser.send((await authorizationUrl(app, { scope, prompt: 'none' })).url);
  expect(silent.headers.get('location')).toContain('code=');
});

test('with nothing ticked the app learns the subject alone', async () => {
  const { app, browser } = await setUp();
  expect(Object.keys(await infoOf(app, await authorize(browser, app, { scope: 'openid profile phone' })))).toEqual(['sub']);
});

test('required claims are named as such and come with agreeing', async () => {
  const { app, browser } = await setUp({ requiredClaims: ['name'] });
  const page = await browser.go((await authorizationUrl(app, { scope: 'openid profile phone' })).url);
  expect(page.html).toMatch(/value="name" checked disabled/);
  expect(page.html).toContain('（必需）');
  expect(page.html).not.toMatch(/value="phone_number" checked/);
  expect(await infoOf(app, await authorize(new TestBrowser(), app, { scope: 'openid profile phone' }))).toMatchObject({ name: '周晓月' });
});

test('the page says who asks, who receives, and what for', async () => {
  const { app, browser } = await setUp();
  const { html } = await browser.go((await authorizationUrl(app)).url);
  for (const words of [`应用${app.id}`, `App ${app.id}`, '某市大数据局', 'City data bureau', '测试', '周晓月'.slice(0, 1)])
    expect(html).toContain(words);
});

test('a citizen number needs its own consent, even at an app of the city itself', async () => {
  const { app, browser, person } = await setUp({ firstParty: true });
  const scope = 'openid profile citizen_number';
  const request = await authorizationUrl(app, { scope });
  const page = await browser.go(request.url);
  expect(page.html).toContain('单独同意');
  expect(page.html).not.toContain('value="name"');
  const visit = await browser.submit(page, { accepted: 'citizen_number', answer: 'agree' }, (url) => url.href.startsWith(app.redirectUri));
  const info = await infoOf(app, { ...request, callback: new URL(visit.url), visit });
  expect(info).toMatchObject({ name: '周晓月', citizen_number: person.citizenNumber });
  const refused = await infoOf(app, await authorize(new TestBrowser(), app, { scope, prompt: 'consent' }));
  expect(refused, 'asked again and not ticked').not.toHaveProperty('citizen_number');
});

test('a forged tick gives nothing that was not on the page', async () => {
  const { app, browser } = await setUp();
  const info = await infoOf(app, await authorize(browser, app, { scope: 'openid profile' }, ['name', 'citizen_number', 'phone_number']));
  expect(Object.keys(info).sort()).toEqual(['name', 'sub']);
});

test('a new wish is asked for alone; what was agreed before stays', async () => {
  const { app, browser } = await setUp();
  await exchange(app, await authorize(browser, app, { scope: 'openid profile' }, ['name']));
  const request = await authorizationUrl(app, { scope: 'openid profile phone' });
  const page = await browser.go(request.url);
  expect(page.html).toContain('value="phone_number"');
  expect(page.html).not.toContain('value="name"');
  const visit = await browser.submit(page, { accepted: 'phone_number', answer: 'agree' }, (url) => url.href.startsWith(app.redirectUri));
  expect(await infoOf(app, { ...request, callback: new URL(visit.url), visit })).toMatchObject({
    name: '周晓月',
    phone_number: expect.any(String),
  });
});

test('refusing ends at the app with access_denied, and nothing is noted', async () => {
  const { provider, app, browser } = await setUp();
  const page = await browser.go((await authorizationUrl(app)).url);
  const visit = await browser.submit(page, { answer: 'refuse' }, (url) => url.href.startsWith(app.redirectUri));
  expect(new URL(visit.url).searchParams.get('error')).toBe('access_denied');
  expect(await consentOf(provider, app)).toBeNull();
});

test('withdrawing kills the tokens, tells the app, and makes it ask again', async () => {
  const { provider, app, browser, person } = await setUp();
  const tokens = await exchange(app, await authorize(browser, app, {}, ['name']));
  const [grant] = await provider.oidc.findGrants(person.id);
  expect(grant).toMatchObject({
    clientId: app.id,
    signedInNow: true,
    claims: [{ name: 'name', sensitive: false }],
    givenAt: expect.any(Date),
  });
  await provider.oidc.revokeGrant({ personId: person.id, clientId: app.id, by: `person:${person.id}` });
  await expect(client.refreshTokenGrant(app.config, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  await expect(client.fetchUserInfo(app.config, tokens.access_token, tokens.claims()?.sub ?? '')).rejects.toThrow();
  await deliverDueLogouts(provider.deps);
  expect(app.logoutTokens).toHaveLength(1);
  expect(await provider.oidc.findGrants(person.id)).toEqual([]);
  const silent = await browser.send((await authorizationUrl(app, { prompt: 'none' })).url);
  expect(silent.headers.get('location')).toContain('error=consent_required');
  expect((await infoOf(app, await authorize(browser, app, {}, ['name'])))['name']).toBe('周晓月');
  const events = await db.auditEvent.findMany({ where: { subject: `client:${app.id}` }, orderBy: { id: 'asc' } });
  expect(events.map(({ kind }) => kind)).toEqual(['client-registered', 'consent-given', 'consent-withdrawn', 'app-left', 'consent-given']);
  expect(JSON.stringify(events)).not.toContain('周晓月');
});

test('offline access outlives the session, and "log out everywhere" ends it', async () => {
  const { provider, app, browser, person } = await setUp();
  const offline = await exchange(
    app,
    await authorize(browser, app, { scope: 'openid profile offline_access', prompt: 'consent' }, ['name']),
  );
  const bound = await testApp(provider, `bound-${apps}`);
  const tokens = await exchange(bound, await authorize(browser, bound));
  await browser.go(`${provider.origin}/logout`, { method: 'POST' });
  await expect(client.refreshTokenGrant(bound.config, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  const renewed = await client.refreshTokenGrant(app.config, offline.refresh_token ?? '');
  expect(renewed.access_token).toBeTruthy();

  const second = new TestBrowser();
  await exchange(bound, await authorize(second, bound));
  const { logoutId } = await provider.oidc.endEverySession({ personId: person.id, by: `person:${person.id}` });
  await expect(client.refreshTokenGrant(app.config, renewed.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  expect((await second.send((await authorizationUrl(bound, { prompt: 'none' })).url)).headers.get('location')).toContain(
    'error=login_required',
  );
  await deliverDueLogouts(provider.deps);
  const report = await provider.oidc.logoutReport(logoutId);
  expect(report?.apps.map(({ clientId }) => clientId).sort()).toEqual([bound.id, app.id].sort());
});

test('offline access given on a device goes when that device is ended; on another it stays', async () => {
  const { provider, app, browser, person } = await setUp();
  const asked = { scope: 'openid profile offline_access', prompt: 'consent' };
  const lost = await exchange(app, await authorize(browser, app, asked, ['name']));
  const portalSessionId = randomUUID();
  await db.oidcSession.updateMany({ where: { personId: person.id }, data: { portalSessionId } });
  const kept = await exchange(app, await authorize(new TestBrowser(), app, asked, ['name']));
  await provider.oidc.endPortalSession({ personId: randomUUID(), portalSessionId, by: 'system:test' });
  expect(await provider.oidc.findPortalSessions(person.id)).toEqual([portalSessionId]);
  await provider.oidc.endPortalSession({ personId: person.id, portalSessionId, by: `person:${person.id}` });
  expect(await provider.oidc.findPortalSessions(person.id)).toEqual([]);
  await expect(client.refreshTokenGrant(app.config, lost.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  expect((await client.refreshTokenGrant(app.config, kept.refresh_token ?? '')).access_token).toBeTruthy();
  expect((await browser.send((await authorizationUrl(app, { prompt: 'none' })).url)).headers.get('location')).toContain('login_required');
});

test('an app that needs no session id gets one token without sid when every session ends', async () => {
  const { provider, browser, person } = await setUp();
  const plain = await testApp(provider, `no-sid-${apps}`, { logoutWithSid: false });
  for (const device of [browser, new TestBrowser(), new TestBrowser()]) await exchange(plain, await authorize(device, plain));
  await provider.oidc.endEverySession({ personId: person.id, by: 'staff:test' });
  await deliverDueLogouts(provider.deps);
  expect(plain.logoutTokens).toHaveLength(1);
  expect(JSON.parse(Buffer.from(plain.logoutTokens[0]?.split('.')[1] ?? '', 'base64url').toString())).not.toHaveProperty('sid');
});

test('leaving one app alone leaves the others signed in', async () => {
  const { provider, browser } = await setUp();
  const [leaver, stayer] = [await testApp(provider, `leaver-${apps}`), await testApp(provider, `stayer-${apps}`)];
  const tokens = await exchange(leaver, await authorize(browser, leaver));
  await exchange(stayer, await authorize(browser, stayer));
  const page = await browser.go(client.buildEndSessionUrl(leaver.config, { id_token_hint: tokens.id_token ?? '' }));
  await browser.submit(page);
  await deliverDueLogouts(provider.deps);
  expect([leaver.logoutTokens.length, stayer.logoutTokens.length]).toEqual([1, 0]);
  expect((await browser.send((await authorizationUrl(stayer, { prompt: 'none' })).url)).headers.get('location')).toContain('code=');
});
