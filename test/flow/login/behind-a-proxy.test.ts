/** Limits by address count the address that our own proxy saw, not one that a client wrote into the header, and not the proxy's. */
import { expect, test } from 'vitest';
import { authorizationUrl, testApp } from '#test/flow/oidc/test-app.ts';
import { TestBrowser, type Visit } from '#test/flow/oidc/test-browser.ts';
import type { TestProvider } from '#test/flow/oidc/test-provider.ts';
import { testDatabase } from '#test/test-database.ts';
import { formTo, loginWorld } from './login-world.ts';

const { db } = await testDatabase();

/** A second code to one phone within a minute is refused for one and the same address. */
async function askForCode(browser: TestBrowser, page: Visit, phone: string, forwardedFor: string): Promise<number> {
  const { action, body } = formTo(page.html, '/sms-code');
  body.set('phone', phone);
  const headers = { 'x-forwarded-for': forwardedFor };
  return (await browser.send(new URL(action, page.url), { method: 'POST', body, headers })).status;
}

test('an address invented by the client does not make it another client', async () => {
  const world = await loginWorld(db, { trustProxy: true });
  const phone = world.newPhone();
  const browser = new TestBrowser();
  const page = await browser.send(`${world.origin}/login?way=sms`);
  expect(await askForCode(browser, page, phone, '203.0.113.1, 198.51.100.7')).toBe(303);
  expect(await askForCode(browser, page, phone, '203.0.113.2, 198.51.100.7')).toBe(429);
  expect(await askForCode(browser, page, phone, '203.0.113.2, 198.51.100.8')).toBe(303);
});

test('within the request of an app, two clients behind the proxy stay two', async () => {
  const world = await loginWorld(db, { trustProxy: true });
  const app = await testApp(world as unknown as TestProvider, `proxied-${Math.random().toString(36).slice(2, 8)}`);
  const phone = world.newPhone();
  const browser = new TestBrowser();
  const arrived = await browser.go((await authorizationUrl(app)).url);
  const page = await browser.send(`${arrived.url}?way=sms`);
  expect(await askForCode(browser, page, phone, '198.51.100.17')).toBe(303);
  expect(await askForCode(browser, page, phone, '198.51.100.18')).toBe(303);
  expect(await askForCode(browser, page, phone, '198.51.100.18')).toBe(429);
});

test('without a proxy of ours the header says nothing', async () => {
  const world = await loginWorld(db);
  const phone = world.newPhone();
  const browser = new TestBrowser();
  const page = await browser.send(`${world.origin}/login?way=sms`);
  expect(await askForCode(browser, page, phone, '198.51.100.27')).toBe(303);
  expect(await askForCode(browser, page, phone, '198.51.100.28')).toBe(429);
});
