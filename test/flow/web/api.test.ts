/** The API as departments' systems use it: client credentials with a private key, a scope for each operation, one organisation. */
import { beforeAll, describe, expect, test } from 'vitest';
import { showCode } from '#licences/show-code.ts';
import { exampleFields } from '#test/room/licences/sample-city.ts';
import { apiToken, callApi } from './api-system.ts';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let issuing: string;
let reading: string;

beforeAll(async () => {
  city = await webCity({ listen: true });
  issuing = await system('issuing-system', city.department.id, ['licences:issue', 'licences:read', 'licences:status', 'codes:redeem']);
  reading = await system('reading-system', city.clinic.id, ['licences:read', 'codes:redeem']);
});

const system = (id: string, organisationId: string | undefined, scopes: string[]) => apiToken(city, { id, organisationId, scopes });
const call = (token: string, method: 'GET' | 'POST', path: string, body?: unknown) => callApi(city, token, method, path, body);

const issueRequest = (requestId: string) => ({
  type: 'residence-permit',
  holder: { citizenNumber: '350203198505050019' },
  fields: exampleFields('residence-permit'),
  requestId,
});

describe('a department’s system', () => {
  test('issues, lists, reads, fetches the file and ends a licence', async () => {
    const made = await call(issuing, 'POST', '/api/licences', issueRequest('api-request-1'));
    expect(made.status).toBe(201);
    expect(made.json.identifier).toMatch(/^1\.2\.156\.3005\.2\./);
    const again = await call(issuing, 'POST', '/api/licences', issueRequest('api-request-1'));
    expect(again.json).toEqual(made.json);
    const { licenceId, identifier } = made.json;

    const list = await call(issuing, 'GET', '/api/licences?limit=5');
    expect(list.json.items.map((item: { identifier: string }) => item.identifier)).toContain(identifier);
    expect(JSON.stringify(list.json)).not.toContain('张小三');
    const one = await call(issuing, 'GET', `/api/licences/${licenceId}`);
    expect(one.json).toMatchObject({ identifier, status: 'in-force', holderName: '张小三' });

    const file = await call(issuing, 'GET', `/api/licences/${licenceId}/files/pdf?purpose=${encodeURIComponent('归档')}`);
    expect(file.status).toBe(200);
    expect(file.headers.get('content-type')).toBe('application/pdf');

    const ended = await call(issuing, 'POST', `/api/licences/${licenceId}/status`, { status: 'cancelled', reason: '持证人申请' });
    expect(ended.json.status).toBe('cancelled');
    const refused = await call(issuing, 'POST', `/api/licences/${licenceId}/status`, { status: 'in-force', reason: '恢复' });
    expect(refused).toMatchObject({ status: 409, json: { code: 'licence-transition-not-allowed' } });
  });

  test('is told each faulty field', async () => {
    const request = issueRequest('api-request-2');
    const refused = await call(issuing, 'POST', '/api/licences', {
      ...request,
      fields: { ...request.fields, birthDate: 'spring', ethnicity: undefined },
    });
    expect(refused.status).toBe(422);
    const pointers = refused.json.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers.some((pointer: string) => pointer.endsWith('/birthDate'))).toBe(true);
    expect(pointers.some((pointer: string) => pointer.endsWith('/ethnicity'))).toBe(true);
  });

  test('a purpose is needed for the file', async () => {
    const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
    expect((await call(issuing, 'GET', `/api/licences/${licenceId}/files/pdf`)).status).toBe(422);
  });
});

describe('what a token does not allow', () => {
  test('an operation whose scope it lacks', async () => {
    const refused = await call(reading, 'POST', '/api/licences', issueRequest('api-request-3'));
    expect(refused).toMatchObject({ status: 403, json: { code: 'not-allowed', detail: 'The token lacks the scope licences:issue.' } });
  });

  test('licences of another organisation', async () => {
    const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
    expect((await call(reading, 'GET', `/api/licences/${licenceId}`)).status).toBe(403);
    expect((await call(reading, 'GET', '/api/licences')).json.items).toEqual([]);
  });

  test('anything, when its client acts for nobody', async () => {
    const nobody = await system('nobodys-system', undefined, ['licences:read']);
    expect(await call(nobody, 'GET', '/api/licences')).toMatchObject({ status: 403, json: { code: 'not-allowed' } });
  });
});

test('a counter’s own system redeems a code, and the holder reads for which organisation', async () => {
  const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
  const { digits } = await showCode(city.deps, { personId: city.citizen, licenceId });
  const body = { input: digits, purpose: 'hotel-check-in', requestId: 'system-redeem-1' };
  const first = await call(reading, 'POST', '/api/codes/redeem', body);
  expect(first).toMatchObject({ status: 200, json: { verdict: 'valid', licence: { holderName: '张小三' } } });
  expect((await call(reading, 'POST', '/api/codes/redeem', body)).json).toEqual(first.json);
  expect((await call(reading, 'POST', '/api/codes/redeem', { ...body, requestId: 'system-redeem-2' })).json.verdict).toBe('used');
  expect((await (await city.as(city.citizen)).get('/my/look-ups')).body).toContain('旅馆住宿登记');
});

describe('for everybody', () => {
  test('keys and the status list are public, cacheable, and readable from any page', async () => {
    for (const path of ['/api/codes/keys', '/codes/keys', '/api/codes/status-list']) {
      const reply = await fetch(`${city.origin}${path}`);
      expect(reply.status).toBe(200);
      expect(reply.headers.get('cache-control')).toMatch(/^public, max-age=/);
      expect(reply.headers.get('access-control-allow-origin')).toBe('*');
      expect(await reply.json()).toBeTypeOf('object');
    }
    const token = await fetch(`${city.origin}/api/codes/status-list`, { headers: { accept: 'application/statuslist+jwt' } });
    expect(token.headers.get('content-type')).toBe('application/statuslist+jwt');
    expect(await token.text()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  test.each(['ca-root-sm2', 'ca-root-p256', 'ca-persons-sm2', 'ca-services-p256'])('certificate and list of %s', async (name) => {
    const certificate = await fetch(`${city.origin}/ca/${name}.cer`);
    expect([certificate.status, certificate.headers.get('content-type')]).toEqual([200, 'application/pkix-cert']);
    const list = await fetch(`${city.origin}/crl/${name}.crl`);
    expect([list.status, list.headers.get('content-type')]).toEqual([200, 'application/pkix-crl']);
    expect(await (await fetch(`${city.origin}/ca/${name}.pem`)).text()).toMatch(/^-----BEGIN CERTIFICATE-----/);
  });

  test('the description names every operation, its tokens and its refusals', async () => {
    const description = (await (await fetch(`${city.origin}/api/docs/json`)).json()) as {
      paths: Record<string, Record<string, { security?: unknown; responses: Record<string, unknown> }>>;
      components: { schemas: Record<string, unknown> };
    };
    expect(Object.keys(description.paths).sort()).toEqual([
      '/api/certificates/queue',
      '/api/certificates/requests',
      '/api/certificates/requests/{id}',
      '/api/certificates/requests/{id}/decision',
      '/api/certificates/requests/{id}/domains',
      '/api/certificates/validate',
      '/api/certificates/{serial}',
      '/api/certificates/{serial}/encryption',
      '/api/certificates/{serial}/revoke',
      '/api/codes/keys',
      '/api/codes/offline-uses',
      '/api/codes/redeem',
      '/api/codes/status-list',
      '/api/licences',
      '/api/licences/{id}',
      '/api/licences/{id}/files/{format}',
      '/api/licences/{id}/status',
      '/api/my/licences/{id}/code',
      '/api/my/look-ups/latest',
      '/api/seal-jobs',
      '/api/seal-jobs/{id}',
      '/api/seal-jobs/{id}/files',
      '/api/seal-jobs/{id}/files/{key}',
      '/api/seal-jobs/{id}/results.zip',
      '/api/seal-jobs/{id}/{act}',
      '/api/seal-status/{esId}',
      '/api/seals',
      '/api/seals/{id}/uses',
      '/api/verify',
    ]);
    const redeem = description.paths['/api/codes/redeem']?.['post'];
    expect(redeem?.security).toEqual([{ token: ['codes:redeem'] }, { session: [] }]);
    expect(Object.keys(redeem?.responses ?? {})).toEqual(['200', '401', '403', '422']);
    expect(JSON.stringify(description)).not.toContain('undefined');
  });
});
