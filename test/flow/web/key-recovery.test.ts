/** Encryption certificates and their keys over pages and API: taken once, recovered by two operators, handed to the holder or into an envelope. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { findEncryptionTwin } from '#certificates/take-encryption-certificate.ts';
import { openEnvelope } from '#crypto/enveloped-data.ts';
import { generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import { registerPerson } from '#people/register-person.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { runOpenSsl } from '#test/fakes/run-openssl.ts';
import { apiToken, callApi } from './api-system.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

const PASSWORD = 'Correct-horse-9';
let city: WebCity;
let second: string;
let people = 0;

beforeAll(async () => {
  city = await webCity({ listen: true });
  second = await newPerson();
  await appointStaff(city.deps, { personId: second, organisationId: city.department.id, roles: ['operator'], by: 'system:test' });
});

async function newPerson() {
  const evidence = { method: 'registry-match' as const, source: 'register' };
  const phone = `136${String(++people).padStart(8, '0')}`;
  return (await registerPerson(city.deps, { name: '欧阳晓梅', phone, by: 'system:test', evidence })).id;
}

async function holder() {
  const browser = await city.as(await newPerson());
  const asked = { csr: makeCsr().pem, requestId: `recovery-${people}-${Date.now()}` };
  const { serial } = (await browser.fetchJson('/my/certificates', asked, '/my/certificates')).json() as { serial: string };
  return { browser, serial, at: `/my/certificates/${serial}` };
}

const take = (browser: Browser, at: string, what = 'encryption', password = PASSWORD, again = password) =>
  browser.submit(at, `${at}/${what}`, { password, again });

function keyIn(pfx: Buffer, password = PASSWORD) {
  return createPrivateKey(runOpenSsl(['pkcs12', '-in', '@p12', '-passin', `pass:${password}`, '-nodes'], { p12: pfx }).stdout.toString());
}

async function ask(fields: Record<string, string>) {
  const operator = await city.as(city.operator);
  const form = { grounds: 'holder', reason: '持有人更换电脑，密钥文件丢失', ...fields };
  return { operator, reply: await operator.submit('/admin/recoveries/new', '/admin/recoveries', form) };
}

async function approve(at: string, who = second, decision = 'approve') {
  const browser = await city.as(who);
  const digest = /name="digest" value="([0-9a-f]{64})"/.exec((await browser.get(at)).body)?.[1] ?? '00'.repeat(32);
  return browser.submit(at, at, { decision, digest });
}

async function twinOf(serial: string) {
  const twin = await findEncryptionTwin(city.context, serial);
  if (!twin) throw new Error('no encryption certificate');
  return twin.serialHex;
}

async function certificateOf(serialHex: string) {
  return new X509Certificate((await city.deps.db.issuedCertificate.findUniqueOrThrow({ where: { serialHex } })).der ?? '');
}

test('a citizen takes a key file once; two passwords that differ, and a weak one, are refused in plain words', async () => {
  const { browser, serial, at } = await holder();
  const odd = await take(browser, at, 'encryption', PASSWORD, 'Another-horse-7');
  expect([odd.statusCode, odd.body.includes('两次输入的口令不一致')]).toEqual([422, true]);
  const weak = await take(browser, at, 'encryption', 'weak');
  expect([weak.statusCode, weak.body.includes('密钥文件口令须为12至128位')]).toEqual([422, true]);
  const file = await take(browser, at);
  expect([file.statusCode, file.headers['content-type']]).toEqual([200, 'application/x-pkcs12']);
  expect(file.headers['content-disposition']).toContain('.p12');
  expect((await certificateOf(await twinOf(serial))).checkPrivateKey(keyIn(file.rawPayload))).toBe(true);
  const page = (await browser.get(at)).body;
  expect(page).toContain(await twinOf(serial));
  expect(page).not.toContain('name="password"');
  expect((await browser.get('/my/certificates')).body).toContain('加密证书已领取');
  const again = await browser.submit(at, `${at}/encryption`, { password: PASSWORD, again: PASSWORD });
  expect([again.statusCode, again.body.includes('已领取过加密证书')]).toEqual([409, true]);
  const stranger = await city.as(await newPerson());
  expect((await take(stranger, at)).statusCode).toBe(404);
});

test('two operators recover it, its holder alone takes it, once', async () => {
  const { browser, serial, at } = await holder();
  await take(browser, at);
  const twin = await twinOf(serial);
  const operator = await city.as(city.operator);
  expect((await operator.get(`/admin/certificates/${twin}`)).body).toContain(`/admin/recoveries/new?serial=${twin}`);
  const { reply } = await ask({ serial: twin });
  expect(reply.statusCode).toBe(303);
  const place = reply.headers.location as string;
  expect((await operator.get(place)).body).toContain('须另一名管理员审批');
  expect((await approve(place, city.operator)).statusCode).toBe(403);
  expect((await take(browser, at, 'recovered-key')).statusCode).toBe(404);
  expect((await approve(place)).statusCode).toBe(303);
  expect((await operator.get('/admin/recoveries')).body).toContain('已批准，待交付');
  // What its holder takes no operator gets.
  expect((await operator.submit(place, `${place}/envelope`, {})).statusCode).toBe(404);
  expect((await browser.get(at)).body).toContain('领取恢复的密钥');
  const file = await take(browser, at, 'recovered-key', 'Another-horse-7');
  expect((await certificateOf(twin)).checkPrivateKey(keyIn(file.rawPayload, 'Another-horse-7'))).toBe(true);
  expect((await take(browser, at, 'recovered-key')).statusCode).toBe(404);
  expect((await operator.get(place)).body).toContain('已交付');
  const told = (await browser.get('/my/certificates')).body;
  expect(told).toContain('加密密钥恢复已获批准');
  expect(told).toContain('加密密钥已恢复交付');
  const kept = await city.deps.db.$queryRaw<{ text: string }[]>`SELECT payload::text AS text FROM approval WHERE kind = 'recover-key'`;
  const events = await city.deps.db.auditEvent.findMany({ where: { subject: `certificate:${twin}` } });
  expect(JSON.stringify([kept, events])).not.toMatch(/Correct-horse|Another-horse/);
});

test('under a court order the key goes into an envelope that the named receiver alone opens', async () => {
  const { browser, serial, at } = await holder();
  await take(browser, at);
  const twin = await twinOf(serial);
  const key = generateKeyPair('es256');
  const recipient = makeCsr({ key: importPrivateKey(key.pkcs8) }).pem;
  const unnumbered = await ask({ serial: twin, grounds: 'court', recipient });
  expect([unnumbered.reply.statusCode, unnumbered.reply.body.includes('请填写法律文书或公函编号')]).toEqual([422, true]);
  const unaddressed = await ask({ serial: twin, grounds: 'court', order: '(2026)示01刑初1号' });
  expect(unaddressed.reply.statusCode).toBe(422);
  const odd = await ask({ serial: twin, grounds: 'court', order: '(2026)示01刑初1号', recipient: 'not a key' });
  expect([odd.reply.statusCode, odd.reply.body.includes('应为一段 PEM')]).toEqual([422, true]);
  const unknown = await ask({ serial: serial, grounds: 'court', order: '(2026)示01刑初1号', recipient });
  expect(unknown.reply.statusCode).toBe(404);
  const { reply, operator } = await ask({ serial: twin, grounds: 'court', order: '(2026)示01刑初1号', recipient });
  const place = reply.headers.location as string;
  const early = await operator.submit(place, `${place}/envelope`, {});
  expect(early.statusCode).toBe(409);
  await approve(place);
  expect((await take(browser, at, 'recovered-key')).statusCode).toBe(404);
  const envelope = await operator.submit(place, `${place}/envelope`, {});
  expect(envelope.headers['content-disposition']).toContain('.p7m');
  const pkcs8 = openEnvelope(key.pkcs8, envelope.rawPayload);
  const opened = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  expect((await certificateOf(twin)).checkPrivateKey(opened)).toBe(true);
  expect((await operator.submit(place, `${place}/envelope`, {})).statusCode).toBe(409);
});

test('an organisation takes its own at the desk or over the API, as envelope or as key file, and each once', async () => {
  const keeper = await newPerson();
  const organisationId = city.department.id;
  await appointStaff(city.deps, { personId: keeper, organisationId, roles: ['seal-admin'], by: 'system:test' });
  const issued = async () => {
    const pair = generateKeyPair('es256');
    const csr = makeCsr({ key: importPrivateKey(pair.pkcs8) }).pem;
    const requestId = `recovery-desk-${++people}`;
    const asked = await requestOrganisationCertificate(city.context, { by: { personId: keeper, organisationId }, csr, requestId });
    const by = await appointStaff(city.deps, { personId: second, organisationId, roles: ['operator'], by: 'system:test' });
    const { serialHex = '' } = await decideCertificateRequest(city.context, { id: asked.id, by, decision: 'approve' });
    return { pair, serial: serialHex, at: `/desk/certificates/${asked.id}` };
  };
  const desk = await city.as(keeper);
  const one = await issued();
  expect((await desk.get(one.at)).body).toContain('以信封领取');
  expect((await desk.get(`${one.at}/encryption.pem`)).statusCode).toBe(404);
  const envelope = await desk.submit(one.at, `${one.at}/encryption-envelope`, {});
  const opened = createPrivateKey({
    ...{ key: Buffer.from(openEnvelope(one.pair.pkcs8, envelope.rawPayload)), format: 'der', type: 'pkcs8' },
  });
  expect(new X509Certificate((await desk.get(`${one.at}/encryption.pem`)).body).checkPrivateKey(opened)).toBe(true);
  expect((await desk.submit(one.at, `${one.at}/encryption-envelope`, {})).statusCode).toBe(409);
  const other = await issued();
  const file = await desk.submit(other.at, `${other.at}/encryption-key-file`, { password: PASSWORD, again: PASSWORD });
  expect((await certificateOf(await twinOf(other.serial))).checkPrivateKey(keyIn(file.rawPayload))).toBe(true);

  const scopes = ['certificates:request', 'certificates:read'];
  const token = await apiToken(city, { id: 'encrypting-system', organisationId, scopes });
  const stranger = await apiToken(city, { id: 'foreign-system', organisationId: city.clinic.id, scopes });
  const third = await issued();
  const path = `/api/certificates/${third.serial}/encryption`;
  expect((await callApi(city, stranger, 'POST', path, {})).status).toBe(404);
  expect((await callApi(city, token, 'POST', path, { pkcs12Password: 'weak' })).json.code).toBe('pfx-password-too-weak');
  const { status, json } = await callApi(city, token, 'POST', path, {});
  expect([status, json.envelope.form]).toEqual([201, 'cms']);
  const pkcs8 = openEnvelope(third.pair.pkcs8, Buffer.from(json.envelope.bytes, 'base64'));
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  expect(new X509Certificate(json.certificate).checkPrivateKey(key)).toBe(true);
  expect((await callApi(city, token, 'POST', path, {})).json.code).toBe('encryption-certificate-taken');
  const fourth = await issued();
  const { json: packed } = await callApi(city, token, 'POST', `/api/certificates/${fourth.serial}/encryption`, {
    pkcs12Password: PASSWORD,
  });
  expect(new X509Certificate(packed.certificate).checkPrivateKey(keyIn(Buffer.from(packed.pkcs12, 'base64')))).toBe(true);
  expect(packed.envelope).toBeUndefined();
});

test('auditors may look and not act, citizens see nothing of it', async () => {
  const auditor = await city.as(city.auditor);
  expect((await auditor.get('/admin/recoveries')).statusCode).toBe(200);
  expect((await auditor.get('/admin/recoveries/new')).statusCode).toBe(403);
  expect((await (await city.as(await newPerson())).get('/admin/recoveries')).statusCode).toBe(403);
});
