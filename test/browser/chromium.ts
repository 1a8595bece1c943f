/** Chromium with nothing from outside: Debian's own, or the one TONGREN_CHROMIUM names. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export const PHONE = { width: 375, height: 812 };
export const DESK = { width: 1280, height: 900 };

export function launchChromium(extra: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['TONGREN_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...extra],
  });
}

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** What the browser complained about: script errors, refused scripts or styles, failed loads. */
  complaints: string[];
}

export async function visit(
  browser: Browser,
  origin: string,
  options: { session?: string; size?: { width: number; height: number }; permissions?: string[]; javaScript?: boolean } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: options.size ?? DESK,
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    javaScriptEnabled: options.javaScript ?? true,
    baseURL: origin,
    ...(options.permissions ? { permissions: options.permissions } : {}),
  });
  if (options.session) await context.addCookies([{ name: 'tongren_session', value: options.session, url: origin }]);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('requestfailed', (request) => {
    const failure = request.failure()?.errorText ?? '';
    // Leaving a page cuts off what it was still loading.
    if (failure !== 'net::ERR_ABORTED') complaints.push(`load: ${request.url()} ${failure}`);
  });
  return { context, page, complaints };
}
