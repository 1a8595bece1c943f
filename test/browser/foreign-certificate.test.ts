/** A certificate of another authority in a real browser: download the text, sign it with OpenSSL, add it, sign out, sign in with it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerPerson } from '#people/register-person.ts';
import { toPem } from '#pki/pem.ts';
import { ForeignAuthority } from '#test/fakes/foreign-authority.ts';
import { recogniseAuthority } from '#test/fakes/recognise-authority.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { launchChromium, PHONE, visit } from './chromium.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-foreign-'));
const authority = new ForeignAuthority();
let city: WebCity;
let browser: Browser;
beforeAll(async () => {
  city = await webCity({ listen: true });
  city.context.outbound = authority.outbound();
  await recogniseAuthority(city.context, authority);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What the person does outside the browser. */
async function signOutside(page: Page): Promise<string> {
  await page.getByRole('button', { name: '获取待签文本' }).click();
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: '下载 challenge.txt' }).click();
  await (await waiting).saveAs(join(folder, 'challenge.txt'));
  const files = ['-in', 'challenge.txt', '-signer', 'cert.pem', '-inkey', 'key.pem', '-certfile', 'issuing.pem'];
  const run = spawnSync('openssl', ['cms', '-sign', '-binary', ...files, '-outform', 'DER', '-out', 'challenge.p7s'], { cwd: folder });
  expect(run.status).toBe(0);
  return join(folder, 'challenge.p7s');
}

test('added at the portal, it signs its person in', async () => {
  const citizenNumber = '11010519491231002X';
  const evidence = { method: 'registry-match' as const, source: 'register' };
  const { id } = await registerPerson(city.deps, { name: '欧阳晓梅', citizenNumber, by: 'system:test', evidence });
  const person = authority.person(citizenNumber);
  writeFileSync(join(folder, 'key.pem'), person.key.key.export({ format: 'pem', type: 'pkcs8' }));
  writeFileSync(join(folder, 'cert.pem'), toPem('CERTIFICATE', person.certificate.der));
  writeFileSync(join(folder, 'issuing.pem'), toPem('CERTIFICATE', authority.issuing.certificate.der));

  const session = await city.sessionOf(id);
  const { page, context, complaints } = await visit(browser, city.origin, { size: PHONE, session, javaScript: false });
  await page.goto('/my/certificates');
  await page.locator('#foreign').getByRole('link', { name: '添加' }).click();
  const signature = await signOutside(page);
  await page.getByLabel('签名文件').setInputFiles(signature);
  await page.getByRole('button', { name: '添加证书' }).click();
  await page.waitForURL(/\/my\/certificates#foreign$/);
  expect(await page.locator('#foreign').textContent()).toContain('可用于登录');

  await page.getByRole('button', { name: '退出' }).click();
  await page.waitForURL((url) => !url.pathname.startsWith('/my'));
  await page.goto('/login?return=/my/account');
  await page.getByRole('link', { name: '使用其他机构颁发的数字证书登录' }).click();
  const again = await signOutside(page);
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(width[0]).toBeLessThanOrEqual(width[1] ?? 0);
  await page.getByLabel('签名文件').setInputFiles(again);
  await page.getByRole('button', { name: '登录', exact: false }).click();
  await page.waitForURL(/\/my\/account$/);
  expect(complaints).toEqual([]);
  await context.close();
});
