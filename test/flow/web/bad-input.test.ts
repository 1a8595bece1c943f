/** Whatever a client gets wrong is the client's: 4xx with a problem, never 500, never a stack. */
import { connect } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Browser, type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let clerk: Browser;
let issuer: Browser;
let operator: Browser;
let citizen: Browser;

beforeAll(async () => {
  city = await webCity({ listen: true });
  clerk = await city.as(city.clerk);
  issuer = await city.as(city.issuer);
  operator = await city.as(city.operator);
  citizen = await city.as(city.citizen);
});

const json = { accept: 'application/json', 'content-type': 'application/json' };

function expectProblem(response: { statusCode: number; body: string; headers: Record<string, unknown> }, status: number, code: string) {
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  const problem = JSON.parse(response.body);
  expect(problem).toMatchObject({ status, code, type: `${city.origin}/problems/${code}` });
  expect(problem.instance).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
  expect(problem.title).toBeTruthy();
  expect(response.body).not.toMatch(/\bat .*\.ts:|node_modules/);
  return problem;
}

describe('requests that cannot be read', () => {
  test('malformed JSON', async () => {
    expectProblem(
      await clerk.send({ method: 'POST', url: '/api/codes/redeem', headers: json, payload: '{"input":' }),
      400,
      'malformed-request',
    );
  });

  test('empty JSON', async () => {
    expectProblem(await clerk.send({ method: 'POST', url: '/api/codes/redeem', headers: json, payload: '' }), 400, 'malformed-request');
  });

  test('a content type that is not taken', async () => {
    const headers = { accept: 'application/json', 'content-type': 'text/yaml' };
    expectProblem(await clerk.send({ method: 'POST', url: '/api/codes/redeem', headers, payload: 'a: b' }), 415, 'unsupported-media-type');
  });

  test('a body beyond the limit', async () => {
    const payload = JSON.stringify({ input: 'x'.repeat(2 * 1024 * 1024) });
    expectProblem(await clerk.send({ method: 'POST', url: '/api/codes/redeem', headers: json, payload }), 413, 'too-large');
  });

  test('an address with broken percent-encoding', async () => {
    expectProblem(await clerk.get('/api/licences/%E0%A4%A', { accept: 'application/json' }), 400, 'malformed-request');
    expect((await clerk.get('/v/%zz')).statusCode).toBe(400);
  });

  test('an address that does not exist, as JSON and as a page', async () => {
    expectProblem(await clerk.get('/api/nothing', { accept: 'application/json' }), 404, 'not-found');
    const page = await clerk.get('/nothing');
    expect(page.statusCode).toBe(404);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('您访问的内容不存在');
  });

  test('a method that does not exist there', async () => {
    expect((await clerk.send({ method: 'PUT', url: '/my', headers: { accept: 'text/html' } })).statusCode).toBe(404);
  });

  test('bytes that are no HTTP', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(city.origin).port), '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'));
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('input that is not acceptable', () => {
  test('each faulty field is named with a pointer, in both languages', async () => {
    const response = await clerk.fetchJson('/api/codes/redeem', { input: '', purpose: 'x' }, '/counter');
    const problem = expectProblem(response, 422, 'invalid-input');
    expect(problem.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(['/input', '/purpose', '/requestId']);
    for (const { detail, detailZh } of problem.errors) {
      expect(detail).toBeTruthy();
      expect(detailZh).toMatch(/[\u4e00-\u9fff]/);
    }
  });

  test.each([['a string'], [42], [null], [[]], [{ input: { $gt: '' }, purpose: [], requestId: true }]])('the body %j', async (body) => {
    const response = await clerk.fetchJson('/api/codes/redeem', body, '/counter');
    expect(response.statusCode).toBeGreaterThanOrEqual(400);
    expect(response.statusCode).toBeLessThan(500);
  });

  test('the null character, which the database could not keep', async () => {
    const response = await clerk.fetchJson('/api/codes/redeem', { input: '1234', purpose: 'a\0b', requestId: 'request-1' }, '/counter');
    expect(expectProblem(response, 422, 'invalid-input').errors[0].pointer).toBe('/purpose');
    expect((await clerk.get('/my/licences/%00')).statusCode).toBe(422);
    expect((await issuer.get('/desk?cursor=%00')).statusCode).toBe(422);
  });

  test('a nest that is too deep to be a form', async () => {
    let body: unknown = 'x';
    for (let depth = 0; depth < 200; depth++) body = { body };
    expectProblem(await clerk.fetchJson('/api/codes/redeem', body, '/counter'), 422, 'invalid-input');
  });

  test('names that JavaScript itself knows', async () => {
    const headers = { ...json, 'x-csrf-token': 'x' };
    for (const payload of ['{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{}}}']) {
      expect((await clerk.send({ method: 'POST', url: '/api/codes/redeem', headers, payload })).statusCode).toBeLessThan(500);
    }
    expect((await clerk.get('/problems/constructor')).statusCode).toBe(404);
    expect((await issuer.submit('/desk/seals', `/desk/seals/${city.sealId}/constructor`, {})).statusCode).toBe(404);
  });

  test.each([
    ['/my/licences/x'],
    ['/my/licences/x/code'],
    ['/my/licences/00000000-0000-0000-0000-000000000000'],
    ['/my/licences/00000000-0000-0000-0000-000000000000/licence.exe'],
    ['/my/look-ups?cursor=x'],
    ['/my/look-ups?cursor=1.x'],
    ['/my/look-ups?cursor[]=1&cursor[]=2'],
  ])('the citizen asks for %s', async (path) => {
    expect((await citizen.get(path)).statusCode).toBeLessThan(500);
  });

  test.each([
    ['/desk?status=x&type=y&cursor=z'],
    ['/desk?cursor=99999999999999999999.x'],
    ['/desk/issue/x'],
    ['/desk/issue/constructor'],
    ['/desk/licences/x'],
    ['/desk/seals/x'],
  ])('the issuer asks for %s', async (path) => {
    expect((await issuer.get(path)).statusCode).toBeLessThan(500);
  });

  test.each([
    ['/admin/audit?since=yesterday'],
    ['/admin/audit?since=2026-02-30&cursor=x'],
    ['/admin/audit?kind[]=a'],
    ['/admin/staff?after=x'],
    ['/admin/staff/x'],
    ['/admin/apps/x'],
    ['/admin/trust?cursor=x'],
  ])('the operator asks for %s', async (path) => {
    expect((await operator.get(path)).statusCode).toBeLessThan(500);
  });

  test.each([
    ['/crl/x.crl'],
    ['/crl/..%2f..%2fetc%2fpasswd'],
    ['/ca/x'],
    ['/ca/ca-root-rsa.cer'],
    ['/assets/..%2f..%2fpackage.json'],
    ['/assets/constructor'],
    ['/large-type?return=//evil.example'],
  ])('a stranger asks for %s', async (path) => {
    const response = await city.stranger().get(path);
    expect(response.statusCode).toBeLessThan(500);
    expect(response.headers.location ?? '/').not.toContain('evil');
  });
});

describe('requests another site makes', () => {
  const form = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };

  test('a form without a token is refused', async () => {
    const response = await clerk.send({
      method: 'POST',
      url: '/counter',
      headers: form,
      payload: 'purpose=bank-account&input=1&requestId=abcdefgh',
    });
    expect(response.statusCode).toBe(403);
    expect(response.body).toContain('表单已失效');
  });

  test('another person’s token is refused', async () => {
    const page = await citizen.get('/my/account');
    const token = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const response = await clerk.send({ method: 'POST', url: '/my/sessions/end-others', headers: form, payload: `csrf=${token}` });
    expect(response.statusCode).toBe(403);
  });

  test('with a good token, what the browser marks as coming from elsewhere is refused', async () => {
    const me = await city.as(city.citizen);
    const page = await me.get('/my/account');
    const payload = `csrf=${/name="csrf" value="([^"]+)"/.exec(page.body)?.[1]}`;
    for (const mark of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      const response = await me.send({ method: 'POST', url: '/my/sessions/end-others', headers: { ...form, ...mark }, payload });
      expect(response.statusCode).toBe(403);
    }
    expect((await me.send({ method: 'POST', url: '/my/sessions/end-others', headers: form, payload })).statusCode).toBe(303);
  });

  test('JSON without the header is refused', async () => {
    const response = await clerk.send({ method: 'POST', url: '/api/codes/redeem', headers: json, payload: '{}' });
    expectProblem(response, 403, 'csrf-failed');
  });
});

describe('who may', () => {
  test.each([
    ['/counter'],
    ['/desk'],
    ['/desk/issue'],
    ['/desk/seals'],
    ['/admin'],
    ['/admin/apps'],
    ['/admin/staff'],
    ['/admin/audit'],
    ['/admin/certificates'],
    ['/admin/requests'],
  ])('a citizen may not open %s', async (path) => {
    expect((await (await city.as(city.citizen)).get(path)).statusCode).toBe(403);
  });

  test.each([['/desk'], ['/admin']])('counter staff may not open %s', async (path) => {
    expect((await clerk.get(path)).statusCode).toBe(403);
  });

  test('an auditor reads but changes nothing', async () => {
    const auditor = await city.as(city.auditor);
    expect((await auditor.get('/admin/audit')).statusCode).toBe(200);
    expect(
      (await auditor.submit('/admin/staff', '/admin/staff', { name: '某局', uscc: '11100000MB0143028R', kind: 'department' })).statusCode,
    ).toBe(403);
    expect((await auditor.get('/admin/apps/new')).statusCode).toBe(403);
  });

  test.each([
    ['none', undefined],
    ['one that is no token', 'Bearer abc'],
    ['one of another kind', 'Basic abc'],
    ['one with a broken signature', 'Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJ4In0.AAAA'],
  ])('the API without a good token (%s) answers 401', async (_what, authorization) => {
    const response = await city
      .stranger()
      .get('/api/licences', { accept: 'application/json', ...(authorization ? { authorization } : {}) });
    expectProblem(response, 401, 'not-signed-in');
    expect(response.headers['www-authenticate']).toBe('Bearer');
  });

  test('metrics are for the machine itself or for who holds the token', async () => {
    expect((await city.stranger().get('/metrics')).statusCode).toBe(200);
    expect((await city.stranger().get('/metrics', { 'x-forwarded-for': '203.0.113.9' })).statusCode).toBe(403);
  });
});
