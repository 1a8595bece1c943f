/** The operators' journey in a real browser: an organisation asks, an operator approves, finds the certificate and revokes it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { registerPerson } from '#people/register-person.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { launchChromium, visit } from './chromium.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-requests-'));
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

test('ask with an upload, approve as another person, search, revoke; the organisation sees it', async () => {
  const { id } = await registerPerson(city.deps, { name: '吴印章', phone: '13900040001', by: 'system:test' });
  await appointStaff(city.deps, { personId: id, organisationId: city.department.id, roles: ['seal-admin'], by: 'system:test' });
  const asker = await visit(browser, city.origin, { session: await city.sessionOf(id) });
  const file = join(folder, 'request.csr');
  writeFileSync(file, makeCsr().pem);
  await asker.page.goto('/desk/certificates');
  await asker.page.selectOption('select[name="profile"]', 'organisation');
  await asker.page.setInputFiles('input[type="file"]', file);
  await asker.page.getByRole('button', { name: '提交申请' }).click();
  await asker.page.waitForURL(/\/desk\/certificates\/[0-9a-f-]{36}$/);

  const operator = await visit(browser, city.origin, { session: await city.sessionOf(city.operator) });
  await operator.page.goto('/admin/requests');
  await operator.page.getByRole('link', { name: city.department.name }).click();
  await operator.page.getByRole('button', { name: '批准' }).click();
  await operator.page.getByText('已签发').waitFor();
  await asker.page.reload();
  const serial = (await asker.page.locator('dd.mono').last().textContent()) ?? '';
  expect(serial).toMatch(/^[0-9a-f]{20,40}$/);

  await operator.page.goto('/admin/certificates');
  await operator.page.fill('input[name="text"]', serial);
  await operator.page.getByRole('button', { name: '查询' }).click();
  await operator.page.getByRole('link', { name: city.department.name }).click();
  await operator.page.selectOption('select[name="reason"]', 'privilege-withdrawn');
  await operator.page.getByLabel('我已核对序列号与主体').check();
  await operator.page.getByRole('button', { name: '吊销证书' }).click();
  await operator.page.locator('.head-row .badge-bad').waitFor();
  await asker.page.reload();
  expect(await asker.page.textContent('main')).toContain('权限被收回');
  expect([...asker.complaints, ...operator.complaints]).toEqual([]);
  await Promise.all([asker.context.close(), operator.context.close()]);
});
