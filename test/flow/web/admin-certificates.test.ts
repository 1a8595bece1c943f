/** The operators' pages for certificates and the organisation's own: ask, decide, find, revoke, state, trust list; with the refusals. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { listAuthorities } from '#certificates/authorities.ts';
import { publishLog } from '#certificates/log-publish.ts';
import { registerPerson } from '#people/register-person.ts';
import { toPem } from '#pki/pem.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

let city: WebCity;
/** Another operator. */
let second: string;
let sealAdmin: string;
let requests = 0;
const foreignCa = () => toPem('CERTIFICATE', new DocumentAuthority({ name: `外地CA ${randomUUID()}` }).root.certificate.der);

async function newStaff(name: string, roles: Parameters<typeof appointStaff>[1]['roles']) {
  const phone = `137${String(++requests).padStart(8, '0')}`;
  const { id } = await registerPerson(city.deps, { name, phone, by: 'system:test' });
  await appointStaff(city.deps, { personId: id, organisationId: city.department.id, roles, by: 'system:test' });
  return id;
}

beforeAll(async () => {
  city = await webCity();
  second = await newStaff('周复核', ['operator']);
  sealAdmin = await newStaff('吴印章', ['seal-admin']);
});

async function upload(browser: Browser, page: string, fields: Record<string, string | string[]>, file?: string, action = page) {
  const token = /name="csrf" value="([^"]+)"/.exec((await browser.get(page)).body)?.[1] ?? '';
  const form = new FormData();
  for (const [name, value] of Object.entries({ csrf: token, ...fields })) for (const one of [value].flat()) form.append(name, one);
  if (file !== undefined) form.append('file', new Blob([file]), 'upload.pem');
  const encoded = new Response(form);
  const headers = { accept: 'text/html', 'content-type': encoded.headers.get('content-type') ?? '' };
  return browser.send({ method: 'POST', url: action, headers, payload: Buffer.from(await encoded.arrayBuffer()) });
}

const DESK = '/desk/certificates';
async function ask(csr = makeCsr().pem, fields: Record<string, string> = {}) {
  const browser = await city.as(sealAdmin);
  const requestId = `desk-request-${++requests}`;
  return { browser, reply: await upload(browser, DESK, { profile: 'organisation', requestId, ...fields }, csr) };
}
/** A request that waits, by its id. */
const waiting = async () => ((await ask()).reply.headers.location as string).split('/').at(-1) ?? '';
const digestIn = (body: string) => /name="digest" value="([0-9a-f]{64})"/.exec(body)?.[1] ?? '';
async function decide(who: string, id: string, decision: string, more: Record<string, string> = {}) {
  const browser = await city.as(who);
  const digest = digestIn((await browser.get(`/admin/requests/${id}`)).body);
  return browser.submit(`/admin/requests/${id}`, `/admin/requests/${id}`, { decision, digest, ...more });
}

describe('asking and deciding', () => {
  test('staff upload a request, an operator approves, and the organisation fetches its certificate', async () => {
    expect((await (await city.as(sealAdmin)).get(DESK)).body).toContain('申请证书');
    const { browser, reply } = await ask();
    expect(reply.statusCode).toBe(303);
    const at = reply.headers.location as string;
    expect((await browser.get(at)).body).toContain('等待管理员审批');
    expect((await browser.get(`${at}/certificate.pem`)).statusCode).toBe(404);
    const id = at.split('/').at(-1) ?? '';
    const operator = await city.as(city.operator);
    expect((await operator.get('/admin/requests')).body).toContain(id);
    const page = (await operator.get(`/admin/requests/${id}`)).body;
    expect(page).toContain('吴*章');
    expect(page).toContain('将写入证书的内容');
    expect((await decide(city.operator, id, 'approve')).statusCode).toBe(303);
    expect((await operator.get('/admin/requests')).body).not.toContain(id);
    expect((await operator.get('/admin/requests?state=issued')).body).toContain(id);
    const [own = ''] = (await browser.get(`${at}/certificate.pem`)).body.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(new X509Certificate(own).subject).toContain(city.department.name);
    const revoked = await browser.submit(at, `${at}/revoke`, { reason: 'superseded' });
    expect(revoked.statusCode).toBe(303);
    expect((await browser.get(at)).body).toContain('已换用新证书');
  });

  test('rejecting needs a reason, which the asker reads; nobody decides twice', async () => {
    const id = await waiting();
    const bare = await decide(city.operator, id, 'reject');
    expect([bare.statusCode, bare.body.includes('请填写驳回理由')]).toEqual([422, true]);
    expect((await decide(city.operator, id, 'reject', { reason: '请求有误' })).statusCode).toBe(303);
    expect((await (await city.as(sealAdmin)).get(`${DESK}/${id}`)).body).toContain('请求有误');
    const browser = await city.as(second);
    const digest = 'ab'.repeat(32);
    const again = await browser.submit('/admin/requests', `/admin/requests/${id}`, { decision: 'approve', digest });
    expect(again.statusCode).toBe(409);
  });

  test('a web server: each host name is proven at its own page before an operator can approve', async () => {
    const fields = { profile: 'web-server', dnsNames: 'www.shifan.gov.cn，\nunproven.shifan.gov.cn' };
    const odd = await ask(makeCsr().pem, { ...fields, dnsNames: '*.shifan.gov.cn' });
    expect([odd.reply.statusCode, odd.reply.body.includes('不支持通配符'), odd.reply.body.includes('*.shifan.gov.cn</textarea>')]).toEqual([
      ...[422, true, true],
    ]);
    const { browser, reply } = await ask(makeCsr().pem, fields);
    expect(reply.statusCode).toBe(303);
    const at = reply.headers.location as string;
    const page = (await browser.get(at)).body;
    expect(page).toMatch(/http:\/\/www\.shifan\.gov\.cn\/\.well-known\/tongren-domain\/[\w-]{32}</);
    expect(page.match(/待验证/g)).toHaveLength(2);
    const id = at.split('/').at(-1) ?? '';
    const early = await decide(city.operator, id, 'approve');
    expect([early.statusCode, early.body.includes('域名控制权尚未全部验证')]).toEqual([409, true]);
    expect((await browser.submit(at, `${at}/domains`, {})).headers.location).toBe(`${at}#domains`);
    const looked = (await browser.get(at)).body;
    expect([looked.includes('已验证'), looked.includes('未找到验证文件')]).toEqual([true, true]);
    const again = await browser.submit(at, `${at}/domains`, {});
    expect(again.statusCode).toBe(429);
    expect((await decide(city.operator, id, 'approve')).statusCode).toBe(409);

    const { reply: other } = await ask(makeCsr().pem, { ...fields, dnsNames: 'www.shifan.gov.cn' });
    const there = other.headers.location as string;
    await browser.submit(there, `${there}/domains`, {});
    const seen = (await (await city.as(city.operator)).get(`/admin/requests/${there.split('/').at(-1)}`)).body;
    expect([seen.includes('www.shifan.gov.cn'), seen.includes('已验证')]).toEqual([true, true]);
    expect((await decide(city.operator, there.split('/').at(-1) ?? '', 'approve')).statusCode).toBe(303);
    const [own = ''] = (await browser.get(`${there}/certificate.pem`)).body.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(new X509Certificate(own).subjectAltName).toBe('DNS:www.shifan.gov.cn');
    expect(new X509Certificate(own).checkHost('www.shifan.gov.cn')).toBe('www.shifan.gov.cn');
    expect((await browser.get(there)).body).not.toContain('验证域名');
  });

  test('another digest than the one shown, and no decision at all, are refused', async () => {
    const id = await waiting();
    expect((await decide(city.operator, id, 'approve', { digest: 'ab'.repeat(32) })).statusCode).toBe(409);
    expect((await decide(city.operator, id, 'perhaps')).statusCode).toBe(422);
  });

  test('a request taken back is no longer decided', async () => {
    const id = await waiting();
    const browser = await city.as(sealAdmin);
    expect((await browser.submit(`${DESK}/${id}`, `${DESK}/${id}/cancel`, {})).statusCode).toBe(303);
    expect((await browser.submit(DESK, `${DESK}/${id}/cancel`, {})).statusCode).toBe(409);
    expect((await (await city.as(city.operator)).get(`/admin/requests/${id}`)).body).not.toContain('value="approve"');
  });

  test('what is no request, no file and no kind are said at the form', async () => {
    const odd = await ask('not a request');
    expect(odd.reply.statusCode).toBe(422);
    const browser = await city.as(sealAdmin);
    const none = await upload(browser, DESK, { profile: 'organisation', requestId: 'no-file-at-all' });
    expect([none.statusCode, none.body.includes('请选择文件')]).toEqual([422, true]);
    const kind = await ask(makeCsr().pem, { profile: 'seal' });
    expect([kind.reply.statusCode, kind.reply.body.includes('请选择类别')]).toEqual([422, true]);
  });

  test('who has not the role neither asks nor decides, an auditor only looks', async () => {
    const id = await waiting();
    const auditor = await city.as(city.auditor);
    expect((await auditor.get(`/admin/requests/${id}`)).body).not.toContain('value="approve"');
    const digest = 'ab'.repeat(32);
    expect((await auditor.submit('/admin/requests', `/admin/requests/${id}`, { decision: 'approve', digest })).statusCode).toBe(403);
    const citizen = await city.as(city.citizen);
    for (const path of ['/admin/requests', '/admin/certificates', '/admin/services', '/admin/trust-list', DESK]) {
      expect((await citizen.get(path)).statusCode).toBe(403);
      expect((await city.stranger().get(path)).statusCode).toBe(303);
    }
    expect((await (await city.as(city.operator)).get(DESK)).statusCode).toBe(403);
  });
});

describe('finding and revoking', () => {
  async function issued() {
    const id = await waiting();
    await decide(city.operator, id, 'approve');
    return (await city.deps.db.certificateRequest.findUniqueOrThrow({ where: { id } })).serialHex ?? '';
  }

  test('by serial number in whole or part, by the beginning of the name, by kind and state', async () => {
    const serial = await issued();
    const operator = await city.as(city.operator);
    const found = async (query: Record<string, string>) =>
      (await operator.get(`/admin/certificates?${new URLSearchParams(query)}`)).body.includes(serial);
    expect(await found({ text: serial })).toBe(true);
    expect(await found({ text: serial.toUpperCase().replace(/(..)(?=.)/g, '$1:') })).toBe(true);
    expect(await found({ text: serial.slice(0, 6) })).toBe(true);
    expect(await found({ text: city.department.name.slice(0, 2) })).toBe(true);
    expect(await found({ text: '没有这个名称' })).toBe(false);
    expect(await found({ profile: 'organisation', state: 'good' })).toBe(true);
    expect(await found({ profile: 'person' })).toBe(false);
    for (const state of ['revoked', 'expired', 'held', 'ending']) expect(await found({ state })).toBe(false);
    const soon = new Date(city.deps.clock.now().getTime() + 80 * 86_400_000);
    await city.deps.db.issuedCertificate.update({ where: { serialHex: serial }, data: { notAfter: soon } });
    expect(await found({ state: 'ending' })).toBe(true);
    expect((await operator.get('/admin/certificates?state=odd')).statusCode).toBe(200);
    expect((await operator.get('/admin/trust')).headers.location).toBe('/admin/certificates');
  });

  test('one certificate shows facts, chain, who asked and decided, its place in the log; revoking needs reason and confirmation', async () => {
    const serial = await issued();
    await publishLog(city.deps);
    const operator = await city.as(city.operator);
    const at = `/admin/certificates/${serial}`;
    const page = (await operator.get(at)).body;
    for (const words of ['吴*章', '孙*行', '证书链', '签发日志']) expect(page).toContain(words);
    expect(page).toMatch(/第 \d+ 条，共 \d+ 条/);
    expect((await operator.get(`${at}/certificate.pem`)).body.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
    expect((await operator.submit(at, `${at}/revoke`, { reason: 'key-compromise' })).statusCode).toBe(422);
    expect((await operator.submit(at, `${at}/revoke`, { reason: 'ca-compromise', sure: '1' })).statusCode).toBe(422);
    const auditor = await city.as(city.auditor);
    expect((await auditor.get(at)).body).not.toContain('/revoke"');
    expect((await auditor.submit('/admin/requests', `${at}/revoke`, { reason: 'superseded', sure: '1' })).statusCode).toBe(403);
    expect((await operator.submit(at, `${at}/revoke`, { reason: 'key-compromise', sure: '1' })).statusCode).toBe(303);
    expect((await operator.get(at)).body).toContain('已吊销');
    expect((await operator.submit('/admin/requests', `${at}/revoke`, { reason: 'superseded', sure: '1' })).statusCode).toBe(409);
    expect((await operator.get('/admin/certificates?state=revoked')).body).toContain(serial);
  });

  test('a certificate is held and released, held and revoked for good; what may not be held is not offered it', async () => {
    const serial = await issued();
    const operator = await city.as(city.operator);
    const at = `/admin/certificates/${serial}`;
    expect((await operator.get(at)).body).not.toContain('/release"');
    expect((await operator.submit('/admin/requests', `${at}/release`, {})).statusCode).toBe(409);
    expect((await operator.submit(at, `${at}/revoke`, { reason: 'certificate-hold', sure: '1' })).statusCode).toBe(303);
    const held = (await operator.get(at)).body;
    expect(held).toContain('已冻结');
    expect(held).not.toContain('value="certificate-hold"');
    expect((await operator.get('/admin/certificates?state=held')).body).toContain(serial);
    const auditor = await city.as(city.auditor);
    expect((await auditor.get(at)).body).not.toContain('/release"');
    expect((await auditor.submit('/admin/requests', `${at}/release`, {})).statusCode).toBe(403);
    expect((await operator.submit(at, `${at}/release`, {})).statusCode).toBe(303);
    expect((await operator.get(at)).body).not.toContain('已冻结');
    expect((await operator.submit(at, `${at}/revoke`, { reason: 'certificate-hold', sure: '1' })).statusCode).toBe(303);
    expect((await operator.submit(at, `${at}/revoke`, { reason: 'key-compromise', sure: '1' })).statusCode).toBe(303);
    expect((await operator.submit('/admin/requests', `${at}/release`, {})).statusCode).toBe(409);
    const seal = await city.deps.db.issuedCertificate.findFirstOrThrow({ where: { profile: 'seal', revokedAt: null, der: { not: null } } });
    expect((await operator.get(`/admin/certificates/${seal.serialHex}`)).body).not.toContain('value="certificate-hold"');
  });

  test('an authority is not revoked here, and what is not ours is not there', async () => {
    const operator = await city.as(city.operator);
    const [authority] = await listAuthorities(city.deps);
    const at = `/admin/certificates/${authority?.certificate.serialHex}`;
    const page = (await operator.get(at)).body;
    expect(page).toContain('密钥仪式');
    expect(page).not.toContain('/revoke"');
    expect((await operator.submit('/admin/requests', `${at}/revoke`, { reason: 'superseded', sure: '1' })).statusCode).toBe(403);
    for (const serial of ['ab'.repeat(16), 'no-serial']) expect((await operator.get(`/admin/certificates/${serial}`)).statusCode).toBe(404);
  });

  test('services: authorities, lists, responders, timestamps and log at a glance', async () => {
    await publishLog(city.deps);
    const page = (await (await city.as(city.auditor)).get('/admin/services')).body;
    for (const words of ['ca-root-p256', 'ca-persons-sm2', '在线状态查询', '时间戳', '签发日志', '正常']) expect(page).toContain(words);
    expect(page).not.toContain('过期<');
  });
});

describe('the trust list', () => {
  const LIST = '/admin/trust-list';
  const proposal = { nameZh: '邻省政务 CA', nameEn: 'Neighbour CA', purposes: ['seal', 'document-signing'] };
  async function propose(fields: Record<string, string | string[]> = {}, pem = foreignCa()) {
    const browser = await city.as(city.operator);
    return { browser, reply: await upload(browser, LIST, { ...proposal, ...fields }, pem) };
  }
  async function act(who: string, at: string, name: string, fields: Record<string, string> = {}) {
    const browser = await city.as(who);
    const digest = digestIn((await browser.get(at)).body);
    return (await browser.submit(at, `${at}/${name}`, { ...(digest ? { digest } : {}), ...fields })).statusCode;
  }

  test('one operator proposes, another approves; suspended by one, taken back by two, removed for good', async () => {
    const { browser, reply } = await propose({ organisation: '邻省', maxPathLength: '1' });
    expect(reply.statusCode).toBe(303);
    const at = reply.headers.location as string;
    expect((await browser.get(LIST)).body).toContain('待复核');
    expect(await act(city.operator, at, 'approve')).toBe(403);
    expect(await act(second, at, 'approve')).toBe(303);
    expect((await browser.get(at)).body).toContain('周*核');
    expect(await act(second, at, 'suspend')).toBe(422);
    expect(await act(second, at, 'suspend', { reason: '对方通报异常' })).toBe(303);
    expect((await browser.get(at)).body).toContain('对方通报异常');
    expect(await act(second, at, 'resume')).toBe(303);
    expect(await act(second, at, 'approve')).toBe(403);
    expect(await act(city.operator, at, 'approve')).toBe(303);
    expect((await browser.get(LIST)).body).toContain('有效');
    expect(await act(city.operator, at, 'remove', { reason: '协议终止' })).toBe(303);
    expect(await act(city.operator, at, 'suspend', { reason: '协议终止' })).toBe(409);
    expect(await act(city.operator, at, 'explode')).toBe(404);
  });

  test('an authority for people who sign in says where the number stands and how far it counts, which both operators see', async () => {
    const signIn = { purposes: ['client'], signInLevel: '4', numberIn: 'subject', numberOid: '2.5.4.5', numberPrefix: 'PNOCN-' };
    const { browser, reply } = await propose(signIn);
    expect(reply.statusCode).toBe(303);
    const page = (await browser.get(reply.headers.location as string)).body;
    for (const words of ['至多 4 级', '主体属性 2.5.4.5，前缀 PNOCN-']) expect(page).toContain(words);
    const plain = (await propose({ purposes: ['client'], signInLevel: '5' })).reply.headers.location as string;
    expect((await browser.get(plain)).body).toContain('个人身份标识扩展（identifyCode）');
    const none = (await propose({ purposes: ['client'] })).reply.headers.location as string;
    expect((await browser.get(none)).body).not.toContain('个人登录');
    const noPurpose = (await propose({ ...signIn, purposes: ['seal'] })).reply;
    expect([noPurpose.statusCode, noPurpose.body.includes('须包含“客户端”用途')]).toEqual([422, true]);
    const noOid = (await propose({ ...signIn, numberOid: '' })).reply;
    expect([noOid.statusCode, noOid.body.includes('约束条件不正确')]).toEqual([422, true]);
    expect((await propose({ ...signIn, signInLevel: '2' })).reply.statusCode).toBe(422);
  });

  test('a rejected proposal keeps its reason; faults are said at the form', async () => {
    const at = (await propose()).reply.headers.location as string;
    expect(await act(second, at, 'reject', { reason: '指纹不符' })).toBe(303);
    expect((await (await city.as(second)).get(at)).body).toContain('指纹不符');
    const noPem = (await propose({}, 'nothing')).reply;
    expect([noPem.statusCode, noPem.body.includes('其中没有 PEM 证书')]).toEqual([422, true]);
    const noPurpose = (await propose({ purposes: [] })).reply;
    expect([noPurpose.statusCode, noPurpose.body.includes('请至少选择一种认可的用途。')]).toEqual([422, true]);
    expect(noPurpose.body).not.toContain('/constraints/');
    expect((await propose({ nameZh: '' })).reply.statusCode).toBe(422);
    expect((await propose({ maxPathLength: 'x' })).reply.statusCode).toBe(422);
    const auditor = await city.as(city.auditor);
    expect((await auditor.get(LIST)).body).not.toContain('提议承认');
    expect((await upload(auditor, '/admin/requests', proposal, foreignCa(), LIST)).statusCode).toBe(403);
  });
});
