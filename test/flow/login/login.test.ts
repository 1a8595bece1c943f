import { describe, expect, test } from 'vitest';
import { TestBrowser, type Visit } from '#test/flow/oidc/test-browser.ts';
import { testDatabase } from '#test/test-database.ts';
import { formTo, loginWorld, NEWCOMER, PASSWORD } from './login-world.ts';

const { db } = await testDatabase();

type World = Awaited<ReturnType<typeof loginWorld>>;

async function fill(browser: TestBrowser, page: Visit, ending: string, values: Record<string, string>): Promise<Visit> {
  const { action, body } = formTo(page.html, ending);
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  return browser.send(new URL(action, page.url), { method: 'POST', body });
}

async function signInWithPassword(world: World, browser: TestBrowser, phone: string, address = '/login') {
  const page = await browser.send(`${world.origin}${address}`);
  return fill(browser, page, '/login', { login: phone, password: PASSWORD });
}

describe('the sign-in page', () => {
  test('signs in with phone and password and goes where the person wanted', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const done = await signInWithPassword(world, browser, phone, '/login?return=%2Fmy%3Ftab%3Dcodes');
    expect([done.status, done.headers.get('location')]).toEqual([303, '/my?tab=codes']);
    expect(done.headers.getSetCookie().find((line) => line.startsWith('tongren_session='))).toMatch(/HttpOnly; SameSite=Lax$/);
    const again = await browser.send(`${world.origin}/login`);
    expect([again.status, again.headers.get('location')]).toEqual([303, '/my']);
  });

  test.each(['https://evil.example/', '//evil.example', '/\\evil.example', '/%09/evil', 'javascript:alert(1)', ' /my', '/my\nx'])(
    'never returns to %j',
    async (target) => {
      const world = await loginWorld(db);
      const { phone } = await world.person();
      const done = await signInWithPassword(world, new TestBrowser(), phone, `/login?return=${encodeURIComponent(target)}`);
      const location = new URL(done.headers.get('location') ?? '', world.origin);
      expect([done.status, location.origin]).toEqual([303, world.origin]);
    },
  );

  test('helps browsers, password stores and screen readers', async () => {
    const world = await loginWorld(db);
    const page = await new TestBrowser().send(`${world.origin}/login`);
    expect(page.status).toBe(200);
    for (const part of [
      'autocomplete="username"',
      'autocomplete="current-password"',
      'aria-current="page"',
      '<label for=',
      'lang="zh-CN"',
      'Sign in',
    ])
      expect(page.html).toContain(part);
    expect(page.html).not.toMatch(/<script(?![^>]*src=)|onclick|style="/);
    const sms = await new TestBrowser().send(`${world.origin}/login?way=sms`);
    for (const part of ['autocomplete="tel"', 'inputmode="tel"', '/login/sms-code']) expect(sms.html).toContain(part);
  });

  test('a wrong password says so in both languages, keeps the login and not the password', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const page = await browser.send(`${world.origin}/login`);
    const refused = await fill(browser, page, '/login', { login: `${phone} "><b>`, password: 'Wrong-Tree-37' });
    expect(refused.status).toBe(401);
    expect(refused.html).toContain('账号或密码不正确');
    expect(refused.html).toContain('The account or the password is not right.');
    expect(refused.html).not.toContain('Wrong-Tree-37');
    expect(refused.html).not.toContain('"><b>');
    expect(browser.cookie('tongren_session')).toBeUndefined();
  });

  test('after five failures the page tells how long to wait, but the browser used before still gets in', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const known = new TestBrowser();
    await signInWithPassword(world, known, phone);
    known.cookies.splice(0, known.cookies.length, ...known.cookies.filter(({ name }) => name === 'tongren_device'));
    const stranger = new TestBrowser();
    let page = await stranger.send(`${world.origin}/login`);
    for (let round = 0; round < 5; round++) page = await fill(stranger, page, '/login', { login: phone, password: 'Wrong-Tree-37' });
    const locked = await fill(stranger, page, '/login', { login: phone, password: PASSWORD });
    expect([locked.status, Number(locked.headers.get('retry-after'))]).toEqual([429, expect.closeTo(300, -1)]);
    expect(locked.html).toContain('约5分钟后可重试');
    expect((await signInWithPassword(world, known, phone)).status).toBe(303);
  });

  test('a form without our token is refused, and one from another site', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const page = await browser.send(`${world.origin}/login`);
    const { body } = formTo(page.html, '/login');
    body.set('login', phone);
    body.set('password', PASSWORD);
    const crossSite = await browser.send(`${world.origin}/login`, { method: 'POST', body, headers: { 'sec-fetch-site': 'cross-site' } });
    expect(crossSite.status).toBe(403);
    body.set('csrf', 'x'.repeat(43));
    expect((await browser.send(`${world.origin}/login`, { method: 'POST', body })).status).toBe(403);
    expect(browser.cookie('tongren_session')).toBeUndefined();
  });

  test.each([
    ['a login of a hundred characters', { login: '1'.repeat(100), password: 'x' }],
    ['a password of 600 characters', { login: '13900000001', password: 'x'.repeat(600) }],
    ['no fields at all', { login: '', password: '' }],
  ])('%s is an ordinary refusal', async (_what, values) => {
    const world = await loginWorld(db);
    const browser = new TestBrowser();
    const refused = await fill(browser, await browser.send(`${world.origin}/login`), '/login', values);
    expect([401, 422]).toContain(refused.status);
  });
});

describe('signing in by SMS', () => {
  test('phone, code, signed in; the challenge is a cookie of this browser and no page holds the phone in its address', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const browser = new TestBrowser();
    const sent = await fill(browser, await browser.send(`${world.origin}/login?way=sms&return=%2Fcounter`), '/sms-code', { phone });
    expect([sent.status, sent.headers.get('location')]).toEqual([303, '/login/code?return=%2Fcounter']);
    const page = await browser.send(`${world.origin}/login/code?return=%2Fcounter`);
    expect(page.html).toContain('autocomplete="one-time-code"');
    expect(page.html).toContain(`${phone.slice(0, 3)}****${phone.slice(-4)}`);
    expect(page.html).not.toContain(phone);
    const wrong = await fill(browser, page, '/code', { code: '000000' === world.lastCode(phone) ? '000001' : '000000' });
    expect(wrong.status).toBe(401);
    expect(wrong.html).toContain('验证码不正确');
    const done = await fill(browser, wrong, '/code', { code: world.lastCode(phone) });
    expect([done.status, done.headers.get('location')]).toEqual([303, '/counter']);
    expect(browser.cookie('tongren_session')).toBeDefined();
  });

  test('sending again too soon stays on the page and says so', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const browser = new TestBrowser();
    await fill(browser, await browser.send(`${world.origin}/login?way=sms`), '/sms-code', { phone });
    const page = await browser.send(`${world.origin}/login/code`);
    const refused = await fill(browser, page, '/sms-code', {});
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    expect(refused.html).toContain('操作过于频繁');
    expect((await fill(browser, refused, '/code', { code: world.lastCode(phone) })).status).toBe(303);
  });

  test('a wrong number is told at its field', async () => {
    const world = await loginWorld(db);
    const browser = new TestBrowser();
    const refused = await fill(browser, await browser.send(`${world.origin}/login?way=sms`), '/sms-code', { phone: '12345' });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('手机号码不正确');
    expect(refused.html).toContain('aria-invalid="true"');
  });

  test('a newcomer registers with the phone, proves the real name, and is known', async () => {
    const world = await loginWorld(db);
    const phone = world.newPhone();
    const browser = new TestBrowser();
    await fill(browser, await browser.send(`${world.origin}/login?way=sms`), '/sms-code', { phone });
    const code = await fill(browser, await browser.send(`${world.origin}/login/code`), '/code', { code: world.lastCode(phone) });
    expect(code.headers.get('location')).toBe('/login/register');
    const refused = await fill(browser, await browser.send(`${world.origin}/login/register`), '/register', { name: '<>' });
    expect([refused.status, refused.html.includes('姓名格式不正确')]).toEqual([422, true]);
    const made = await fill(browser, refused, '/register', { name: '' });
    expect([made.status, made.headers.get('location')]).toEqual([303, '/my']);

    const page = await browser.send(`${world.origin}/login/real-name?return=%2Fmy`);
    const mismatch = await fill(browser, page, '/real-name', { name: '赵二鸣', citizenNumber: NEWCOMER.citizenNumber });
    expect([mismatch.status, mismatch.html.includes('姓名与公民身份号码不一致')]).toEqual([422, true]);
    expect(mismatch.html).not.toContain(NEWCOMER.citizenNumber);
    const proven = await fill(browser, mismatch, '/real-name', NEWCOMER);
    expect([proven.status, proven.headers.get('location')]).toEqual([303, '/my']);
    expect((await browser.send(`${world.origin}/login/real-name`)).html).toContain('您已完成实名认证');
  });

  test('the pages of later steps lead back when there is nothing to do', async () => {
    const world = await loginWorld(db);
    const browser = new TestBrowser();
    expect((await browser.send(`${world.origin}/login/code`)).headers.get('location')).toBe('/login?way=sms');
    expect((await browser.send(`${world.origin}/login/register`)).headers.get('location')).toBe('/login');
    expect((await browser.send(`${world.origin}/login/real-name`)).status).toBe(303);
  });
});

describe('signing out', () => {
  test('ends the session; a link cannot do it', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const browser = new TestBrowser();
    await signInWithPassword(world, browser, phone);
    const token = browser.cookie('tongren_session');
    expect((await browser.send(`${world.origin}/logout`)).status).toBe(404);
    const page = await browser.send(`${world.origin}/login/real-name`);
    const out = await fill(browser, page, '/logout', {});
    expect(out.status).toBe(303);
    expect(browser.cookie('tongren_session')).toBeUndefined();
    browser.cookies.push({ name: 'tongren_session', value: token as string, host: new URL(world.origin).host, path: '/' });
    expect((await browser.send(`${world.origin}/login/real-name`)).headers.get('location')).toContain('/login');
    expect((await browser.send(`${world.origin}/login`)).status).toBe(200);
  });
});

describe('a forgotten password', () => {
  test('is replaced after a code by SMS, which also opens the lock that strangers had put on the account', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const stranger = new TestBrowser();
    let failed = await stranger.send(`${world.origin}/login`);
    for (let round = 0; round < 6; round++) failed = await fill(stranger, failed, '/login', { login: phone, password: 'Wrong-Tree-37' });
    expect(failed.status).toBe(429);

    const browser = new TestBrowser();
    const smsPage = await browser.go(`${world.origin}/login/new-password`);
    expect(smsPage.html).toContain('name="phone"');
    const sent = await fill(browser, smsPage, '/sms-code', { phone });
    const codePage = await browser.go(new URL(sent.headers.get('location') ?? '', world.origin));
    const proven = await fill(browser, codePage, '/code', { code: world.lastCode(phone) });
    expect(proven.headers.get('location')).toBe('/login/new-password');
    const page = await browser.go(`${world.origin}/login/new-password`);
    const differ = await fill(browser, page, '/new-password', { password: 'River-Crossing-82', again: 'River-Crossing-83' });
    expect([differ.status, differ.html.includes('两次输入的密码不一致')]).toEqual([422, true]);
    const weak = await fill(browser, differ, '/new-password', { password: 'password', again: 'password' });
    expect([weak.status, weak.html.includes('value="password"')]).toEqual([422, false]);
    const saved = await fill(browser, weak, '/new-password', { password: 'River-Crossing-82', again: 'River-Crossing-82' });
    expect([saved.status, saved.headers.get('location')]).toEqual([303, '/my']);

    const signIn = async (password: string) =>
      (await fill(stranger, await stranger.send(`${world.origin}/login`), '/login', { login: phone, password })).status;
    expect(await signIn(PASSWORD)).toBe(401);
    expect(await signIn('River-Crossing-82')).toBe(303);
  });

  test('a session opened by password alone does not set a new one', async () => {
    const world = await loginWorld(db);
    const { phone } = await world.person();
    const browser = new TestBrowser();
    await signInWithPassword(world, browser, phone);
    const asked = await browser.go(`${world.origin}/login/new-password`);
    expect(asked.html).toContain('请先确认是您本人');
    expect(asked.html).not.toContain('autocomplete="new-password"');
    const { body } = formTo(asked.html, '/sms-code');
    body.set('password', 'River-Crossing-82');
    body.set('again', 'River-Crossing-82');
    const refused = await browser.send(`${world.origin}/login/new-password`, { method: 'POST', body });
    expect(refused.headers.get('location')).toMatch(/^\/login\?way=sms/);
  });
});
