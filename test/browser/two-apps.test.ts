/** Journey 1 as a newcomer walks it, in the program as it starts: one sign-in, two apps, one log-out; then the counter. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, PHONE, visit } from './chromium.ts';
import { type DemoCity, startDemoCity } from './demo-city.ts';

let city: DemoCity;
let browser: Browser;
let password: string;

beforeAll(async () => {
  city = await startDemoCity();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await city.stop();
});

/** Demo accounts stand on the home page; whoever starts here reads them there. */
async function readPassword(page: Page): Promise<string> {
  await page.goto('/');
  return (await page.locator('tr:has-text("13900000001") code').nth(1).textContent()) ?? '';
}

async function signIn(page: Page, login: string): Promise<void> {
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', password);
  await page.getByRole('button', { name: '登录' }).first().click();
}

async function consent(page: Page): Promise<void> {
  for (let step = 0; step < 3 && page.url().includes('/consent/'); step++) {
    await page.locator('main button.primary').first().click();
    await page.waitForLoadState('networkidle');
  }
}

test('signed in at one app, the other knows the person under another name, and one log-out reaches both', async () => {
  const { page, complaints, context } = await visit(browser, city.origin);
  password = await readPassword(page);
  const [first, second] = city.apps;

  await page.goto(first);
  await page.getByText('用“通认”登录').click();
  await page.waitForURL(`${city.origin}/login/**`);
  await signIn(page, '13900000001');
  await page.waitForLoadState('networkidle');
  await consent(page);
  await page.waitForURL(`${first}/**`);
  const here = await page.textContent('body');
  expect(here).toContain('林晓梅');

  await page.goto(second);
  await page.getByText('用“通认”登录').click();
  await page.waitForLoadState('networkidle');
  expect(page.url()).not.toContain('/login/');
  await consent(page);
  await page.waitForURL(`${second}/**`);
  const there = await page.textContent('body');
  expect(there).toContain('林晓梅');
  const subject = (text: string | null) => /[\w-]{43}/.exec(text ?? '')?.[0];
  expect(subject(here)).toBeDefined();
  expect(subject(there)).not.toBe(subject(here));

  await page.getByText('退出登录').click();
  await page.waitForURL(`${city.origin}/oidc/**`);
  await page.getByRole('button', { name: '全部退出' }).click();
  await page.waitForURL(`${second}/**`);
  await page.getByText('查看各应用退出结果').click();
  const confirmed = async () => {
    await page.reload();
    return ((await page.textContent('body'))?.match(/已确认/g) ?? []).length;
  };
  await expect.poll(confirmed, { timeout: 20_000, interval: 500 }).toBeGreaterThanOrEqual(2);
  await page.goto(first);
  expect(await page.textContent('body')).not.toContain('林晓梅');
  await page.goto('/my');
  expect(page.url()).toContain('/login');
  expect(complaints).toEqual([]);
  await context.close();
});

test('the citizen shows a code, the service hall reads it, and both see it', async () => {
  const phone = await visit(browser, city.origin, { size: PHONE });
  await phone.page.goto('/my');
  await signIn(phone.page, '13900000001');
  await phone.page.locator('.licence-card').first().click();
  await phone.page.getByRole('link', { name: '亮码' }).click();
  const shortNumber = (await phone.page.textContent('[data-short]')) ?? '';

  const hall = await visit(browser, city.origin);
  await hall.page.goto('/counter');
  await signIn(hall.page, '13900000031');
  await hall.page.getByText('旅馆住宿登记').click();
  await hall.page.fill('#code-input', shortNumber);
  await hall.page.press('#code-input', 'Enter');
  await hall.page.waitForSelector('.verdict-good');
  expect(await hall.page.textContent('main')).toContain('林晓梅');

  await phone.page.waitForSelector('[data-seen]:not([hidden])');
  await phone.page.goto('/my/look-ups');
  expect(await phone.page.textContent('main')).toContain('旅馆住宿登记');
  expect([...phone.complaints, ...hall.complaints]).toEqual([]);
});
