/** Who changes a password, or throws the other devices out, throws them out of the apps as well; the own browser stays. */
import { refreshTokenGrant } from 'openid-client';
import { describe, expect, test } from 'vitest';
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
  const { phone } = await world.person();
  const thief = await signInAtApp(world, app, phone);
  const owner = await signInAtApp(world, app, phone);
  expect([await isKnownAt(thief.browser, app), await isKnownAt(owner.browser, app)]).toEqual([true, true]);
  return { world, app, phone, thief, owner };
}

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
});
