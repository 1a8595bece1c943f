/** Acting for an organisation in a real browser: the representative grants, the agent takes a certificate, both at phone size. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { registerPerson } from '#people/register-person.ts';
import { recordRepresentative } from '#people/representatives.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { DESK, launchChromium, PHONE, visit } from './chromium.ts';

const screenshots = process.env['TONGREN_SCREENSHOTS'];
let city: WebCity;
let browser: Browser;

beforeAll(async () => {
  city = await webCity({ listen: true });
  browser = await launchChromium();
});
afterAll(() => browser.close());

async function person(name: string, order: string) {
  const body = `35020319900303${order}`;
  const citizenNumber = `${body}${citizenCheckCharacter(body)}`;
  const evidence = { method: 'registry-match' as const, source: 'register' };
  return { ...(await registerPerson(city.deps, { name, citizenNumber, by: 'system:test', evidence })), citizenNumber };
}

/** Fits the screen, in large type as well. */
async function look(page: Page, name: string) {
  for (const large of [false, true]) {
    if (large) await page.context().addCookies([{ name: 'tongren_large', value: '1', url: city.origin }]);
    await page.reload({ waitUntil: 'networkidle' });
    for (const details of await page.locator('details.act').all()) await details.evaluate((node) => node.setAttribute('open', ''));
    if (screenshots) await page.screenshot({ path: join(screenshots, `${name}${large ? '-large' : ''}.png`), fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
  }
  await page.context().clearCookies({ name: 'tongren_large' });
  await page.reload({ waitUntil: 'networkidle' });
}

test('grant, take a certificate as agent, as representative, withdraw; the agent’s certificate is revoked', async () => {
  const [boss, agent, other] = [await person('陈建国', '001'), await person('苏小敏', '002'), await person('王五', '003')];
  await city.deps.db.$transaction((tx) =>
    recordRepresentative(tx, {
      ...{ organisationId: city.company.id, personId: boss.id, source: '市场监管登记', by: 'system:test', at: city.deps.clock.now() },
    }),
  );
  const none = await visit(browser, city.origin, { size: PHONE, session: await city.sessionOf(other.id) });
  await none.page.goto('/my/organisations');
  expect(await none.page.textContent('.empty')).toContain('没有登记您代表任何机构');
  await look(none.page, 'organisations-none');

  const one = await visit(browser, city.origin, { size: PHONE, session: await city.sessionOf(boss.id) });
  await one.page.goto('/my/organisations');
  await one.page.getByText('授权他人办事').click();
  await one.page.getByLabel('经办人姓名').fill('苏小敏');
  await one.page.getByLabel('经办人公民身份号码').fill(agent.citizenNumber);
  await one.page.getByLabel('授权事项').fill('办理税务申报');
  const until = new Date(city.deps.clock.now().getTime() + 60 * 86_400_000).toISOString().slice(0, 10);
  await one.page.getByLabel('截止日期').fill(until);
  await one.page.getByRole('button', { name: '授权', exact: false }).last().click();
  await one.page.getByText('苏*敏').waitFor();
  await look(one.page, 'organisations-representative');

  const two = await visit(browser, city.origin, { size: PHONE, session: await city.sessionOf(agent.id) });
  await two.page.goto('/my/organisations');
  await look(two.page, 'organisations-agent');
  await two.page.getByRole('button', { name: '领取经办人证书' }).click();
  await two.page.waitForURL(/\/my\/certificates\/[0-9a-f]+$/);
  await two.page.locator('[data-place]').filter({ hasText: '在本浏览器' }).waitFor();
  expect(await two.page.textContent('main')).toContain(city.company.name);
  await look(two.page, 'certificate-agent');
  await one.page.getByRole('button', { name: '领取法定代表人证书' }).click();
  await one.page.waitForURL(/\/my\/certificates\/[0-9a-f]+$/);
  await one.page.goto('/my/organisations');
  await one.page.getByRole('button', { name: '撤销' }).click();
  await one.page.getByText('已撤销').waitFor();
  await two.page.reload();
  await two.page.locator('.head-row .badge-bad').first().waitFor();
  expect(await two.page.textContent('main')).toContain('权限被收回');

  const operator = await visit(browser, city.origin, { size: DESK, session: await city.sessionOf(city.operator) });
  await operator.page.goto(`/admin/staff/${city.company.id}`);
  expect(await operator.page.textContent('#representative')).toContain('陈*国');
  await look(operator.page, 'admin-representative');
  expect([...none.complaints, ...one.complaints, ...two.complaints, ...operator.complaints]).toEqual([]);
  await Promise.all([none, one, two, operator].map(({ context }) => context.close()));
});
