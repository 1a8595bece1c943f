/** The issuing department and the operators by their forms. */
import { beforeAll, describe, expect, test } from 'vitest';
import { raiseAssurance } from '#people/raise-assurance.ts';
import { exampleFields } from '#test/room/licences/sample-city.ts';
import { type Browser, NEWCOMER, type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let issuer: Browser;
let operator: Browser;

beforeAll(async () => {
  city = await webCity();
  issuer = await city.as(city.issuer);
  operator = await city.as(city.operator);
});

const HOLDER = '350203198505050019';
let requests = 0;

function issueForm(type: string, changes: Record<string, string> = {}) {
  const fields = Object.fromEntries(Object.entries(exampleFields(type)).map(([key, value]) => [`fields.${key}`, value]));
  return { ...fields, requestId: `desk-test-${++requests}`, holderNumber: HOLDER, holderName: '', ...changes };
}

/** As a browser sends a form with a file. */
async function submitWithFile(browser: Browser, path: string, fields: Record<string, string>, photo?: Buffer) {
  const page = await browser.get(path);
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const parts = Object.entries({ csrf, ...fields }).map(([name, value]) =>
    Buffer.from(`--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  );
  const file = Buffer.concat([
    Buffer.from(
      `--x\r\ncontent-disposition: form-data; name="photo"; filename="${photo ? 'p.png' : ''}"\r\ncontent-type: image/png\r\n\r\n`,
    ),
    photo ?? Buffer.alloc(0),
    Buffer.from('\r\n--x--\r\n'),
  ]);
  const headers = { accept: 'text/html', 'content-type': 'multipart/form-data; boundary=x' };
  return browser.send({ method: 'POST', url: path, headers, payload: Buffer.concat([...parts, file]) });
}

describe('issuing by form', () => {
  test('leads to the licence, which the holder then has', async () => {
    const sent = await submitWithFile(issuer, '/desk/issue/driving-licence', issueForm('driving-licence'));
    expect(sent.statusCode).toBe(303);
    const page = await issuer.get(sent.headers.location as string);
    expect(page.body).toContain('已签发');
    expect(page.body).toContain('张小三');
    expect((await (await city.as(city.citizen)).get('/my')).body).toContain('机动车驾驶证');
  });

  test('the same form sent twice issues once', async () => {
    const form = issueForm('residence-permit');
    const [first, second] = [
      await submitWithFile(issuer, '/desk/issue/residence-permit', form),
      await submitWithFile(issuer, '/desk/issue/residence-permit', form),
    ];
    expect(first.statusCode).toBe(303);
    expect(second.headers.location).toBe(first.headers.location);
  });

  test('what is wrong is said at its field, and what was typed stays', async () => {
    const sent = await submitWithFile(
      issuer,
      '/desk/issue/residence-permit',
      issueForm('residence-permit', { 'fields.birthDate': '1990-02-30', 'fields.ethnicity': '' }),
    );
    expect(sent.statusCode).toBe(422);
    expect(sent.body).toMatch(/has-fault[^§]*?fields\.birthDate/);
    expect(sent.body).toMatch(/id="f-fields-ethnicity-fault"/);
    expect(sent.body).toContain(`value="${HOLDER}"`);
  });

  test('a holder nobody knows needs a name, and the register must agree', async () => {
    const unknown = { holderNumber: NEWCOMER.citizenNumber };
    const path = '/desk/issue/residence-permit';
    const nameless = await submitWithFile(issuer, path, issueForm('residence-permit', unknown));
    expect(nameless.statusCode).toBe(422);
    expect(nameless.body).toContain('请填写姓名');
    const wrong = await submitWithFile(issuer, path, issueForm('residence-permit', { ...unknown, holderName: '林晓东' }));
    expect(wrong.statusCode).toBe(422);
    expect(wrong.body).toContain('不一致');
    const right = await submitWithFile(issuer, path, issueForm('residence-permit', { ...unknown, holderName: NEWCOMER.name }));
    expect(right.statusCode).toBe(303);
  });

  test('a photo that is no picture is refused at its field', async () => {
    const sent = await submitWithFile(issuer, '/desk/issue/residence-permit', issueForm('residence-permit'), Buffer.from('GIF89a'));
    expect(sent.statusCode).toBe(422);
    expect(sent.body).toContain('PNG 或 JPEG 格式');
  });

  test('a photo beyond 500 kB is refused', async () => {
    const sent = await submitWithFile(issuer, '/desk/issue/residence-permit', issueForm('residence-permit'), Buffer.alloc(600_000));
    expect(sent.statusCode).toBe(413);
  });

  test('a form with a file needs the token like any other', async () => {
    const payload = '--x\r\ncontent-disposition: form-data; name="holderNumber"\r\n\r\n1\r\n--x--\r\n';
    const headers = { accept: 'text/html', 'content-type': 'multipart/form-data; boundary=x' };
    expect((await issuer.send({ method: 'POST', url: '/desk/issue/residence-permit', headers, payload })).statusCode).toBe(403);
  });
});

describe('the register', () => {
  test('pages, filters, and masks holders', async () => {
    const page = await issuer.get('/desk?type=driving-licence&status=in-force');
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('张*三');
    expect(page.body).not.toContain('张小三');
    expect((await issuer.get('/desk?status=superseded')).body).toContain('没有符合条件的证照');
  });

  test('a status is changed with a reason, which its history keeps', async () => {
    const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
    const place = `/desk/licences/${licenceId}`;
    const without = await issuer.submit(place, `${place}/status`, { status: 'suspended', reason: '' });
    expect(without.statusCode).toBe(422);
    expect(without.body).toContain('请填写 2 至 200 个字的原因');
    expect((await issuer.submit(place, `${place}/status`, { status: 'cancelled', reason: '持证人迁出' })).statusCode).toBe(303);
    const page = await issuer.get(place);
    expect(page.body).toContain('持证人迁出');
    expect(page.body).toContain('不能再变更');
    expect((await issuer.submit(place, `${place}/status`, { status: 'in-force', reason: '恢复使用' })).statusCode).toBe(409);
  });

  test('files are read with the department’s purpose, and the holder sees it', async () => {
    const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
    expect((await issuer.get(`/desk/licences/${licenceId}/licence.pdf`)).statusCode).toBe(200);
    expect((await (await city.as(city.citizen)).get('/my/look-ups')).body).toContain('颁发机构查阅存档');
  });
});

describe('seals', () => {
  test('applied for by one person, approved by another, made and put into use', async () => {
    const approver = await city.as(city.approver);
    const applied = await issuer.submit('/desk/seals', '/desk/seals', { kind: 'contract', licenceTypes: ['residence-permit'] });
    expect(applied.statusCode).toBe(303);
    const place = applied.headers.location as string;
    expect((await issuer.submit(place.replace(/[^/]+$/, city.sealId), `${place}/approve`, {})).statusCode).toBe(403);
    expect((await approver.submit(place, `${place}/approve`, { reason: '同意' })).statusCode).toBe(303);
    expect((await issuer.submit(place, `${place}/make`, {})).statusCode).toBe(303);
    expect((await issuer.submit(place, `${place}/activate`, {})).statusCode).toBe(303);
    const page = await issuer.get(place);
    expect(page.body).toContain('使用中');
    expect(page.body).toContain('data:image/png;base64,');
  });

  test('an act out of turn is refused where it was tried', async () => {
    const place = `/desk/seals/${city.sealId}`;
    const again = await issuer.submit(place, `${place}/activate`, {});
    expect(again.statusCode).toBe(409);
    expect(again.body).toContain('notice-bad');
  });
});

describe('operators', () => {
  test('register an app, are shown its secret once, suspend and resume it', async () => {
    const form = {
      id: 'city-library',
      kind: 'web',
      nameZh: '市图书馆',
      nameEn: 'City library',
      operatorZh: '市图书馆',
      operatorEn: 'City library',
      purposeZh: '借阅登记',
      purposeEn: 'Lending',
      redirectUris: 'https://library.example/callback',
      scopes: ['openid', 'profile'],
      authMethod: 'client_secret_basic',
    };
    const made = await operator.submit('/admin/apps/new', '/admin/apps/new', form);
    expect(made.statusCode).toBe(200);
    expect(made.body).toMatch(/client_secret<\/dt><dd class="mono">[\w-]{43}</);
    const page = await operator.get('/admin/apps/city-library');
    expect(page.body).toContain('https://library.example/callback');
    expect((await operator.submit('/admin/apps/city-library', '/admin/apps/city-library/suspend', {})).statusCode).toBe(303);
    expect((await operator.get('/admin/apps/city-library')).body).toContain('已停用');
    const again = await operator.submit('/admin/apps/new', '/admin/apps/new', form);
    expect(again.statusCode).toBe(409);
  });

  test('a registration with faults says each at its field', async () => {
    const sent = await operator.submit('/admin/apps/new', '/admin/apps/new', { id: 'x', kind: 'web', jwks: 'not json' });
    expect(sent.statusCode).toBe(422);
    expect(sent.body).toContain('f-nameZh-fault');
  });

  test('appoint and dismiss staff by number', async () => {
    const place = `/admin/staff/${city.department.id}`;
    const nobody = await operator.submit(place, place, { person: '13999999999', roles: ['counter'] });
    expect(nobody.statusCode).toBe(422);
    // A name of one's own telling is not enough: an operator could make up the second person that approvals need.
    const unproven = await operator.submit(place, place, { person: '350203197212120023', roles: ['operator'] });
    expect([unproven.statusCode, unproven.body.includes('须完成实名认证')]).toEqual([422, true]);
    await proveName(city.otherCitizen);
    expect((await operator.submit(place, place, { person: '350203197212120023', roles: ['counter'] })).statusCode).toBe(303);
    expect((await (await city.as(city.otherCitizen)).get('/counter')).statusCode).toBe(200);
    const dismiss = [...(await operator.get(place)).body.matchAll(/action="([^"]+\/dismiss)"/g)].at(-1)?.[1] ?? '';
    expect((await operator.submit(place, dismiss, {})).statusCode).toBe(303);
    expect((await (await city.as(city.otherCitizen)).get('/counter')).statusCode).toBe(403);
  });

  test('search the audit by kind', async () => {
    const page = await operator.get('/admin/audit?kind=seal-activated');
    expect(page.body).toContain('seal-activated');
    expect(page.body).not.toContain('licence-issued</code>');
  });
});

const proveName = (personId: string) =>
  raiseAssurance(city.context, { personId, method: 'registry-match', source: 'register', by: 'system:test' });

describe('people with several positions', () => {
  test('are asked in which they act, and keep their choice', async () => {
    const place = `/admin/staff/${city.clinic.id}`;
    await proveName(city.issuer);
    await operator.submit(place, place, { person: '350203198803030059', roles: ['counter', 'issuer'] });
    const me = await city.as(city.issuer);
    const asked = await me.get('/desk/issue');
    expect(asked.statusCode).toBe(303);
    expect(asked.headers.location).toBe('/position?return=%2Fdesk%2Fissue');
    const question = await me.get(asked.headers.location as string);
    const clinic = /value="([^"]+)"[^>]*><span><strong>示范市第一医院/.exec(question.body)?.[1] ?? '';
    const chosen = await me.submit(asked.headers.location as string, '/position', { position: clinic, return: '/desk/issue' });
    expect(chosen.headers.location).toBe('/desk/issue');
    expect((await me.get('/desk/issue')).body).toContain('示范市第一医院');
    expect((await me.submit('/position', '/position', { position: city.sealId })).statusCode).toBe(403);
  });
});
