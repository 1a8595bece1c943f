import { describe, expect, test } from 'vitest';
import { authorizationUrl, exchange, type TestApp, testApp } from '#test/flow/oidc/test-app.ts';
import { TestBrowser, type Visit } from '#test/flow/oidc/test-browser.ts';
import type { TestProvider } from '#test/flow/oidc/test-provider.ts';
import { testDatabase } from '#test/test-database.ts';
import { formTo, loginWorld, NEWCOMER, PASSWORD } from './login-world.ts';

const { db } = await testDatabase();

type World = Awaited<ReturnType<typeof loginWorld>>;
const counter = { evidence: { method: 'counter', source: 'desk' } } as const;

async function newApp(world: World, id: string): Promise<TestApp> {
  return testApp(world as unknown as TestProvider, `${id}-${Math.random().toString(36).slice(2, 8)}`);
}

/** Opens the app's request and stops at the first page, or back at the app. */
async function arrive(browser: TestBrowser, app: TestApp, extra: Record<string, string> = {}) {
  const request = await authorizationUrl(app, extra);
  const visit = await browser.go(request.url, {}, (url) => url.href.startsWith(app.redirectUri));
  return { ...request, visit };
}

async function fill(browser: TestBrowser, page: Visit, ending: string, values: Record<string, string>, app: TestApp): Promise<Visit> {
  const { action, body } = formTo(page.html, ending);
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  return browser.go(new URL(action, page.url), { method: 'POST', body }, (url) => url.href.startsWith(app.redirectUri));
}

const uidOf = (visit: Visit) => new URL(visit.url).pathname.split('/').at(-1) as string;

describe('signing in for an app', () => {
  test('names the app, lets the form lead to it, and the app learns level and method', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'bus');
    const { phone } = await world.person({ method: 'registry-match', source: 'register' });
    const browser = new TestBrowser();
    const request = await arrive(browser, app);
    expect(request.visit.status).toBe(200);
    expect(request.visit.html).toContain(`应用${app.id}`);
    expect(request.visit.headers.get('content-security-policy')).toContain(new URL(app.redirectUri).origin);
    const back = await fill(browser, request.visit, uidOf(request.visit), { login: phone, password: PASSWORD }, app);
    const claims = (await exchange(app, { ...request, callback: new URL(back.url), visit: back })).claims();
    expect(claims).toMatchObject({ acr: 'urn:tongren:acr:3', amr: ['pwd'] });
    expect(browser.cookie('tongren_session')).toBeDefined();
  });

  test('a wrong password stays within the request, and the right one then goes on', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'wrong');
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const request = await arrive(browser, app);
    const refused = await fill(browser, request.visit, uidOf(request.visit), { login: phone, password: 'Wrong-Tree-37' }, app);
    expect([refused.status, refused.html.includes('账号或密码不正确')]).toEqual([401, true]);
    const back = await fill(browser, refused, uidOf(request.visit), { login: phone, password: PASSWORD }, app);
    expect(back.url).toContain('code=');
  });

  test('by SMS, as a newcomer who registers on the way', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'new');
    const phone = world.newPhone();
    const browser = new TestBrowser();
    const request = await arrive(browser, app);
    const smsPage = await browser.send(`${request.visit.url}?way=sms`);
    const codePage = await fill(browser, smsPage, '/sms-code', { phone }, app);
    const registerPage = await fill(browser, codePage, '/code', { code: world.lastCode(phone) }, app);
    const back = await fill(browser, registerPage, '/register', { name: '钱思远' }, app);
    const claims = (await exchange(app, { ...request, callback: new URL(back.url), visit: back })).claims();
    expect(claims).toMatchObject({ acr: 'urn:tongren:acr:2', amr: ['sms'] });
  });

  test('who is signed in at the portal goes straight through, and prompt=login asks again', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'sso');
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const page = await browser.send(`${world.origin}/login`);
    const { body } = formTo(page.html, '/login');
    body.set('login', phone);
    body.set('password', PASSWORD);
    await browser.send(`${world.origin}/login`, { method: 'POST', body });
    const through = await arrive(browser, app);
    expect(through.visit.url).toContain('code=');
    const again = await arrive(browser, app, { prompt: 'login' });
    expect([again.visit.status, again.visit.html.includes('请重新登录')]).toEqual([200, true]);
    const back = await fill(browser, again.visit, uidOf(again.visit), { login: phone, password: PASSWORD }, app);
    expect(back.url).toContain('code=');
  });

  test('the person goes back without signing in, and the app is told', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'no');
    const browser = new TestBrowser();
    const request = await arrive(browser, app);
    const back = await fill(browser, request.visit, '/refuse', {}, app);
    const answer = new URL(back.url).searchParams;
    expect([answer.get('error'), answer.get('state')]).toEqual(['access_denied', request.state]);
  });

  test("another browser cannot finish somebody's request", async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'other');
    const browser = new TestBrowser();
    const request = await arrive(browser, app);
    const stranger = await new TestBrowser().send(request.visit.url);
    expect(stranger.status).toBeGreaterThanOrEqual(400);
    expect(stranger.html).not.toContain('name="password"');
  });
});

describe('when an app asks for more', () => {
  test('level 4: after the password the second factor is asked for, and both together reach it', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'mfa');
    const { phone } = await world.person(counter.evidence);
    const browser = new TestBrowser();
    const request = await arrive(browser, app, { acr_values: 'urn:tongren:acr:4' });
    const more = await fill(browser, request.visit, uidOf(request.visit), { login: phone, password: PASSWORD }, app);
    expect([more.status, more.html.includes('更高的认证强度')]).toEqual([200, true]);
    const codePage = await fill(browser, more, '/sms-code', { phone }, app);
    const back = await fill(browser, codePage, '/code', { code: world.lastCode(phone) }, app);
    const claims = (await exchange(app, { ...request, callback: new URL(back.url), visit: back })).claims();
    expect(claims).toMatchObject({ acr: 'urn:tongren:acr:4', amr: ['pwd', 'sms', 'mfa'] });
  });

  test("somebody else's second factor is no second factor", async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'mix');
    const [first, second] = [await world.person(counter.evidence), await world.person(counter.evidence)];
    const browser = new TestBrowser();
    const request = await arrive(browser, app, { acr_values: 'urn:tongren:acr:4' });
    const more = await fill(browser, request.visit, uidOf(request.visit), { login: first.phone, password: PASSWORD }, app);
    const codePage = await fill(browser, more, '/sms-code', { phone: second.phone }, app);
    const asked = await fill(browser, codePage, '/code', { code: world.lastCode(second.phone) }, app);
    expect(asked.url).not.toContain('code=');
    expect(asked.html).toContain('更高的认证强度');
    expect(asked.html).toContain('current-password');
  });

  test('level 3: who has no proven name proves it on the way', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'real');
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const request = await arrive(browser, app, { acr_values: 'urn:tongren:acr:3' });
    const page = await fill(browser, request.visit, uidOf(request.visit), { login: phone, password: PASSWORD }, app);
    expect(page.url).toContain('/login/real-name');
    const back = await fill(browser, page, '/real-name', NEWCOMER, app);
    const claims = (await exchange(app, { ...request, callback: new URL(back.url), visit: back })).claims();
    expect(claims).toMatchObject({ acr: 'urn:tongren:acr:3' });
  });

  test('level 3, not now: the app learns the level there is', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'asis');
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const request = await arrive(browser, app, { acr_values: 'urn:tongren:acr:3' });
    const page = await fill(browser, request.visit, uidOf(request.visit), { login: phone, password: PASSWORD }, app);
    const back = await fill(browser, page, '/as-is', {}, app);
    const claims = (await exchange(app, { ...request, callback: new URL(back.url), visit: back })).claims();
    expect(claims).toMatchObject({ acr: 'urn:tongren:acr:2' });
  });
});

describe('signing out at the portal', () => {
  test('ends the provider session too: the next app asks again', async () => {
    const world = await loginWorld(db);
    const app = await newApp(world, 'out');
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const request = await arrive(browser, app);
    await fill(browser, request.visit, uidOf(request.visit), { login: phone, password: PASSWORD }, app);
    const page = await browser.send(`${world.origin}/login/real-name`);
    const { action, body } = formTo(page.html, '/logout');
    const out = await browser.send(new URL(action, page.url), { method: 'POST', body });
    expect([out.status, out.headers.get('location')]).toEqual([303, '/logged-out']);
    expect(browser.cookie('tongren_session')).toBeUndefined();
    const report = await browser.send(`${world.origin}/logged-out`);
    expect(report.html).toContain(`应用${app.id}`);
    const next = await arrive(browser, await newApp(world, 'next'));
    expect([next.visit.status, next.visit.html.includes('name="password"')]).toEqual([200, true]);
  });
});
