/** Who changes a password, or throws the other devices out, throws them out of the apps as well; the own browser stays. */
import { decodeJwt } from 'jose';
import { refreshTokenGrant } from 'openid-client';
import { describe, expect, test } from 'vitest';
import { deliverDueLogouts } from '#oidc/deliver-logouts.ts';
import { authorizationUrl, exchange, type TestApp, testApp } from '#test/flow/oidc/test-app.ts';
import { TestBrowser, type Visit } from '#test/flow/oidc/test-browser.ts';
import type { TestProvider } from '#test/flow/oidc/test-provider.ts';
import { testDatabase } from '#test/test-database.ts';
import { formTo, loginWorld, PASSWORD } from './login-world.ts';

const { db } = await testDatabase();

type World = Awaited<ReturnType<typeof loginWorld>>;

async function fill(browser: TestBrowser, page: Visit, ending: string, values: Record<string, string>, app?: TestApp): Promise<Visit> {
  const { action, body } = formTo(page.html, ending);
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  return browser.go(
    new URL(action, page.url),
    { method: 'POST', body },
    (url) => app !== undefined && url.href.startsWith(app.redirectUri),
  );
}

/** Opens the app; answers whether the browser came back to it without being asked for anything. */
async function isKnownAt(browser: TestBrowser, app: TestApp): Promise<boolean> {
  const { url } = await authorizationUrl(app);
  return (await browser.go(url, {}, (next) => next.href.startsWith(app.redirectUri))).url.includes('code=');
}

/** Signs in at the app with the password everybody knows by now; with a refresh token. */
async function signInAtApp(world: World, app: TestApp, phone: string) {
  const browser = new TestBrowser();
  const request = await authorizationUrl(app);
  const page = await browser.go(request.url);
  const uid = new URL(page.url).pathname.split('/').at(-1) ?? '';
  const back = await fill(browser, page, uid, { login: phone, password: PASSWORD }, app);
  expect(new URL(page.url).origin).toBe(world.origin);
  const tokens = await exchange(app, { ...request, callback: new URL(back.url), visit: back });
  return { browser, refreshToken: tokens.refresh_token ?? '' };
}

async function newWorld() {
  const world = await loginWorld(db);
  const app = await testApp(world as unknown as TestProvider, `out-${Math.random().toString(36).slice(2, 8)}`);
  const { id: personId, phone } = await world.person();
  const thief = await signInAtApp(world, app, phone);
  const owner = await signInAtApp(world, app, phone);
  expect([await isKnownAt(thief.browser, app), await isKnownAt(owner.browser, app)]).toEqual([true, true]);
  return { world, app, personId, phone, thief, owner };
}

/** The portal's sessions of a person, the oldest, which is the thief's, first. */
const sessionsOf = (personId: string) => db.browserSession.findMany({ where: { personId }, orderBy: { createdAt: 'asc' } });

async function idOfThief(personId: string): Promise<string> {
  return (await sessionsOf(personId))[0]?.id ?? '';
}

/** By the owner's list of devices. */
async function endDevice({ world, owner }: Awaited<ReturnType<typeof newWorld>>, sessionId: string) {
  const page = await owner.browser.go(`${world.origin}/my/sessions`);
  await fill(owner.browser, page, `/my/sessions/${sessionId}/end`, {});
}

/** As after more than the idle time: the portal knows the session no more. */
const letDie = (id: string) => db.browserSession.update({ where: { id }, data: { lastSeenAt: new Date(Date.now() - 3_600_000) } });

async function expectThiefOut({ app, thief, owner }: Awaited<ReturnType<typeof newWorld>>) {
  expect(await isKnownAt(thief.browser, app)).toBe(false);
  await expect(refreshTokenGrant(app.config, thief.refreshToken)).rejects.toThrow();
  expect(await isKnownAt(owner.browser, app)).toBe(true);
  expect((await refreshTokenGrant(app.config, owner.refreshToken)).access_token).toBeTruthy();
}

describe('the other browsers of a person are out of every app', () => {
  test('after a new password for a forgotten one', async () => {
    const city = await newWorld();
    const { world, phone, owner } = city;
    const page = await owner.browser.go(`${world.origin}/login/new-password`);
    const code = await fill(owner.browser, page, '/sms-code', { phone });
    const proved = await fill(owner.browser, code, '/code', { code: world.lastCode(phone) });
    const done = await fill(owner.browser, proved, '/new-password', { password: 'River-Crossing-82', again: 'River-Crossing-82' });
    expect(done.status).toBe(200);
    await expectThiefOut(city);
  });

  test('after a changed password', async () => {
    const city = await newWorld();
    const page = await city.owner.browser.go(`${city.world.origin}/my/account`);
    const done = await fill(city.owner.browser, page, '/my/account/password', { current: PASSWORD, password: 'River-Crossing-83' });
    expect(done.url).toContain('done=password');
    await expectThiefOut(city);
  });

  test('after "sign out other devices"', async () => {
    const city = await newWorld();
    const page = await city.owner.browser.go(`${city.world.origin}/my/sessions`);
    await fill(city.owner.browser, page, '/end-others', {});
    await expectThiefOut(city);
  });

  test('after that one device was ended: a third stays, and the app hears which session it was', async () => {
    const city = await newWorld();
    const { world, app, personId, phone, owner, thief } = city;
    const third = await signInAtApp(world, app, phone);
    await endDevice(city, await idOfThief(personId));
    await expectThiefOut(city);
    expect(await isKnownAt(third.browser, app)).toBe(true);
    expect((await refreshTokenGrant(app.config, third.refreshToken)).access_token).toBeTruthy();
    // Nor does the portal know the device any more.
    expect((await thief.browser.go(`${world.origin}/my`)).url).toContain('/login');
    const [logout, ...more] = await db.oidcLogout.findMany({ where: { personId }, include: { deliveries: true } });
    expect([logout?.reason, more.length]).toEqual(['device', 0]);
    expect(logout?.deliveries).toMatchObject([{ clientId: app.id, sid: expect.any(String) }]);
    await deliverDueLogouts(world.deps);
    expect(app.logoutTokens.map((token) => decodeJwt(token)['sid'])).toEqual([logout?.deliveries[0]?.sid]);
    expect((await owner.browser.go(`${world.origin}/my/sessions`)).html.match(/\/end"/g)?.length).toBe(1);
  });

  test('also when its portal session has died of time meanwhile: the device is listed while apps are signed in there', async () => {
    const city = await newWorld();
    const { world, personId, owner } = city;
    const id = await idOfThief(personId);
    await letDie(id);
    expect((await owner.browser.go(`${world.origin}/my/sessions`)).html).toContain(id);
    await endDevice(city, id);
    await expectThiefOut(city);
    expect((await owner.browser.go(`${world.origin}/my/sessions`)).html).not.toContain(id);
  });

  test('also when the portal was signed in to anew there: the new session stands for the apps of before', async () => {
    const city = await newWorld();
    const { world, personId, phone, thief } = city;
    const old = await idOfThief(personId);
    await letDie(old);
    const page = await thief.browser.go(`${world.origin}/login?return=/my`);
    await fill(thief.browser, page, '/login', { login: phone, password: PASSWORD });
    const newest = (await sessionsOf(personId)).at(-1);
    expect(newest?.id).not.toBe(old);
    await endDevice(city, newest?.id ?? '');
    await expectThiefOut(city);
  });

  test('but nobody ends the device of another person', async () => {
    const city = await newWorld();
    const { world, app, personId, thief } = city;
    const { phone: other } = await world.person();
    const stranger = await signInAtApp(world, app, other);
    const page = await stranger.browser.go(`${world.origin}/my/sessions`);
    const { body } = formTo(page.html, '/end-others');
    await stranger.browser.go(`${world.origin}/my/sessions/${await idOfThief(personId)}/end`, { method: 'POST', body });
    expect(await isKnownAt(thief.browser, app)).toBe(true);
    expect((await refreshTokenGrant(app.config, thief.refreshToken)).access_token).toBeTruthy();
  });
});
