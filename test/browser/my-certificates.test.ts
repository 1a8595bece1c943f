/** A citizen's certificate in a real browser: get it, sign in with it, sign a file with it, have the file verified, revoke it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerPerson } from '#people/register-person.ts';
import { recordRepresentative } from '#people/representatives.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { authorizationUrl, testApp } from '#test/flow/oidc/test-app.ts';
import type { TestProvider } from '#test/flow/oidc/test-provider.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { launchChromium, PHONE, visit } from './chromium.ts';

const screenshots = process.env['TONGREN_SCREENSHOTS'];
const folder = mkdtempSync(join(tmpdir(), 'tongren-certificates-'));
let city: WebCity;
let browser: Browser;

beforeAll(async () => {
  city = await webCity({ listen: true });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const picture = async (page: Page, name: string) => {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
};

async function person(phone: string) {
  const evidence = { method: 'registry-match' as const, source: 'register' };
  return (await registerPerson(city.deps, { name: '欧阳晓梅', phone, by: 'system:test', evidence })).id;
}

test('get one in under two seconds, sign out, sign in with it, sign a PDF, see a personal signature, revoke', async () => {
  const session = await city.sessionOf(await person('13900020001'));
  const { page, context, complaints } = await visit(browser, city.origin, { size: PHONE, session });
  await page.goto('/my/certificates');
  await page.getByRole('button', { name: '领取证书' }).click();
  await page.waitForURL(/\/my\/certificates\/[0-9a-f]+$/);
  const took = page.locator('[data-took]');
  await took.waitFor({ state: 'visible' });
  expect(await took.textContent()).toContain('证书已签发');
  const milliseconds = Number(await took.getAttribute('data-took'));
  expect(milliseconds).toBeGreaterThan(0);
  expect(milliseconds).toBeLessThan(2_000);
  // The page asks the browser for its keys after it was loaded.
  await page.locator('[data-place]', { hasText: '在本浏览器' }).first().waitFor();
  const own = page.url();
  await picture(page, 'certificate-new-phone');
  // The key is there, and cannot be read out by any script of the page.
  const extractable = await page.evaluate(async () => {
    const opening = indexedDB.open('tongren-held-keys');
    await new Promise((done) => opening.addEventListener('success', done));
    const asked = opening.result.transaction('keys').objectStore('keys').getAll();
    await new Promise((done) => asked.addEventListener('success', done));
    opening.result.close();
    return (asked.result as { key: CryptoKey }[]).map(({ key }) => key.extractable);
  });
  expect(extractable).toEqual([false]);

  await page.getByRole('button', { name: '退出' }).click();
  await page.waitForURL((url) => !url.pathname.startsWith('/my'));
  await page.goto('/login?return=/my/certificates');
  await page.locator('[data-certificate-sign-in] button').waitFor();
  await picture(page, 'login-with-certificate-phone');
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: '用数字证书登录' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/my\/certificates$/);
  // The page asks the browser for its keys after it was loaded.
  await page.locator('[data-place]', { hasText: '在本浏览器' }).first().waitFor();

  const file = join(folder, '租房合同.pdf');
  writeFileSync(file, samplePdf());
  await page.goto('/my/certificates/sign');
  expect(await page.textContent('main')).toContain('个人签名');
  await page.setInputFiles('input[type="file"]', file);
  await page.getByRole('button', { name: '签署' }).click();
  const link = page.locator('[data-download]');
  await link.waitFor({ state: 'visible' });
  expect(await page.locator('[data-level="lt"]').isVisible()).toBe(true);
  expect(await page.locator('[data-level="b"]').isVisible()).toBe(false);
  await picture(page, 'signed-pdf-phone');
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  expect(download.suggestedFilename()).toBe('租房合同-signed.pdf');
  const signed = join(folder, 'signed.pdf');
  await download.saveAs(signed);
  await page.goto('/verify');
  await page.setInputFiles('input[type="file"]', signed);
  await page.getByRole('button', { name: '开始核验' }).click();
  await page.waitForSelector('.verdict');
  expect(await page.textContent('.verdict')).toContain('个人签名');
  expect(await page.textContent('.verdict-word')).not.toContain('官方');
  await picture(page, 'verify-personal-phone');

  await page.goto(own);
  await page.selectOption('select[name="reason"]', 'key-compromise');
  await page.getByLabel('我确认吊销这张证书').check();
  await page.getByRole('button', { name: '吊销证书' }).click();
  await page.waitForSelector('.badge-bad');
  expect(await page.textContent('.head-row')).toContain('已吊销');
  expect(complaints).toEqual([]);

  // A revoked certificate opens nothing, and says so where it was tried.
  await context.clearCookies();
  await page.goto('/login');
  await page.getByRole('button', { name: '用数字证书登录' }).click();
  const trouble = page.locator('[data-certificate-sign-in] [data-trouble]');
  await trouble.waitFor({ state: 'visible' });
  expect(await trouble.textContent()).toContain('证书登录未成功');
  await context.close();
});

test('renewing in the browser makes a new key; the certificate signs in at an app, and one for an organisation is not offered there', async () => {
  const id = await person('13900020005');
  const { page, context, complaints } = await visit(browser, city.origin, { size: PHONE, session: await city.sessionOf(id) });
  await page.goto('/my/certificates');
  await page.getByRole('button', { name: '领取证书' }).click();
  await page.waitForURL(/\/my\/certificates\/[0-9a-f]+$/);
  const first = page.url();
  const serialHex = first.split('/').at(-1) ?? '';
  expect(await page.getByRole('button', { name: '续期' }).count()).toBe(0);
  const soon = new Date(city.deps.clock.now().getTime() + 20 * 86_400_000);
  await city.deps.db.issuedCertificate.update({ where: { serialHex }, data: { notAfter: soon } });
  await page.reload();
  await picture(page, 'certificate-renew-phone');
  await page.getByRole('button', { name: '续期' }).click();
  await page.waitForURL((url) => /\/my\/certificates\/[0-9a-f]+$/.test(url.pathname) && url.href !== first);
  await page.locator('[data-place]').filter({ hasText: '在本浏览器' }).waitFor();
  const newest = page.url().split('/').at(-1) ?? '';
  const fingerprints = await Promise.all(
    [serialHex, newest].map(async (serial) => {
      const row = await city.deps.db.certificateRequest.findUniqueOrThrow({ where: { serialHex: serial } });
      return Buffer.from(row.keyDigest).toString('hex');
    }),
  );
  expect(new Set(fingerprints).size).toBe(2);
  await page.goto(first);
  expect(await page.textContent('main')).toContain('已续期');

  await city.deps.db.$transaction((tx) =>
    recordRepresentative(tx, {
      ...{ organisationId: city.company.id, personId: id, source: 'register', by: 'system:test', at: city.deps.clock.now() },
    }),
  );
  await page.goto('/my/organisations');
  await page.getByRole('button', { name: '领取法定代表人证书' }).click();
  await page.waitForURL(/\/my\/certificates\/[0-9a-f]+$/);
  await page.locator('[data-place]').filter({ hasText: '在本浏览器' }).waitFor();
  await context.clearCookies();

  const app = await testApp(
    { deps: { ...city.context, issuer: `${city.origin}/oidc` }, oidc: city.context.oidc } as unknown as TestProvider,
    'browser-app',
  );
  await page.goto((await authorizationUrl(app)).url.href);
  await page.waitForURL(/\/login\/[^/]+$/);
  const offered = page.locator('[data-certificate-sign-in] button');
  await offered.first().waitFor();
  // Both of the person, none of the organisation.
  expect(await offered.count()).toBe(2);
  await picture(page, 'login-app-with-certificate-phone');
  await offered.filter({ hasText: newest.slice(-4) }).click();
  await page.waitForURL((url) => url.href.startsWith(app.redirectUri));
  expect(new URL(page.url()).searchParams.get('code')).toBeTruthy();
  expect(complaints.filter((complaint) => !complaint.includes(app.redirectUri))).toEqual([]);
  await context.close();
});

test('a browser that holds no certificate is not offered to sign in with one, nor to sign', async () => {
  const session = await city.sessionOf(await person('13900020002'));
  const { page, context } = await visit(browser, city.origin, { session });
  await page.goto('/my/certificates/sign');
  await page.locator('[data-none]').waitFor({ state: 'visible' });
  expect(await page.locator('[data-fields]').isVisible()).toBe(false);
  await context.clearCookies();
  await page.goto('/login', { waitUntil: 'networkidle' });
  expect(await page.locator('[data-certificate-sign-in]').isVisible()).toBe(false);
  await context.close();
});

test.each([
  ['WebCrypto', '13900020003', 'Object.defineProperty(Crypto.prototype, "subtle", { value: undefined });', '请改用 https 地址'],
  ['IndexedDB', '13900020004', 'Object.defineProperty(globalThis, "indexedDB", { value: undefined });', '浏览器不能保存密钥'],
])('without %s the page says why and offers no button', async (_what, phone, script, words) => {
  const session = await city.sessionOf(await person(phone));
  const { page, context, complaints } = await visit(browser, city.origin, { session });
  await page.addInitScript(script);
  await page.goto('/my/certificates');
  const trouble = page.locator('[data-trouble]');
  await trouble.waitFor({ state: 'visible' });
  expect(await trouble.textContent()).toContain(words);
  expect(await page.getByRole('button', { name: '领取证书' }).isDisabled()).toBe(true);
  expect(complaints).toEqual([]);
  await context.close();
});
