/** A lost encryption key in a real browser: taken, asked for, approved by another, taken again by its holder. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { requestPersonCertificate } from '#certificates/request-person-certificate.ts';
import { registerPerson } from '#people/register-person.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { launchChromium, PHONE, visit } from './chromium.ts';

const screenshots = process.env['TONGREN_SCREENSHOTS'];
let city: WebCity;
let browser: Browser;

beforeAll(async () => {
  city = await webCity({ listen: true });
  browser = await launchChromium();
});
afterAll(() => browser.close());

/** In large type too: these pages are for people who have lost something. */
async function picture(page: Page, name: string) {
  if (!screenshots) return;
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  await page.context().addCookies([{ name: 'tongren_large', value: '1', url: city.origin }]);
  await page.reload();
  await page.screenshot({ path: join(screenshots, `${name}-large.png`), fullPage: true });
  await page.context().clearCookies({ name: 'tongren_large' });
  await page.reload();
}
const fits = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

async function takeFile(page: Page, button: string) {
  await page.getByLabel('设置文件口令').fill('Correct-horse-9');
  await page.getByLabel('再次输入口令').fill('Correct-horse-9');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()]);
  return download.suggestedFilename();
}

test('the holder takes the key file, loses it, two operators agree, the holder takes it again', async () => {
  const evidence = { method: 'registry-match' as const, source: 'register' };
  const { id } = await registerPerson(city.deps, { name: '欧阳晓梅', phone: '13900050001', by: 'system:test', evidence });
  const { id: other } = await registerPerson(city.deps, { name: '周复核', phone: '13900050002', by: 'system:test' });
  await appointStaff(city.deps, { personId: other, organisationId: city.department.id, roles: ['operator'], by: 'system:test' });
  const session = { acrLevel: 3, authTime: city.deps.clock.now() };
  const asked = { personId: id, session, csr: makeCsr().pem, requestId: 'browser-recovery' };
  const { certificate } = await requestPersonCertificate(city.context, asked);
  const own = `/my/certificates/${certificate.serialHex}`;

  const holder = await visit(browser, city.origin, { size: PHONE, session: await city.sessionOf(id) });
  await holder.page.goto(own);
  await picture(holder.page, 'encryption-take');
  expect(await fits(holder.page)).toBe(true);
  expect(await takeFile(holder.page, '领取加密证书')).toMatch(/^encryption-key-[0-9a-f]{8}\.p12$/);
  await holder.page.goto(own);
  const serial = (await holder.page.locator('#encryption dd.mono').textContent()) ?? '';

  const first = await visit(browser, city.origin, { session: await city.sessionOf(city.operator) });
  await first.page.goto(`/admin/certificates/${serial}`);
  await first.page.getByRole('link', { name: '申请恢复' }).click();
  expect(await first.page.inputValue('input[name="serial"]')).toBe(serial);
  await first.page.selectOption('select[name="grounds"]', 'holder');
  await first.page.fill('textarea[name="reason"]', '持有人更换电脑，密钥文件丢失');
  await first.page.getByRole('button', { name: '提交' }).click();
  await first.page.getByText('须另一名管理员审批').waitFor();
  const place = new URL(first.page.url()).pathname;

  const second = await visit(browser, city.origin, { size: PHONE, session: await city.sessionOf(other) });
  await second.page.goto(place);
  await picture(second.page, 'recovery-decide');
  expect(await fits(second.page)).toBe(true);
  await second.page.getByRole('button', { name: '批准' }).click();
  await second.page.getByText('等待持有人').waitFor();

  await holder.page.reload();
  await picture(holder.page, 'encryption-recovered');
  await takeFile(holder.page, '领取恢复的密钥');
  await holder.page.goto(own);
  expect(await holder.page.getByLabel('设置文件口令').count()).toBe(0);
  await first.page.goto('/admin/recoveries');
  expect(await first.page.textContent('main')).toContain('已交付');
  await picture(first.page, 'recoveries');
  await first.page.goto('/admin/recoveries/new');
  await picture(first.page, 'recovery-new');
  expect([...holder.complaints, ...first.complaints, ...second.complaints]).toEqual([]);
  await Promise.all([holder.context.close(), first.context.close(), second.context.close()]);
});
