/** Acting for an organisation, over the pages: two operators enter the representative, mandates are granted and withdrawn, certificates follow. */
import { beforeAll, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { certificateStatus } from '#certificates/find-certificates.ts';
import { importPrivateKey, rawFromDerSignature, signMessage } from '#crypto/suite.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { registerPerson } from '#people/register-person.ts';
import { recordRepresentative } from '#people/representatives.ts';
import { openSession } from '#sign-in/sessions.ts';
import { makeCsr, type TestCsr } from '#test/fakes/make-csr.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

const PAGE = '/my/organisations';
let city: WebCity;
let second: string;
let numbers = 0;

beforeAll(async () => {
  city = await webCity();
  second = (await person('周复核')).id;
  await appointStaff(city.deps, { personId: second, organisationId: city.department.id, roles: ['operator'], by: 'system:test' });
});

async function person(name: string) {
  const body = `35020319900202${String(++numbers).padStart(3, '0')}`;
  const citizenNumber = `${body}${citizenCheckCharacter(body)}`;
  const evidence = { method: 'registry-match' as const, source: 'register' };
  const { id } = await registerPerson(city.deps, { name, citizenNumber, by: 'system:test', evidence });
  return { id, name, citizenNumber };
}

async function boss() {
  const one = await person('陈建国');
  await city.deps.db.$transaction((tx) =>
    recordRepresentative(tx, {
      ...{ organisationId: city.company.id, personId: one.id, source: 'register', by: 'system:test', at: city.deps.clock.now() },
    }),
  );
  return { ...one, browser: await city.as(one.id) };
}

const until = (days: number) => new Date(city.deps.clock.now().getTime() + days * 86_400_000).toISOString().slice(0, 10);
const grant = (browser: Browser, fields: Record<string, string>) =>
  browser.submit(PAGE, `${PAGE}/${city.company.id}/mandates`, { scope: '办理税务申报', until: until(60), ...fields });
async function certificateFor(browser: Browser, body: object, csr: TestCsr = makeCsr()) {
  const reply = await browser.fetchJson('/my/certificates', { csr: csr.pem, requestId: `acting-${++numbers}-x`, ...body }, PAGE);
  return { reply, csr, serial: (reply.json() as { serial: string }).serial };
}
const statusOf = async (serial: string) => (await certificateStatus(city.deps, serial)).status;

test('two operators enter the representative at the organisation’s page; the second sees whom and from what', async () => {
  const one = await person('陈建国');
  const at = `/admin/staff/${city.company.id}`;
  const operator = await city.as(city.operator);
  const missing = await operator.submit(at, `${at}/representative`, { representative: one.citizenNumber, source: '' });
  expect([missing.statusCode, missing.body.includes('请填写登记依据')]).toEqual([422, true]);
  const nobody = await operator.submit(at, `${at}/representative`, { representative: '110101199003070028', source: '营业执照' });
  expect([nobody.statusCode, nobody.body.includes('未找到该号码对应的人员')]).toEqual([422, true]);
  const entered = await operator.submit(at, `${at}/representative`, { representative: one.citizenNumber, source: '变更通知书 2026-1' });
  expect(entered.statusCode).toBe(303);
  const own = (await operator.get(at)).body;
  expect(own).toContain('须另一名管理员复核');
  expect(own).not.toContain(one.citizenNumber);
  const other = await city.as(second);
  const page = (await other.get(at)).body;
  expect(page).toContain('待复核：陈*国');
  const approval = /name="approval" value="([0-9a-f-]{36})"/.exec(page)?.[1] ?? '';
  const digest = /name="digest" value="([0-9a-f]{64})"/.exec(page)?.[1] ?? '';
  const decide = (browser: Browser) => browser.submit(at, `${at}/representative/decision`, { approval, digest, decision: 'approve' });
  expect((await decide(operator)).statusCode).toBe(403);
  expect((await decide(other)).statusCode).toBe(303);
  expect((await other.get(at)).body).toContain('变更通知书 2026-1');
  expect((await decide(other)).statusCode).toBe(409);
  const browser = await city.as(one.id);
  expect((await browser.get(PAGE)).body).toContain(city.company.name);
});

test('the representative gets a certificate for the organisation, signs with it, and a citizen who is none gets nothing', async () => {
  const { browser } = await boss();
  const stranger = await city.as((await person('王五')).id);
  expect((await stranger.get(PAGE)).body).toContain('没有登记您代表任何机构');
  const refused = await certificateFor(stranger, { actsFor: city.company.id });
  expect([refused.reply.statusCode, refused.reply.json()]).toMatchObject([403, { code: 'not-representative' }]);
  const { reply, serial, csr } = await certificateFor(browser, { actsFor: city.company.id });
  expect(reply.statusCode).toBe(201);
  const list = (await browser.get('/my/certificates')).body;
  expect(list).toContain('法定代表人证书');
  expect(list).toContain(city.company.name);
  expect((await browser.get('/my/certificates/sign')).body).toContain(`value="${serial}"`);

  const step = async (name: string, fields: Record<string, string>) => {
    const token = /data-csrf="([^"]+)"/.exec((await browser.get('/my/certificates/sign')).body)?.[1] ?? '';
    const form = new FormData();
    for (const [key, value] of Object.entries({ serial, ...fields })) form.append(key, value);
    form.append('file', new Blob([Uint8Array.from(samplePdf())]), 'x.pdf');
    const encoded = new Response(form);
    const headers = { accept: 'application/json', 'content-type': encoded.headers.get('content-type') ?? '', 'x-csrf-token': token };
    const payload = Buffer.from(await encoded.arrayBuffer());
    return browser.send({ method: 'POST', url: `/my/certificates/sign/${name}`, headers, payload });
  };
  const { signedAt, toBeSigned } = (await step('prepare', {})).json() as { signedAt: string; toBeSigned: string };
  const key = importPrivateKey(new Uint8Array(csr.key.key.export({ format: 'der', type: 'pkcs8' })));
  const signature = Buffer.from(rawFromDerSignature(signMessage(key, Buffer.from(toBeSigned, 'base64')))).toString('base64url');
  const signed = await step('finish', { signedAt, signature });
  // Only what verifies as genuine is extended: the profile counts as one that signs.
  expect([signed.statusCode, signed.headers['x-signature-level']]).toEqual([200, 'lt']);
});

test('a mandate is granted, the agent takes a certificate that ends with it, and withdrawing ends both', async () => {
  const { browser } = await boss();
  const agent = await person('苏小敏');
  const odd = await grant(browser, { name: '苏大敏', citizenNumber: agent.citizenNumber });
  expect([odd.statusCode, odd.body.includes('未找到姓名与号码一致')]).toEqual([422, true]);
  const late = await grant(browser, { name: agent.name, citizenNumber: agent.citizenNumber, until: until(800) });
  expect([late.statusCode, late.body.includes('一年之内')]).toEqual([422, true]);
  expect((await grant(browser, { name: agent.name, citizenNumber: agent.citizenNumber })).statusCode).toBe(303);
  const page = (await browser.get(PAGE)).body;
  expect(page).toContain('苏*敏');
  expect(page).not.toContain(agent.citizenNumber);
  const acting = await city.as(agent.id);
  const own = (await acting.get(PAGE)).body;
  expect(own).toContain('办理税务申报');
  const mandate = /data-mandate="([0-9a-f-]{36})"/.exec(own)?.[1] ?? '';
  const { reply, serial } = await certificateFor(acting, { actsFor: city.company.id, mandate });
  expect(reply.statusCode).toBe(201);
  expect((reply.json() as { notAfter: string }).notAfter.slice(0, 10)).toBe(until(60));
  const stranger = await city.as((await person('王五')).id);
  expect((await certificateFor(stranger, { actsFor: city.company.id, mandate })).reply.json()).toMatchObject({ code: 'mandate-not-found' });
  expect((await stranger.submit(PAGE, `${PAGE}/mandates/${mandate}/withdraw`, {})).statusCode).toBe(404);
  expect(await statusOf(serial)).toBe('good');
  expect((await browser.submit(PAGE, `${PAGE}/mandates/${mandate}/withdraw`, {})).statusCode).toBe(303);
  expect(await statusOf(serial)).toBe('revoked');
  expect((await acting.get(PAGE)).body).toContain('已撤销');
  expect((await browser.submit(PAGE, `${PAGE}/mandates/${mandate}/withdraw`, {})).statusCode).toBe(409);
});

test('who is not the representative grants nothing, and an old sign-in does not either', async () => {
  const { id, browser } = await boss();
  const agent = await person('苏小敏');
  const fields = { name: agent.name, citizenNumber: agent.citizenNumber };
  const other = await city.as((await person('王五')).id);
  expect((await grant(other, fields)).statusCode).toBe(403);
  await openSession(city.deps, { personId: id, acr: 'urn:tongren:acr:3', amr: ['pwd'] });
  await city.deps.db.browserSession.updateMany({
    where: { personId: id },
    data: { authTime: new Date(city.deps.clock.now().getTime() - 601_000) },
  });
  expect((await browser.get(PAGE)).body).toContain('确认是我');
  expect((await grant(browser, fields)).statusCode).toBe(403);
});
