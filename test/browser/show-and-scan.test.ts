/** Journey 4 in two real browsers: the citizen's phone shows a code, the counter reads it by camera, gun and typing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { qrPng } from '#codes/qr-code.ts';
import { showCode } from '#licences/show-code.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { launchChromium, PHONE, type Visit, visit } from './chromium.ts';
import { writeCameraFilm } from './fake-camera.ts';

const screenshots = process.env['TONGREN_SCREENSHOTS'];
let city: WebCity;
let licenceId: string;
let browser: Browser;
const folder = mkdtempSync(join(tmpdir(), 'tongren-camera-'));

beforeAll(async () => {
  city = await webCity({ listen: true });
  ({ licenceId } = await city.issue('residence-permit', { personId: city.citizen }));
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const phone = async (options: { javaScript?: boolean } = {}) =>
  visit(browser, city.origin, { size: PHONE, session: await city.sessionOf(city.citizen), ...options });
const counter = async (on = browser, permissions: string[] = []) =>
  visit(on, city.origin, { session: await city.sessionOf(city.clerk), permissions });
const picture = async (page: Page, name: string) => {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
};
const code = () => showCode(city.deps, { personId: city.citizen, licenceId });

async function expectVerdict({ page, complaints }: Visit, word: string): Promise<void> {
  await page.waitForSelector('.verdict');
  expect(await page.textContent('.verdict-word')).toContain(word);
  expect(complaints).toEqual([]);
}

test('the counter reads the code with its camera and sees the licence', async () => {
  const { digits } = await code();
  const film = join(folder, 'code.y4m');
  writeCameraFilm(film, await qrPng(digits, { scale: 6 }));
  const withCamera = await launchChromium([
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film}`,
  ]);
  try {
    const desk = await counter(withCamera, ['camera']);
    await desk.page.goto('/counter');
    await desk.page.getByText('办理银行开户').click();
    await desk.page.getByRole('button', { name: '用摄像头扫码' }).click();
    await expectVerdict(desk, '有效');
    expect(await desk.page.textContent('main')).toContain('张小三');
    await picture(desk.page, 'counter-result-desk');
  } finally {
    await withCamera.close();
  }
});

describe('a scanner gun', () => {
  test('types digits and Enter into the field', async () => {
    const desk = await counter();
    await desk.page.goto('/counter');
    await desk.page.getByText('核验身份').click();
    await desk.page.keyboard.type((await code()).digits);
    await desk.page.keyboard.press('Enter');
    await expectVerdict(desk, '有效');
    await desk.context.close();
  });

  test('fires while the focus is nowhere, and ends with Tab', async () => {
    const desk = await counter();
    await desk.page.goto('/counter?purpose=hotel-check-in');
    await desk.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await desk.page.keyboard.type((await code()).digits);
    await desk.page.keyboard.press('Tab');
    await expectVerdict(desk, '有效');
    await desk.context.close();
  });

  test('before a purpose was said gets no verdict, and keeps the digits', async () => {
    const desk = await counter();
    await desk.page.goto('/counter');
    const { digits } = await code();
    await desk.page.keyboard.type(digits);
    await desk.page.keyboard.press('Enter');
    await desk.page.waitForTimeout(300);
    expect(await desk.page.$('.verdict')).toBeNull();
    expect(await desk.page.inputValue('#code-input')).toBe(digits);
    await desk.page.getByText('核验身份').click();
    await desk.page.keyboard.press('Enter');
    await expectVerdict(desk, '有效');
    await desk.context.close();
  });

  test('through an input method that makes digits full-width', async () => {
    const desk = await counter();
    await desk.page.goto('/counter?purpose=identity-check');
    const { shortNumber } = await code();
    await desk.page.fill(
      '#code-input',
      (shortNumber ?? '').replace(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)),
    );
    expect(await desk.page.inputValue('#code-input')).toBe((shortNumber ?? '').replace(/(.{4})(?=.)/g, '$1 '));
    await desk.page.press('#code-input', 'Enter');
    await expectVerdict(desk, '有效');
    await desk.context.close();
  });
});

describe('the phone', () => {
  test('shows the short number, the counter types it, and the phone says who looked and renews itself', async () => {
    const me = await phone();
    await me.page.goto(`/my/licences/${licenceId}/code`);
    const first = (await me.page.textContent('[data-short]')) ?? '';
    await me.page.waitForResponse((response) => response.url().endsWith('/api/my/look-ups/latest'));
    const desk = await counter();
    await desk.page.goto('/counter?purpose=bank-account');
    await desk.page.fill('#code-input', first);
    await desk.page.press('#code-input', 'Enter');
    await expectVerdict(desk, '有效');
    await me.page.waitForSelector('[data-seen]:not([hidden])');
    expect(await me.page.textContent('[data-seen]')).toContain('示范市第一医院，办理银行开户');
    await me.page.waitForFunction((before) => document.querySelector('[data-short]')?.textContent !== before, first);
    await picture(me.page, 'my-code-seen-phone');
    expect(me.complaints).toEqual([]);
    await desk.context.close();
    await me.context.close();
  });

  test('renews its code before the time is over', async () => {
    const me = await phone();
    await me.page.clock.install();
    await me.page.goto(`/my/licences/${licenceId}/code`);
    const first = await me.page.textContent('[data-short]');
    await me.page.clock.runFor(50_000);
    expect(await me.page.textContent('[data-short]')).toBe(first);
    expect(Number(await me.page.textContent('[data-countdown]'))).toBeLessThanOrEqual(11);
    await me.page.clock.runFor(8_000);
    await me.page.waitForFunction((before) => document.querySelector('[data-short]')?.textContent !== before, first);
    await me.context.close();
  });

  test('without JavaScript still shows a code that works', async () => {
    const me = await phone({ javaScript: false });
    await me.page.goto(`/my/licences/${licenceId}/code`);
    const shortNumber = (await me.page.textContent('[data-short]')) ?? '';
    const desk = await counter();
    await desk.page.goto('/counter?purpose=bank-account');
    await desk.page.fill('#code-input', shortNumber);
    await desk.page.press('#code-input', 'Enter');
    await expectVerdict(desk, '有效');
    await me.context.close();
    await desk.context.close();
  });

  test('large type stays chosen from page to page', async () => {
    const me = await phone();
    await me.page.goto('/my');
    const before = await me.page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
    await me.page.getByRole('link', { name: '大字版' }).click();
    await me.page.goto(`/my/licences/${licenceId}`);
    const after = await me.page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
    expect(Number.parseFloat(after)).toBeGreaterThan(Number.parseFloat(before) * 1.25);
    expect(await me.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    await picture(me.page, 'my-licence-large-phone');
    await me.context.close();
  });
});

test('a file dropped on the public page is verified and shown', async () => {
  const me = await phone();
  await me.page.goto(`/my/licences/${licenceId}`);
  const [download] = await Promise.all([me.page.waitForEvent('download'), me.page.getByRole('link', { name: '下载 OFD' }).click()]);
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  expect(download.suggestedFilename()).toMatch(/\.ofd$/);
  await me.page.goto('/verify');
  await me.page.setInputFiles('#file', file);
  await me.page.getByRole('button', { name: '开始核验' }).click();
  await me.page.waitForSelector('.verdict');
  expect(await me.page.textContent('.verdict-word')).toContain('官方签发');
  await me.page.waitForFunction(() => [...document.images].every((image) => image.complete && image.naturalWidth > 0));
  await picture(me.page, 'verify-result-phone');
  await me.page.setViewportSize({ width: 1280, height: 900 });
  await picture(me.page, 'verify-result-desk');
  await me.context.close();
});
