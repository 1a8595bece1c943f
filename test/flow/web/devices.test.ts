/** The operators' pages for devices, and a device that enrols with what they show. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { runOpenSsl } from '#test/fakes/run-openssl.ts';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;
beforeAll(async () => {
  city = await webCity({ listen: true });
});

const FIELDS = { organisation: '', name: '一楼大厅自助终端', serialNumber: 'KIOSK-0001' };
const codeOf = () => city.department.uscc ?? city.department.internalCode ?? '';

function enrol(username: string, token: string, csr = makeCsr().der) {
  return fetch(`${city.origin}/.well-known/est/devices/simpleenroll`, {
    method: 'POST',
    body: Buffer.from(csr).toString('base64'),
    headers: { 'content-type': 'application/pkcs10', authorization: `Basic ${Buffer.from(`${username}:${token}`).toString('base64')}` },
  });
}

test('an operator registers a device and makes a token, which is shown once and enrols it', async () => {
  const browser = await city.as(city.operator);
  const made = await browser.submit('/admin/devices', '/admin/devices', { ...FIELDS, organisation: codeOf() });
  expect(made.statusCode).toBe(303);
  const address = made.headers.location as string;
  expect((await browser.get('/admin/devices')).body).toContain('KIOSK-0001');
  const shown = await browser.submit(address, `${address}/token`, {});
  const token = /data-token>([^<]+)</.exec(shown.body)?.[1] ?? '';
  expect(token).toHaveLength(32);
  expect((await browser.get(address)).body).not.toContain(token);
  const id = address.split('/').at(-1) ?? '';
  expect((await enrol(id, token)).status).toBe(200);
  expect((await browser.get(address)).body).toContain('有效 good');
  const next = /data-token>([^<]+)</.exec((await browser.submit(address, `${address}/token`, {})).body)?.[1] ?? '';
  expect((await browser.submit(address, `${address}/retire`, {})).statusCode).toBe(303);
  expect((await enrol(id, next)).status).toBe(401);
  expect((await browser.get(address)).body).not.toContain('/token');
});

test('a request that is refused does not use up the token: the next one, with a key that is taken, gets its certificate', async () => {
  const browser = await city.as(city.operator);
  const made = await browser.submit('/admin/devices', '/admin/devices', { ...FIELDS, organisation: codeOf(), serialNumber: 'KIOSK-0201' });
  const address = made.headers.location as string;
  const id = address.split('/').at(-1) ?? '';
  const newToken = async () => /data-token>([^<]+)</.exec((await browser.submit(address, `${address}/token`, {})).body)?.[1] ?? '';
  const token = await newToken();
  for (const suite of ['sm2-sm3', 'rs256'] as const) {
    const refused = await enrol(id, token, makeCsr({ suite }).der);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([422, 'text/plain; charset=utf-8']);
    const words = await refused.text();
    expect([words.includes('P-256 only'), words.includes('此类证书仅签发给 P-256 密钥')]).toEqual([true, true]);
  }
  const { der, key } = makeCsr();
  expect((await enrol(id, token, der)).status).toBe(200);
  expect((await enrol(id, token, der)).status).toBe(200);
  expect((await enrol(id, token)).status).toBe(401);
  // A key that has its certificate already costs a second token nothing either; of two keys at once one is bound.
  const second = await newToken();
  expect((await enrol(id, second, makeCsr({ key }).der)).status).toBe(409);
  const both = await Promise.all([enrol(id, second), enrol(id, second)]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
});

test('a device that makes no request gets key and certificate in one file; weak passwords and those with a second operator do not', async () => {
  const browser = await city.as(city.operator);
  const register = async (serialNumber: string, more: Record<string, string> = {}) => {
    const fields = { ...FIELDS, organisation: codeOf(), serialNumber, ...more };
    return (await browser.submit('/admin/devices', '/admin/devices', fields)).headers.location as string;
  };
  const at = await register('KIOSK-0101');
  const take = (place: string, password: string, again = password) => browser.submit(place, `${place}/key-file`, { password, again });
  const weak = await take(at, 'weak');
  expect([weak.statusCode, weak.body.includes('密钥文件口令须为12至128位')]).toEqual([422, true]);
  expect((await take(at, 'Correct-horse-9', 'Other-horse-9')).statusCode).toBe(422);
  expect((await browser.get(at)).body).toContain('尚无证书');
  const file = await take(at, 'Correct-horse-9');
  expect([file.statusCode, file.headers['content-type']]).toEqual([200, 'application/x-pkcs12']);
  const { stdout } = runOpenSsl(['pkcs12', '-in', '@p12', '-passin', 'pass:Correct-horse-9', '-nodes'], { p12: file.rawPayload });
  const certificate = new X509Certificate(stdout.toString().slice(stdout.toString().indexOf('-----BEGIN CERTIFICATE')));
  expect(certificate.checkPrivateKey(createPrivateKey(stdout.toString()))).toBe(true);
  expect(certificate.subject).toContain('CN=KIOSK-0101');
  expect((await browser.get(at)).body).toContain(certificate.serialNumber.toLowerCase());
  const event = await city.deps.db.auditEvent.findFirstOrThrow({ where: { kind: 'device-key-file-made' } });
  expect(event.subject).toBe(`certificate:${certificate.serialNumber.toLowerCase()}`);
  const careful = await register('KIOSK-0102', { needsApproval: '1' });
  expect((await browser.get(careful)).body).not.toContain('/key-file');
  expect((await take(careful, 'Correct-horse-9')).statusCode).toBe(403);
  await browser.submit(at, `${at}/retire`, {});
  expect((await take(at, 'Correct-horse-9')).statusCode).toBe(403);
});

test('a faulty form says what is wrong, a serial number twice too', async () => {
  const browser = await city.as(city.operator);
  const submit = (fields: Record<string, string>) =>
    browser.submit('/admin/devices', '/admin/devices', { ...FIELDS, organisation: codeOf(), ...fields });
  const unknown = await submit({ organisation: '91350100M000100Y4Z' });
  expect([unknown.statusCode, unknown.body.includes('未登记该代码的机构')]).toEqual([422, true]);
  const odd = await submit({ serialNumber: '终端一' });
  expect([odd.statusCode, odd.body.includes('应为3至64位')]).toEqual([422, true]);
  expect((await submit({ serialNumber: 'KIOSK-0002' })).statusCode).toBe(303);
  expect((await submit({ serialNumber: 'KIOSK-0002' })).statusCode).toBe(409);
});

test('an auditor looks and changes nothing; others do not see the pages', async () => {
  const auditor = await city.as(city.auditor);
  const page = await auditor.get('/admin/devices');
  expect([page.statusCode, page.body.includes('登记设备')]).toEqual([200, false]);
  const refused = await auditor.send({
    method: 'POST',
    url: '/admin/devices',
    payload: '{}',
    headers: { 'content-type': 'application/json' },
  });
  expect(refused.statusCode).toBe(403);
  expect((await city.stranger().get('/admin/devices')).statusCode).toBe(303);
});
