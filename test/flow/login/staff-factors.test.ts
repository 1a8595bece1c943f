/** Acting for an organisation takes two factors in production; a page leads to the one that is missing and back. */
import { expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { registerOrganisation } from '#people/organisations.ts';
import { TestBrowser, type Visit } from '#test/flow/oidc/test-browser.ts';
import { testDatabase } from '#test/test-database.ts';
import { formTo, loginWorld, PASSWORD } from './login-world.ts';

const { db } = await testDatabase();

async function fill(browser: TestBrowser, page: Visit, ending: string, values: Record<string, string>): Promise<Visit> {
  const { action, body } = formTo(page.html, ending);
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  return browser.go(new URL(action, page.url), { method: 'POST', body });
}

async function operatorAt(production: boolean) {
  const world = await loginWorld(db, { production });
  const { id, phone } = await world.person();
  const internalCode = `OFFICE-${Math.floor(Math.random() * 1e9)}`;
  const office = await registerOrganisation(world.context, {
    name: '示范市数据局',
    internalCode,
    divisionCode: '350200',
    kind: 'department',
    by: 'system:test',
  });
  await appointStaff(world.context, { personId: id, organisationId: office.id, roles: ['operator'], by: 'system:test' });
  const browser = new TestBrowser();
  const page = await browser.send(`${world.origin}/login?return=%2Fadmin%2Fapps`);
  const arrived = await fill(browser, page, '/login', { login: phone, password: PASSWORD });
  return { world, browser, phone, arrived };
}

test('a password alone leads an operator to the SMS code, and that back to the page', async () => {
  const { world, browser, phone, arrived } = await operatorAt(true);
  expect(new URL(arrived.url).pathname).toBe('/login');
  const sent = await fill(browser, arrived, '/sms-code', { phone });
  const back = await fill(browser, sent, '/code', { code: world.lastCode(phone) });
  expect([new URL(back.url).pathname, back.status]).toEqual(['/admin/apps', 200]);
});

test('a password alone changes nothing and reads nothing through the API', async () => {
  const { world, browser } = await operatorAt(true);
  const account = await browser.send(`${world.origin}/my/account`);
  expect(account.status).toBe(200);
  const { body } = formTo(account.html, '/logout');
  const headers = { accept: 'application/json' };
  const post = await browser.send(`${world.origin}/admin/devices`, { method: 'POST', body, headers });
  expect([post.status, JSON.parse(post.html).code]).toEqual([403, 'second-factor-needed']);
  const read = await browser.send(`${world.origin}/admin/audit`, { headers });
  expect([read.status, JSON.parse(read.html).code]).toEqual([403, 'second-factor-needed']);
});

test('who is no staff is told so, and not asked for more', async () => {
  const world = await loginWorld(db, { production: true });
  const { phone } = await world.person();
  const browser = new TestBrowser();
  const page = await browser.send(`${world.origin}/login?return=%2Fadmin%2Fapps`);
  expect((await fill(browser, page, '/login', { login: phone, password: PASSWORD })).status).toBe(403);
});

test('the demo city asks for the password alone', async () => {
  const { arrived } = await operatorAt(false);
  expect([new URL(arrived.url).pathname, arrived.status]).toEqual(['/admin/apps', 200]);
});
