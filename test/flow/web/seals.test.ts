/** Seals by their pages: rules and end by two persons, the log and its export, what operators and the public see. */
import { beforeAll, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { registerPerson } from '#people/register-person.ts';
import { drawSealPicture } from '#seals/draw-seal-picture.ts';
import { findSeal, findSealUses } from '#seals/find-seals.ts';
import { describeSealedFile, recordSealUse } from '#seals/record-seal-use.ts';
import { activeSeal } from '#test/room/licences/sample-city.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let keeper: Browser;
let approver: Browser;
let operator: Browser;
let place: string;

beforeAll(async () => {
  city = await webCity();
  [keeper, approver, operator] = await Promise.all([city.as(city.issuer), city.as(city.approver), city.as(city.operator)]);
  place = `/desk/seals/${city.sealId}`;
});

/** Sends the form by which the approver decides on what waits. */
async function decide(decision: 'approve' | 'reject', who = approver, at = place) {
  const page = await who.get(at);
  const action = /action="(\/desk\/seals\/[0-9a-f-]+\/changes\/[0-9a-f-]+)"/.exec(page.body)?.[1] ?? '';
  const digest = /name="digest" value="([0-9a-f]{64})"/.exec(page.body)?.[1] ?? '';
  return who.submit(at, action, { decision, digest });
}

describe('rules', () => {
  test('asked for by the keeper, approved by another, they stand on the page and refuse who is not named', async () => {
    const { id: other } = await registerPerson(city.deps, { name: '何签发', phone: '13900050001', by: 'system:test' });
    const staff = await appointStaff(city.deps, {
      personId: other,
      organisationId: city.department.id,
      roles: ['issuer'],
      by: 'system:test',
    });
    const form = await keeper.get(`${place}/rules`);
    expect(form.body).toContain(`value="staff:${staff.id}"`);
    const sent = await keeper.submit(`${place}/rules`, `${place}/rules`, {
      users: `staff:${staff.id}`,
      dailyLimit: '8',
      reason: '专人用印',
    });
    expect(sent.statusCode).toBe(303);
    expect((await keeper.get(place)).body).toContain('待审批：调整使用规则');
    expect((await keeper.get(place)).body).not.toContain('name="decision"');
    expect((await decide('approve')).statusCode).toBe(303);
    const page = await keeper.get(place);
    expect(page.body).toContain('8 份文件');
    expect(page.body).toContain('专人用印');
    await expect(city.issue('residence-permit', { personId: city.citizen })).rejects.toMatchObject({ code: 'seal-use-not-allowed' });
    expect((await keeper.submit(`${place}/rules`, `${place}/rules`, { reason: '恢复' })).statusCode).toBe(303);
    await decide('approve');
    await city.issue('residence-permit', { personId: city.citizen });
  });

  test.each([
    ['a limit of nothing', { dailyLimit: '0', reason: '测试' }, '每日用印上限'],
    ['a limit that is no number', { dailyLimit: '-5', reason: '测试' }, '每日用印上限'],
    ['no reason', { dailyLimit: '5', reason: '' }, '请填写 2 至 200 个字的原因'],
    ['somebody of elsewhere', { users: 'client:not-ours', reason: '测试' }, '所选人员或系统不正确'],
  ])('%s is refused with a word', async (_case, fields, word) => {
    const sent = await keeper.submit(`${place}/rules`, `${place}/rules`, fields);
    expect(sent.statusCode).toBe(422);
    expect(sent.body).toContain(word);
  });

  test('are nobody’s to change but the keeper’s, and nobody’s to decide but an approver’s', async () => {
    expect((await approver.get(`${place}/rules`)).statusCode).toBe(403);
    expect((await operator.get(`${place}/rules`)).statusCode).toBe(403);
    const action = `${place}/changes/${city.sealId}`;
    expect((await keeper.submit(place, action, { decision: 'approve', digest: '0'.repeat(64) })).statusCode).toBe(403);
    expect((await approver.submit(place, action, { decision: 'approve', digest: '0'.repeat(64) })).statusCode).toBe(404);
  });
});

describe('the log', () => {
  test('shows what was sealed, by whom, with both digests, and goes out as a table no spreadsheet will run', async () => {
    const at = city.deps.clock.now();
    const files = [describeSealedFile('pdf', Buffer.from('a sealed file'))];
    await city.deps.db.$transaction((tx) =>
      recordSealUse(tx, { sealId: city.sealId, subject: '=HYPERLINK("http://x")', files, actor: '@SUM(1)', at }),
    );
    const page = await keeper.get(`${place}/uses`);
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain(files[0]?.digest);
    expect(page.body).toContain(files[0]?.sm3);
    const csv = await keeper.get(`${place}/uses.csv`);
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.body.startsWith('\uFEFF时间（北京时间）,')).toBe(true);
    const lines = csv.body.trimEnd().split('\r\n');
    expect(lines.some((line) => line.includes(files[0]?.digest ?? ''))).toBe(true);
    expect(lines.flatMap((line) => line.split(',')).filter((cell) => /^"?[=+\-@]/.test(cell))).toEqual([]);
    expect(await city.deps.db.auditEvent.count({ where: { kind: 'seal-log-exported', subject: `seal:${city.sealId}` } })).toBe(1);
  });

  test('is paged, and cut to the days asked for', async () => {
    const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
    const day = city.deps.clock.now();
    for (let n = 0; n < 33; n++) {
      const files = [describeSealedFile('ofd', Buffer.from(`file ${n}`))];
      const at = new Date(day.getTime() + (n === 32 ? 86_400_000 : 0));
      await city.deps.db.$transaction((tx) => recordSealUse(tx, { sealId, subject: 'licence:1', files, actor: 'system:test', at }));
    }
    const uses = `/desk/seals/${sealId}/uses`;
    const rowsOf = (body: string) => body.match(/<tr><td/g)?.length ?? 0;
    const first = await keeper.get(uses);
    expect(rowsOf(first.body)).toBe(30);
    const next = /href="([^"]+)" rel="next"/.exec(first.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(rowsOf((await keeper.get(next)).body)).toBe(3);
    const tomorrow = new Date(day.getTime() + 86_400_000 + 8 * 3_600_000).toISOString().slice(0, 10);
    expect(rowsOf((await keeper.get(`${uses}?since=${tomorrow}`)).body)).toBe(1);
    expect((await keeper.get(`${uses}.csv?since=${tomorrow}`)).body.trimEnd().split('\r\n')).toHaveLength(2);
    const today = new Date(day.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
    expect((await keeper.get(`${uses}.csv?until=${today}`)).body.trimEnd().split('\r\n')).toHaveLength(33);
    expect((await keeper.get(`${uses}?since=yesterday`)).statusCode).toBe(200);
  });

  test('is the owner’s, the operators’ and the auditors’', async () => {
    const paths = ['', '/uses', '/uses.csv'];
    const auditor = await city.as(city.auditor);
    for (const path of paths) {
      expect((await operator.get(`/admin/seals/${city.sealId}${path}`)).statusCode).toBe(200);
      expect((await auditor.get(`/admin/seals/${city.sealId}${path}`)).statusCode).toBe(200);
      expect((await keeper.get(`/admin/seals/${city.sealId}${path}`)).statusCode).toBe(403);
      expect((await (await city.as(city.clerk)).get(`${place}${path}`)).statusCode).toBe(403);
      expect((await (await city.as(city.citizen)).get(`${place}${path}`)).statusCode).toBe(403);
    }
    const foreign = await registerPerson(city.deps, { name: '邻居', phone: '13900050002', by: 'system:test' });
    const by = { personId: foreign.id, organisationId: city.company.id, roles: ['seal-admin' as const], by: 'system:test' };
    await appointStaff(city.deps, by);
    const neighbour = await city.as(foreign.id);
    for (const path of [...paths, '/rules']) expect((await neighbour.get(`${place}${path}`)).statusCode).toBe(404);
  });

  test('is read by the organisation’s systems and staff over the API, and by nobody else', async () => {
    const json = { accept: 'application/json' };
    const at = `/api/seals/${city.sealId}/uses`;
    const answer = (await keeper.get(`${at}?limit=1`, json)).json();
    expect(answer.items).toEqual([
      expect.objectContaining({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), sm3: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    ]);
    expect((await keeper.get(`${at}?cursor=${answer.nextCursor}`, json)).json().items[0]?.id).not.toBe(answer.items[0].id);
    expect((await city.stranger().get(at, json)).statusCode).toBe(401);
    expect((await (await city.as(city.clerk)).get(at, json)).statusCode).toBe(403);
    expect((await keeper.get(`/api/seals/${city.company.id}/uses`, json)).statusCode).toBe(404);
  });

  test('operators find a seal by number, name and state', async () => {
    const { esId = '', name = '' } = (await findSeal(city.deps, city.sealId)) ?? {};
    for (const text of [esId, esId.slice(0, 8), name.slice(0, 4)]) {
      expect((await operator.get(`/admin/seals?text=${encodeURIComponent(text)}`)).body).toContain(esId);
    }
    expect((await operator.get('/admin/seals?status=destroyed')).body).not.toContain(esId);
    expect((await operator.get('/admin/seals?text=%25')).body).not.toContain(esId);
  });
});

test('the owner takes the seal along: its structure verifies on its own, its picture is outlines as well', async () => {
  const esl = await keeper.get(`${place}/files/seal.esl`);
  expect(esl.headers['content-disposition']).toMatch(/filename="\d{14}\.esl"/);
  const { roots, issuing } = await trustedCertificates(city.deps);
  const options = { anchors: roots, intermediates: issuing, at: city.deps.clock.now() };
  expect(verifyDocument(esl.rawPayload, 'seal.esl', options).report).toMatchObject({ format: 'seal', verdict: 'genuine' });
  const svg = await keeper.get(`${place}/files/picture.svg`);
  expect(svg.headers['content-type']).toContain('image/svg+xml');
  expect(svg.headers['content-disposition']).toContain('attachment');
  expect(svg.body).toMatch(/^<svg [^>]*width="42mm"/);
  expect((await keeper.get(`${place}/files/picture.png`)).rawPayload.subarray(1, 4).toString()).toBe('PNG');
  expect((await keeper.get(`${place}/files/key.pem`)).statusCode).toBe(404);
  expect((await (await city.as(city.citizen)).get(`${place}/files/seal.esl`)).statusCode).toBe(403);
});

test('the end of a seal by two persons, as the public sees it; the page offers nothing more', async () => {
  const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
  const { esId = '' } = (await findSeal(city.deps, sealId)) ?? {};
  const at = `/desk/seals/${sealId}`;
  const stranger = city.stranger();
  const ask = async () => (await stranger.get(`/api/seal-status/${esId}`, { accept: 'application/json' })).json();
  expect(await ask()).toMatchObject({ esId, status: 'valid' });
  expect((await keeper.submit(at, `${at}/destroy`, { reason: '' })).statusCode).toBe(422);
  expect((await keeper.submit(at, `${at}/destroy`, { reason: '机构撤并' })).statusCode).toBe(303);
  expect(await ask()).toMatchObject({ status: 'valid' });
  expect((await decide('approve', approver, at)).statusCode).toBe(303);
  const status = await ask();
  expect(status).toMatchObject({ status: 'destroyed' });
  expect(Object.keys(status).sort()).toEqual(['at', 'esId', 'since', 'status', 'validFrom', 'validTo']);
  expect((await stranger.get(`/seals/${esId}`)).body).toContain('印章已销毁');
  const page = await keeper.get(at);
  expect(page.body).toContain('已销毁');
  expect(page.body).not.toMatch(/action="\/desk\/seals\/[0-9a-f-]+\/(activate|suspend|resume|destroy)"/);
  for (const act of ['resume', 'activate', 'suspend', 'destroy']) {
    expect((await keeper.submit('/desk/seals', `${at}/${act}`, { reason: '再用一次' })).statusCode).toBe(409);
  }
});

test('who verifies a file on the public page is told how its seal stands today; a destroyed seal leaves old files genuine', async () => {
  city.deps.clock.advance(60_000);
  const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
  const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
  expect((await findSealUses(city.deps, { sealId })).items.map(({ subject }) => subject)).toContain(`licence:${licenceId}`);
  const verified = async (format: 'ofd' | 'pdf') => {
    const { bytes } = await readLicenceFile(city.deps, { licenceId, format, reader: { as: 'holder', personId: city.citizen } });
    const head = `--x\r\ncontent-disposition: form-data; name="file"; filename="a.${format}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
    const payload = Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n--x--\r\n')]);
    const headers = { accept: 'text/html', 'content-type': 'multipart/form-data; boundary=x' };
    return (await city.stranger().send({ method: 'POST', url: '/verify', headers, payload })).body;
  };
  for (const format of ['ofd', 'pdf'] as const) expect(await verified(format)).toContain('印章有效');
  city.deps.clock.advance(60_000);
  const at = `/desk/seals/${sealId}`;
  await keeper.submit(at, `${at}/destroy`, { reason: '机构撤并' });
  await decide('approve', approver, at);
  for (const format of ['ofd', 'pdf'] as const) {
    const page = await verified(format);
    expect(page).toContain('印章已销毁');
    expect(page).toContain('官方签发，内容未改动');
  }
});

test('a new seal takes the place of an old one when it is put to use; an approver may stop it at once', async () => {
  const { id: organisationId } = city.department;
  const oldId = await activeSeal(city.deps, organisationId, { admin: city.issuer, approver: city.approver });
  const old = await findSeal(city.deps, oldId);
  const form = await keeper.get(`/desk/seals?replaces=${oldId}`);
  expect(form.body).toContain(`name="replaces" value="${oldId}"`);
  const sent = await keeper.submit('/desk/seals', '/desk/seals', { kind: 'licence', replaces: oldId });
  const at = sent.headers.location as string;
  for (const [who, act] of [
    [approver, 'approve'],
    [keeper, 'make'],
  ] as const)
    await who.submit(at, `${at}/${act}`, {});
  const status = async () => (await city.stranger().get(`/api/seal-status/${old?.esId}`, { accept: 'application/json' })).json();
  expect(await status()).toMatchObject({ status: 'valid' });
  expect((await keeper.submit(at, `${at}/activate`, {})).statusCode).toBe(303);
  const next = await findSeal(city.deps, at.split('/').at(-1) ?? '');
  expect(await status()).toMatchObject({ status: 'replaced', replacedBy: next?.esId });
  expect((await approver.submit(at, `${at}/suspend`, { reason: '保管人失联' })).statusCode).toBe(303);
  expect((await approver.submit(at, `${at}/resume`, { reason: '恢复' })).statusCode).toBe(403);
  expect((await keeper.submit(at, `${at}/resume`, { reason: '恢复' })).statusCode).toBe(303);
});

test.each([
  ['/api/seal-status/35020099999999', 404],
  ['/api/seal-status/123', 422],
  ['/api/seal-status/35020000000001?at=yesterday', 422],
  ['/api/seal-status/35020000000001?at=2999-01-01T00:00:00Z', 422],
  ['/seals/35020099999999', 404],
  ['/seals/x', 404],
])('%s answers %d', async (path, status) => {
  expect((await city.stranger().get(path)).statusCode).toBe(status);
});

describe('applying with a preview', () => {
  const picture = async () => (await drawSealPicture({ organisationName: '示范市市场监督管理局', kind: 'official' })).png;

  async function preview(who: Browser, fields: Record<string, string | string[]>, file?: Uint8Array) {
    const csrf = /name="csrf" value="([^"]+)"/.exec((await who.get('/desk/seals')).body)?.[1] ?? '';
    const parts = Object.entries({ csrf, ...fields }).flatMap(([name, value]) =>
      [value].flat().map((one) => Buffer.from(`--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${one}\r\n`)),
    );
    const head = '--x\r\ncontent-disposition: form-data; name="picture"; filename="p.png"\r\ncontent-type: image/png\r\n\r\n';
    const payload = Buffer.concat([...parts, Buffer.from(head), file ?? Buffer.alloc(0), Buffer.from('\r\n--x--\r\n')]);
    const headers = { accept: 'text/html', 'content-type': 'multipart/form-data; boundary=x' };
    return who.send({ method: 'POST', url: '/desk/seals/preview', headers, payload });
  }
  function hiddenOf(body: string): Record<string, string[]> {
    const all: Record<string, string[]> = {};
    for (const [, name = '', value = ''] of body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)) {
      if (name !== 'csrf') all[name] = [...(all[name] ?? []), value];
    }
    return all;
  }

  test('a drawn seal is shown, then applied for as shown, with every type that was ticked', async () => {
    const shown = await preview(keeper, {
      kind: 'special',
      purpose: '不动产登记专用章',
      licenceTypes: ['residence-permit', 'driving-licence'],
    });
    expect(shown.statusCode).toBe(200);
    expect(shown.body).toContain('data:image/png;base64,');
    const sent = await keeper.submit('/desk/seals', '/desk/seals', hiddenOf(shown.body));
    expect(sent.statusCode).toBe(303);
    const at = sent.headers.location as string;
    const page = await approver.get(at);
    expect(page.body).toContain('示范市市场监督管理局不动产登记专用章');
    expect(page.body).toContain('data:image/png;base64,');
    expect(await findSeal(city.deps, at.split('/').at(-1) ?? '')).toMatchObject({ licenceTypes: ['driving-licence', 'residence-permit'] });
  });

  test('a picture of one’s own is checked, kept for who sent it only, and made as it was seen', async () => {
    const shown = await preview(keeper, { kind: 'official', diameterMm: '42' }, await picture());
    expect(shown.statusCode).toBe(200);
    const hidden = hiddenOf(shown.body);
    const { id } = await registerPerson(city.deps, { name: '郑管章', phone: '13900050009', by: 'system:test' });
    await appointStaff(city.deps, { personId: id, organisationId: city.department.id, roles: ['seal-admin'], by: 'system:test' });
    const stolen = await (await city.as(id)).submit('/desk/seals', '/desk/seals', hidden);
    expect(stolen.statusCode).toBe(422);
    const sent = await keeper.submit('/desk/seals', '/desk/seals', hidden);
    expect(sent.statusCode).toBe(303);
    const seal = await findSeal(city.deps, (sent.headers.location as string).split('/').at(-1) ?? '');
    expect(seal?.givenPicture).toMatchObject({ widthMm: 42, heightMm: 42 });
  });

  test.each([
    ['a picture that is none', { kind: 'official' }, Buffer.from('GIF89a'), '不是 PNG'],
    ['no kind', {}, undefined, '请选择印章种类'],
    ['a signature without its picture', { kind: 'signature' }, undefined, '请上传签名图片'],
  ])('%s is said at its field', async (_case, fields, file, word) => {
    const sent = await preview(keeper, fields as Record<string, string>, file);
    expect(sent.statusCode).toBe(422);
    expect(sent.body).toContain(word);
  });

  test('is for the keeper only', async () => {
    expect((await preview(approver, { kind: 'official' })).statusCode).toBe(403);
  });
});
