/** A bulk sealing job in a real browser: begun with files by keyboard, watched while it runs, stopped, resumed, looked through; and the same without script. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readZip } from '#documents/container/read-zip.ts';
import { runSealJobs } from '#seals/run-seal-jobs.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { launchChromium, visit } from './chromium.ts';

const screenshots = process.env['TONGREN_SCREENSHOTS'];
const folder = mkdtempSync(join(tmpdir(), 'tongren-seal-jobs-'));
let city: WebCity;
let browser: Browser;
const files = ['通知书.pdf', '会议纪要.ofd', '损坏.pdf'].map((name) => join(folder, name));

beforeAll(async () => {
  city = await webCity({ listen: true });
  browser = await launchChromium();
  const contents = [samplePdf(), packFiles(sampleFiles()), Buffer.from('%PDF-1.7 and no more')];
  for (const [index, file] of files.entries()) writeFileSync(file, contents[index] as Uint8Array);
  if (screenshots) mkdirSync(screenshots, { recursive: true });
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

test('by keyboard from the list to the end, the page following by itself', async () => {
  const { page, complaints } = await visit(browser, city.origin, { session: await city.sessionOf(city.issuer) });
  await page.goto('/desk/seal-jobs');
  await page.getByRole('link', { name: '新建任务' }).first().focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '新建批量用印任务' }).waitFor();
  await page.getByRole('radio', { name: '末页' }).focus();
  await page.keyboard.press('ArrowRight');
  expect(await page.getByRole('radio', { name: '首页' }).isChecked()).toBe(true);
  await page.getByLabel('章心距下边').fill('60');
  await page.setInputFiles('input[type="file"]', files);
  await page.getByRole('button', { name: '上传并建立任务' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/desk\/seal-jobs\/[0-9a-f-]{36}$/);
  const status = page.locator('#live-status');
  await status.getByText('进行中').waitFor();
  await page.getByText('首页，章心距右边 45 毫米、距下边 60 毫米').waitFor();
  if (screenshots) await page.screenshot({ path: join(screenshots, 'seal-job-running.png'), fullPage: true });

  await page.getByRole('button', { name: '暂停' }).focus();
  await page.keyboard.press('Enter');
  await status.getByText('已暂停').waitFor();
  await page.getByRole('button', { name: '继续' }).focus();
  await page.keyboard.press('Enter');
  await status.getByText('进行中').waitFor();

  // From here nothing on the page is touched: it learns by itself.
  await page.evaluate('document.activeElement.blur()');
  while ((await runSealJobs(city.context)) > 0);
  await status.getByText('已完成，1 份未盖章').waitFor();
  await page.getByText('该 PDF 无法签署。').waitFor();
  expect(await page.getByRole('button', { name: '暂停' }).count()).toBe(0);

  await page.getByRole('link', { name: '未盖章 1' }).click();
  await page.locator('a[aria-current="page"]', { hasText: '未盖章 1' }).waitFor();
  expect(await page.locator('#live-files tbody tr').count()).toBe(1);
  const [table] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '导出未盖章文件及原因' }).click()]);
  expect(readFileSync(await table.path(), 'utf8')).toContain('损坏.pdf,PDF,pdf-not-signable');
  const whole = page.getByRole('link', { name: '下载全部已盖章文件' });
  await whole.focus();
  const [archive] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  expect(archive.suggestedFilename()).toMatch(/^批量用印-\d{8}-\d{6}\.zip$/);
  expect(new Set(readZip(readFileSync(await archive.path())).entries.keys())).toEqual(
    new Set(['通知书.pdf', '会议纪要.ofd', 'results.csv', 'errors.csv']),
  );
  await page.getByRole('link', { name: '已盖章 2' }).click();
  const [sealed] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '下载 Download 通知书.pdf' }).click()]);
  expect(sealed.suggestedFilename()).toBe('通知书.pdf');
  expect(
    readFileSync(await sealed.path())
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-');
  expect(complaints).toEqual([]);
});

test('without script it is begun later, and cancelled', async () => {
  const { page } = await visit(browser, city.origin, { session: await city.sessionOf(city.issuer), javaScript: false });
  await page.goto('/desk/seal-jobs/new');
  await page.getByRole('radio', { name: '先上传，稍后开始' }).check();
  await page.setInputFiles('input[type="file"]', files.slice(0, 1));
  await page.getByRole('button', { name: '上传并建立任务' }).click();
  await page.locator('#live-status').getByText('待开始').waitFor();
  await page.setInputFiles('input[type="file"]', files.slice(1, 2));
  await page.getByRole('button', { name: '上传' }).click();
  await page.locator('#live-files').getByText('会议纪要.ofd').waitFor();
  await page.locator('summary', { hasText: '取消任务' }).click();
  await page.getByRole('button', { name: '确认取消任务' }).click();
  await page.locator('#live-status').getByText('已取消').waitFor();
});
