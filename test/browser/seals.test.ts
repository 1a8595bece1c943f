/** A seal's life in a real browser: applied for with a picture of one's own, approved, made, given rules, destroyed; the log taken out. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drawSealPicture } from '#seals/draw-seal-picture.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { launchChromium, visit } from './chromium.ts';

const screenshots = process.env['TONGREN_SCREENSHOTS'];
const folder = mkdtempSync(join(tmpdir(), 'tongren-seals-'));
let city: WebCity;
let browser: Browser;

beforeAll(async () => {
  city = await webCity({ listen: true });
  browser = await launchChromium();
  if (screenshots) mkdirSync(screenshots, { recursive: true });
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

test('from the picture to the end, each step by the person it takes', async () => {
  const file = join(folder, 'seal.png');
  writeFileSync(file, (await drawSealPicture({ organisationName: city.department.name, kind: 'official', diameterMm: 45 })).png);
  const keeper = await visit(browser, city.origin, { session: await city.sessionOf(city.issuer) });
  const approver = await visit(browser, city.origin, { session: await city.sessionOf(city.approver) });
  const { page } = keeper;

  await page.goto('/desk/seals');
  await page.selectOption('select[name="kind"]', 'official');
  await page.getByText('尺寸、图案和自备图片').click();
  await page.selectOption('select[name="diameterMm"]', '45');
  await page.setInputFiles('input[name="picture"]', file);
  await page.getByRole('button', { name: '预览印模' }).click();
  await page.getByRole('heading', { name: '预览印模' }).waitFor();
  const shown = await page.locator('img.seal-picture').evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth);
  expect(shown).toBeGreaterThan(500);
  if (screenshots) await page.screenshot({ path: join(screenshots, 'desk-seal-preview.png'), fullPage: true });
  await page.getByRole('button', { name: '提交申请' }).click();
  await page.waitForURL(/\/desk\/seals\/[0-9a-f-]{36}$/);
  const address = page.url();

  await approver.page.goto(address);
  await approver.page.locator('img.seal-picture').waitFor();
  await approver.page.getByRole('button', { name: '批准' }).click();
  await approver.page.locator('.head-row').getByText('已批准').waitFor();
  await page.reload();
  await page.getByRole('button', { name: '制章' }).click();
  await page.getByRole('button', { name: '启用' }).click();
  await page.locator('.head-row .badge-good').waitFor();

  await page.getByRole('link', { name: '调整使用规则' }).click();
  await page.getByLabel('居住证').check();
  await page.getByLabel('每日用印上限').fill('200');
  await page.getByLabel('调整原因').fill('仅限居住证');
  await page.getByRole('button', { name: '提交审批' }).click();
  await page.getByText('待审批：调整使用规则').waitFor();
  await approver.page.reload();
  await approver.page.getByRole('button', { name: '批准' }).click();
  await approver.page.getByText('200 份文件').first().waitFor();

  await page.goto(`/desk/seals/${city.sealId}/uses`);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '导出表格' }).click()]);
  expect(readFileSync(await download.path(), 'utf8')).toMatch(/^\uFEFF时间（北京时间）,印章编码,/);

  await page.goto(address);
  await page.getByText('申请销毁').first().click();
  await page.getByLabel('申请销毁原因').fill('机构撤并');
  await page.getByRole('button', { name: '申请销毁' }).click();
  await page.getByText('待审批：销毁印章').waitFor();
  await approver.page.reload();
  await approver.page.getByRole('button', { name: '批准销毁' }).click();
  await approver.page.locator('.head-row').getByText('已销毁').waitFor();
  const number = (await approver.page.locator('dd.mono a').first().textContent()) ?? '';
  await approver.page.goto(`/seals/${number}`);
  await approver.page.getByText('印章已销毁').waitFor();
  expect([...keeper.complaints, ...approver.complaints]).toEqual([]);
  await Promise.all([keeper.context.close(), approver.context.close()]);
});
