/** Certificates over the API, as an organisation's system asks for, fetches, renews and revokes them. */
import { beforeAll, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { OID } from '#crypto/oids.ts';
import { registerPerson } from '#people/register-person.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { attributeOf } from '#pki/name.ts';
import { parsePem } from '#pki/pem.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { apiToken, callApi } from './api-system.ts';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let asking: string;
let reading: string;
let stranger: string;

beforeAll(async () => {
  city = await webCity({ listen: true });
  const all = ['certificates:request', 'certificates:read', 'certificates:revoke'];
  asking = await apiToken(city, { id: 'asking-system', organisationId: city.department.id, scopes: all });
  reading = await apiToken(city, { id: 'looking-system', organisationId: city.department.id, scopes: ['certificates:read'] });
  stranger = await apiToken(city, { id: 'strange-system', organisationId: city.clinic.id, scopes: all });
});

async function operator() {
  const { id } = await registerPerson(city.context, { name: '何志强', phone: nextPhone(), by: 'system:test' });
  return appointStaff(city.context, { personId: id, organisationId: city.department.id, roles: ['operator'], by: 'system:test' });
}

let phones = 0;
const nextPhone = () => `1380000${String(++phones).padStart(4, '0')}`;
const ask = (csr = makeCsr().pem, requestId = `api-${Math.random().toString(36).slice(2, 10)}`, token = asking) =>
  callApi(city, token, 'POST', '/api/certificates/requests', { csr, requestId });

async function issued() {
  const { json } = await ask();
  for (let index = 0; index < 2; index++) {
    await decideCertificateRequest(city.context, { id: json.id, by: await operator(), decision: 'approve', digest: json.digest });
  }
  return (await callApi(city, asking, 'GET', `/api/certificates/requests/${json.id}`)).json;
}

test('a request waits for two operators, and then answers certificate and chain', async () => {
  const csr = makeCsr({ commonName: '别的名字' });
  const asked = await ask(csr.pem, 'api-request-0001');
  expect([asked.status, asked.json.status]).toEqual([201, 'requested']);
  expect(asked.json.certificate).toBeUndefined();
  expect((await ask(csr.pem, 'api-request-0001')).json.id).toBe(asked.json.id);
  for (let index = 0; index < 2; index++) {
    await decideCertificateRequest(city.context, { id: asked.json.id, by: await operator(), decision: 'approve' });
  }
  const { json } = await callApi(city, reading, 'GET', `/api/certificates/requests/${asked.json.id}`);
  expect(json.status).toBe('issued');
  const [leaf, ...rest] = parsePem(json.chain).map(parseCertificate);
  expect(rest).toHaveLength(2);
  expect(leaf && attributeOf(leaf.subject, OID.organisation)).toBe(city.department.name);
  expect(leaf?.serialHex).toBe(json.serial);
  const list = await callApi(city, reading, 'GET', '/api/certificates/requests?status=issued');
  expect(list.json.items.map(({ id }: { id: string }) => id)).toContain(asked.json.id);
});

test('a certificate is read and revoked by its organisation alone, with the scope for it', async () => {
  const { serial } = await issued();
  const read = await callApi(city, reading, 'GET', `/api/certificates/${serial}`);
  expect(read.json).toMatchObject({ serial, status: 'good', renewable: false, profile: 'organisation' });
  const revoke = (token: string, reason = 'superseded') => callApi(city, token, 'POST', `/api/certificates/${serial}/revoke`, { reason });
  expect((await revoke(reading)).status).toBe(403);
  expect((await revoke(stranger)).status).toBe(404);
  expect((await callApi(city, stranger, 'GET', `/api/certificates/${serial}`)).status).toBe(404);
  expect((await revoke(asking, 'ca-compromise')).status).toBe(422);
  expect((await revoke(asking)).status).toBe(200);
  expect((await revoke(asking)).json.code).toBe('certificate-already-revoked');
  expect((await callApi(city, reading, 'GET', `/api/certificates/${serial}`)).json).toMatchObject({
    status: 'revoked',
    reason: 'superseded',
  });
});

test('a faulty request is refused with a problem in both languages', async () => {
  const { status, json } = await ask(`-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(80)}\n-----END CERTIFICATE REQUEST-----`);
  expect(status).toBe(422);
  expect(json).toMatchObject({
    code: 'csr-not-acceptable',
    detail: expect.stringMatching(/PKCS#10/),
    detailZh: expect.stringMatching(/证书请求/),
  });
  expect((await ask(makeCsr().pem, 'x')).status).toBe(422);
  expect((await ask(makeCsr().pem, undefined, reading)).status).toBe(403);
  expect((await callApi(city, asking, 'GET', `/api/certificates/requests/${crypto.randomUUID()}`)).status).toBe(404);
});

test('a system asks for a web server, learns what must stand where, lets us look, and two operators decide', async () => {
  const body = { csr: makeCsr().pem, requestId: 'api-web-server-1', profile: 'web-server', dnsNames: ['api.shifan.gov.cn'] };
  const { status, json: asked } = await callApi(city, asking, 'POST', '/api/certificates/requests', body);
  expect([status, asked.dnsNames]).toEqual([201, ['api.shifan.gov.cn']]);
  const [proof] = asked.domains;
  expect(proof).toEqual({
    name: 'api.shifan.gov.cn',
    url: expect.stringMatching(/^http:\/\/api\.shifan\.gov\.cn\/\.well-known\/tongren-domain\/[\w-]{32}$/),
    content: expect.stringMatching(/^[\w-]{32}\.[\w-]{43}$/),
  });
  const path = `/api/certificates/requests/${asked.id}/domains`;
  expect((await callApi(city, reading, 'POST', path)).status).toBe(403);
  expect((await callApi(city, stranger, 'POST', path)).status).toBe(404);
  const looked = await callApi(city, asking, 'POST', path);
  expect([looked.status, looked.json.domains[0].provenAt]).toEqual([200, expect.any(String)]);
  for (let index = 0; index < 2; index++)
    await decideCertificateRequest(city.context, { id: asked.id, by: await operator(), decision: 'approve' });
  const { json } = await callApi(city, asking, 'GET', `/api/certificates/requests/${asked.id}`);
  expect(parsePem(json.chain).map(parseCertificate)[0]?.subjectAltNames).toEqual([{ kind: 'dns', value: 'api.shifan.gov.cn' }]);
  expect((await callApi(city, asking, 'POST', path)).json.code).toBe('certificate-request-settled');
});

test('renewing long before the end is refused', async () => {
  const { serial } = await issued();
  const body = { csr: makeCsr().pem, requestId: 'renew-too-early', renews: serial };
  const { status, json } = await callApi(city, asking, 'POST', '/api/certificates/requests', body);
  expect([status, json.code]).toEqual([409, 'certificate-not-renewable']);
});

test('operators read the queue and decide over the API; a token reads it and decides nothing', async () => {
  const reviewing = await apiToken(city, { id: 'reviewing-system', organisationId: city.department.id, scopes: ['certificates:review'] });
  const { json: asked } = await ask();
  const queue = async (query = '') => (await callApi(city, reviewing, 'GET', `/api/certificates/queue${query}`)).json;
  const found = (await queue('?limit=100')).items.find(({ id }: { id: string }) => id === asked.id);
  expect(found).toMatchObject({
    ...{ status: 'requested', firstApproval: false, requestedBy: 'client:asking-system' },
    holder: { kind: 'organisation', organisationId: city.department.id, organisation: city.department.name },
  });
  expect((await queue('?status=rejected&limit=1')).items.length).toBeLessThanOrEqual(1);
  expect((await callApi(city, asking, 'GET', '/api/certificates/queue')).status).toBe(403);
  const path = `/api/certificates/requests/${asked.id}/decision`;
  const body = { decision: 'approve', digest: asked.digest };
  const byToken = await callApi(city, reviewing, 'POST', path, body);
  expect([byToken.status, byToken.json.code]).toEqual([401, 'not-signed-in']);

  const [one, other] = [await operator(), await operator()];
  const [first, second] = [await city.as(one.personId), await city.as(other.personId)];
  const wrong = await first.fetchJson(path, { ...body, digest: '0'.repeat(64) });
  expect([wrong.statusCode, wrong.json().code]).toEqual([409, 'certificate-request-changed']);
  expect((await first.fetchJson(path, body)).json()).toMatchObject({ status: 'requested', firstApproval: true });
  expect((await first.fetchJson(path, body)).json()).toMatchObject({ code: 'same-person' });
  const issuing = await second.fetchJson(path, body);
  expect([issuing.statusCode, issuing.json().status]).toEqual([200, 'issued']);
  expect((await second.fetchJson(path, body)).json()).toMatchObject({ code: 'certificate-request-settled' });
  const forged = await second.send({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  });
  expect(forged.json()).toMatchObject({ code: 'csrf-failed' });
});

test('rejecting over the API needs a reason, and the asking system reads it', async () => {
  const { json: asked } = await ask();
  const path = `/api/certificates/requests/${asked.id}/decision`;
  const browser = await city.as((await operator()).personId);
  const reject = (reason?: string) => browser.fetchJson(path, { decision: 'reject', digest: asked.digest, ...(reason ? { reason } : {}) });
  expect((await reject()).statusCode).toBe(422);
  expect((await reject('与登记信息不符')).json()).toMatchObject({ status: 'rejected', reason: '与登记信息不符' });
  const read = await callApi(city, reading, 'GET', `/api/certificates/requests/${asked.id}`);
  expect(read.json).toMatchObject({ status: 'rejected', reason: '与登记信息不符' });
  expect((await (await city.as(city.auditor)).fetchJson(path, { decision: 'approve', digest: asked.digest })).statusCode).toBe(403);
});
