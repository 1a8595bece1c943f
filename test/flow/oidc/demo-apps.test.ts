import { expect, onTestFinished, test } from 'vitest';
import { type RelyingApp, runRelyingApp } from '#demo/relying-apps/run-relying-app.ts';
import { seedDemoClients } from '#demo/relying-apps/seed-demo-clients.ts';
import { deliverDueLogouts } from '#oidc/deliver-logouts.ts';
import { freePort } from '#test/free-port.ts';
import { testDatabase } from '#test/test-database.ts';
import { TestBrowser } from './test-browser.ts';
import { type TestProvider, testProvider } from './test-provider.ts';

const { db } = await testDatabase();

async function demoCity(): Promise<{ provider: TestProvider; apps: RelyingApp[] }> {
  const provider = await testProvider(db);
  const origins = (await Promise.all([freePort(), freePort()])).map((port) => `http://localhost:${port}`) as [string, string];
  const clients = await seedDemoClients(provider.deps, { origins });
  const apps = await Promise.all(
    clients.map((client, index) => {
      const other = clients[1 - index] as typeof client;
      return runRelyingApp({
        ...client,
        issuer: provider.oidc.issuer,
        other: { name: other.app.name, origin: other.origin },
      });
    }),
  );
  onTestFinished(async () => void (await Promise.all(apps.map((app) => app.close()))));
  return { provider, apps };
}

test('journey 1: signed in at one demo app, recognised at the other under another subject, logged out of both', async () => {
  const { provider, apps } = await demoCity();
  const [rongcheng, ludao] = apps as [RelyingApp, RelyingApp];
  const browser = new TestBrowser();

  const stranger = await browser.go(rongcheng.url);
  expect(stranger.html).toContain('用“通认”登录');
  const home = await browser.go(`${rongcheng.url}/sign-in`);
  expect(home.html).toContain('您好，林小满');
  expect(home.html).toMatch(/139\d{8}/);

  const consent = await browser.go(`${ludao.url}/sign-in`);
  expect(consent.url).toContain('/consent/');
  expect(consent.html).toContain('i鹭岛');
  expect(consent.html).toContain('鹭岛市民卡服务有限公司');
  expect(consent.html).toContain('姓名');
  expect(consent.html).not.toContain('身份证号（完整）');
  const separate = await browser.submit(consent, { answer: 'agree', accepted: ['phone_number'] });
  expect(separate.html).toContain('单独同意');
  expect(separate.html).toContain('身份证号（完整）');
  const there = await browser.submit(separate, { answer: 'agree' });
  expect(there.html).toContain('您好，林小满');
  expect(there.html).not.toContain('身份证号（完整）');
  expect(there.html).not.toContain('实名等级');

  const subject = (html: string) => /<code>([^<]+)<\/code>/.exec(html)?.[1];
  expect(subject(there.html)).toHaveLength(43);
  expect(subject(there.html)).not.toBe(subject(home.html));
  expect(apps.map((app) => app.sessionCount())).toEqual([1, 1]);

  const again = await browser.go(`${ludao.url}/sign-in`);
  expect(again.html, 'what was agreed to is not asked again').toContain('您好，林小满');

  const question = await browser.submit(await browser.go(rongcheng.url));
  expect(question.html).toContain('全部退出');
  const gone = await browser.submit(question, { logout: 'yes' });
  expect(gone.html).toContain('您已退出登录');
  expect(await deliverDueLogouts(provider.deps)).toBeGreaterThanOrEqual(2);
  expect(apps.map((app) => app.sessionCount())).toEqual([0, 0]);
  const report = await browser.go(`${provider.origin}/logged-out`);
  expect(report.html.match(/已确认退出/g)).toHaveLength(2);
  expect((await browser.go(ludao.url)).html).toContain('用“通认”登录');
});

test('an app that is typed in by hand finds the person signed in already', async () => {
  const { apps } = await demoCity();
  const browser = new TestBrowser();
  await browser
    .go(`${apps[1]?.url}/sign-in`)
    .then(async (page) => browser.submit(await browser.submit(page, { answer: 'agree' }), { answer: 'agree' }));
  expect((await browser.go(`${apps[0]?.url}/`)).html).toContain('您好，林小满');
});

test('a refusal is told to the app, which says so', async () => {
  const { apps } = await demoCity();
  const browser = new TestBrowser();
  const consent = await browser.go(`${apps[1]?.url}/sign-in`);
  const back = await browser.submit(consent, { answer: 'refuse' });
  expect(back.status).toBe(403);
  expect(back.html).toContain('您没有同意授权');
});

test('a second start with other ports keeps the apps and their subjects', async () => {
  const first = await demoCity();
  const second = await demoCity();
  expect(await db.oidcClient.count({ where: { id: { in: ['e-rongcheng', 'i-ludao'] } } })).toBe(2);
  expect(second.apps[0]?.url).not.toBe(first.apps[0]?.url);
  expect((await new TestBrowser().go(`${second.apps[0]?.url}/sign-in`)).html).toContain('您好');
});

test('a logout token from anybody else ends nothing', async () => {
  const { apps } = await demoCity();
  await new TestBrowser().go(`${apps[0]?.url}/sign-in`);
  const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"x"}').toString('base64url')}.`;
  for (const token of [forged, '', 'x'.repeat(40_000)]) {
    const reply = await fetch(`${apps[0]?.url}/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });
    expect(reply.status).toBeGreaterThanOrEqual(400);
  }
  expect(apps[0]?.sessionCount()).toBe(1);
});
