/**
 * Every page at phone and desk size, and at phone size in large type: nothing refused by the content policy, no script error, nothing wider than the screen.
 * With TONGREN_SCREENSHOTS=folder each is kept as a picture.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { findStaffPositions } from '#access/find-staff.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { registerDevice } from '#certificates/devices.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { requestPersonCertificate } from '#certificates/request-person-certificate.ts';
import { proposeTrustEntry } from '#certificates/trust-list-entries.ts';
import { redeemCode } from '#licences/redeem-code.ts';
import { showCode } from '#licences/show-code.ts';
import { raiseAssurance } from '#people/raise-assurance.ts';
import { registerPerson } from '#people/register-person.ts';
import { toPem } from '#pki/pem.ts';
import { addJobFile, changeSealJob, createSealJob } from '#seals/create-seal-job.ts';
import { findSeal } from '#seals/find-seals.ts';
import { requestSealDestruction, requestSealRules } from '#seals/request-seal-change.ts';
import { runSealJobs } from '#seals/run-seal-jobs.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { type WebCity, webCity } from '#test/flow/web/web-city.ts';
import { DESK, launchChromium, PHONE, visit } from './chromium.ts';

const screenshots = process.env['TONGREN_SCREENSHOTS'];
let city: WebCity;
let browser: Browser;
const places: Record<string, string> = {};
const sessions: Record<string, string> = {};

beforeAll(async () => {
  city = await webCity({ listen: true });
  browser = await launchChromium();
  const permit = await city.issue('residence-permit', { personId: city.citizen });
  const driving = await city.issue('driving-licence', { personId: city.citizen });
  await city.issue('business-licence', { organisationId: city.company.id });
  for (const purpose of ['bank-account', '办理老年人优待证']) {
    const { digits } = await showCode(city.deps, { personId: city.citizen, licenceId: permit.licenceId });
    await redeemCode(city.deps, { input: digits, staff: { personId: city.clerk }, purpose, requestId: `request-${purpose.length}-1` });
  }
  for (const who of ['citizen', 'otherCitizen', 'clerk', 'issuer', 'approver', 'operator'] as const)
    sessions[who] = await city.sessionOf(city[who]);
  const [by] = await findStaffPositions(city.context, city.operator);
  if (!by) throw new Error('the operator has no position');
  const serialNumber = 'KIOSK-2026-0001';
  const device = await registerDevice(city.context, { name: '一楼大厅自助终端', serialNumber, organisationId: city.department.id, by });
  const csr = makeCsr().pem;
  await raiseAssurance(city.deps, { personId: city.citizen, method: 'registry-match', source: 'register', by: 'system:test' });
  const proved = { acrLevel: 3, authTime: city.deps.clock.now() };
  const request = { personId: city.citizen, session: proved, csr, requestId: 'every-page-1' };
  const { certificate } = await requestPersonCertificate(city.context, request);
  const { id: sealAdmin } = await registerPerson(city.deps, { name: '吴印章', phone: '13900030001', by: 'system:test' });
  const organisationId = city.department.id;
  await appointStaff(city.deps, { personId: sealAdmin, organisationId, roles: ['seal-admin'], by: 'system:test' });
  sessions['sealAdmin'] = await city.sessionOf(sealAdmin);
  const asking = { by: { personId: sealAdmin, organisationId }, csr: makeCsr().pem, requestId: 'every-page-2' };
  const asked = await requestOrganisationCertificate(city.context, asking);
  const second = { by: { personId: sealAdmin, organisationId }, csr: makeCsr().pem, requestId: 'every-page-3' };
  const issued = await requestOrganisationCertificate(city.context, second);
  await decideCertificateRequest(city.context, { id: issued.id, by, decision: 'approve' });
  const entry = await proposeTrustEntry(city.context, {
    ...{ by, nameZh: '邻省政务数字证书认证中心', nameEn: 'Neighbour Province CA', official: false },
    certificates: toPem('CERTIFICATE', new DocumentAuthority({ name: '邻省根 CA' }).root.certificate.der),
    constraints: { purposes: ['seal', 'document-signing'], permittedNames: [{ kind: 'dns', value: 'gov.cn' }] },
  });
  await initialiseAuthorities({ ...city.deps, crlPartitions: { persons: 16 } });
  const seal = await findSeal(city.deps, city.sealId);
  const rules = { licenceTypes: ['residence-permit', 'driving-licence'], users: [], dailyLimit: 500 };
  await requestSealRules(city.deps, { sealId: city.sealId, rules, reason: '按年度用印管理规定调整', by: { personId: city.issuer } });
  await requestSealDestruction(city.deps, { sealId: city.sealId, reason: '机构撤并，印章停止使用', by: { personId: city.issuer } });
  Object.assign(places, {
    esId: seal?.esId ?? '',
    adminSeal: `/admin/seals/${city.sealId}`,
    request: `/admin/requests/${asked.id}`,
    deskIssued: `/desk/certificates/${issued.id}`,
    deskCertificate: `/desk/certificates/${asked.id}`,
    adminCertificate: `/admin/certificates/${certificate.serialHex}`,
    trustEntry: `/admin/trust-list/${entry.id}`,
    certificate: `/my/certificates/${certificate.serialHex}`,
    device: `/admin/devices/${device.id}`,
    licence: `/my/licences/${permit.licenceId}`,
    code: `/my/licences/${permit.licenceId}/code`,
    public: `/v/${driving.publicToken}`,
    deskLicence: `/desk/licences/${driving.licenceId}`,
    seal: `/desk/seals/${city.sealId}`,
    ...(await sealJobs()),
    staff: `/admin/staff/${city.department.id}`,
  });
  if (screenshots) mkdirSync(screenshots, { recursive: true });
});
afterAll(() => browser.close());

/** One that ended with a failure, one that was stopped on its way, one to which files are still added. */
async function sealJobs(): Promise<Record<string, string>> {
  const by = { personId: city.issuer, organisationId: city.department.id };
  const make = async (requestId: string, names: readonly string[]) => {
    const { id: jobId } = await createSealJob(city.context, { sealId: city.sealId, requestId, place: {}, by });
    for (const name of names) {
      const content = [name.startsWith('损坏') ? Buffer.from('%PDF-1.7 and no more') : samplePdf()];
      await addJobFile(city.context, { jobId, key: `file-${names.indexOf(name)}`, name, content, by });
    }
    return jobId;
  };
  const act = (jobId: string, one: 'start' | 'pause') => changeSealJob(city.context, { jobId, act: one, by });
  const done = await make('every-page-done', ['不动产权证书领取通知书（2026年第一批）.pdf', '损坏的扫描件.pdf', '会议纪要.pdf']);
  await act(done, 'start');
  while ((await runSealJobs(city.context)) > 0);
  const paused = await make('every-page-paused', ['劳动合同一.pdf', '劳动合同二.pdf', '劳动合同三.pdf']);
  await act(paused, 'start');
  await act(paused, 'pause');
  const result = { claim: randomUUID(), resultDigest: '5e'.repeat(32), resultBytes: 48_213, finishedAt: city.context.clock.now() };
  const sealed = { status: 'sealed', ...result };
  await city.context.db.sealJobFile.updateMany({ where: { jobId: paused, key: 'file-0' }, data: sealed });
  const collecting = await make('every-page-collecting', ['入学通知.pdf']);
  const at = (id: string) => `/desk/seal-jobs/${id}`;
  return { jobDone: at(done), jobPaused: at(paused), jobCollecting: at(collecting), adminJob: `/admin/seal-jobs/${done}` };
}

const PAGES: readonly [name: string, path: string, who?: string][] = [
  ['home', '/'],
  ['login', '/login'],
  ['login-foreign-certificate', '/login/foreign-certificate'],
  ['verify', '/verify'],
  ['authorities', '/ca'],
  ['problems', '/problems'],
  ['not-found', '/nothing-here'],
  ['sms', '/demo/sms'],
  ['public-licence', '{public}'],
  ['public-seal', '/seals/{esId}'],
  ['my', '/my', 'citizen'],
  ['my-empty', '/my', 'otherCitizen'],
  ['my-licence', '{licence}', 'citizen'],
  ['my-code', '{code}', 'citizen'],
  ['my-certificates', '/my/certificates', 'citizen'],
  ['my-certificates-none', '/my/certificates', 'otherCitizen'],
  ['my-certificate', '{certificate}', 'citizen'],
  ['my-foreign-certificate', '/my/certificates/foreign', 'citizen'],
  ['my-organisations', '/my/organisations', 'citizen'],
  ['my-sign-pdf', '/my/certificates/sign', 'citizen'],
  ['my-look-ups', '/my/look-ups', 'citizen'],
  ['my-apps', '/my/apps', 'citizen'],
  ['my-sessions', '/my/sessions', 'citizen'],
  ['my-account', '/my/account', 'citizen'],
  ['counter', '/counter', 'clerk'],
  ['counter-history', '/counter/history', 'clerk'],
  ['counter-offline', '/counter/offline', 'clerk'],
  ['desk', '/desk', 'issuer'],
  ['desk-choose', '/desk/issue', 'issuer'],
  ['desk-issue', '/desk/issue/residence-permit', 'issuer'],
  ['desk-licence', '{deskLicence}', 'issuer'],
  ['desk-seals', '/desk/seals', 'issuer'],
  ['desk-seal', '{seal}', 'issuer'],
  ['desk-seal-to-decide', '{seal}', 'approver'],
  ['desk-seal-rules', '{seal}/rules', 'issuer'],
  ['desk-seal-uses', '{seal}/uses', 'issuer'],
  ['desk-seal-jobs-none', '/desk/seal-jobs?status=cancelled', 'issuer'],
  ['desk-seal-jobs', '/desk/seal-jobs', 'issuer'],
  ['desk-seal-job-new', '/desk/seal-jobs/new', 'issuer'],
  ['desk-seal-job-done', '{jobDone}', 'issuer'],
  ['desk-seal-job-paused', '{jobPaused}', 'issuer'],
  ['desk-seal-job-collecting', '{jobCollecting}', 'issuer'],
  ['admin-seal-jobs', '/admin/seal-jobs', 'operator'],
  ['admin-seal-job', '{adminJob}', 'operator'],
  ['admin', '/admin', 'operator'],
  ['admin-apps', '/admin/apps', 'operator'],
  ['admin-new-app', '/admin/apps/new', 'operator'],
  ['admin-organisations', '/admin/staff', 'operator'],
  ['admin-staff', '{staff}', 'operator'],
  ['admin-devices', '/admin/devices', 'operator'],
  ['admin-device', '{device}', 'operator'],
  ['admin-audit', '/admin/audit', 'operator'],
  ['admin-requests', '/admin/requests', 'operator'],
  ['admin-request', '{request}', 'operator'],
  ['admin-recoveries', '/admin/recoveries', 'operator'],
  ['admin-recovery-new', '/admin/recoveries/new', 'operator'],
  ['admin-certificates', '/admin/certificates', 'operator'],
  ['admin-certificate', '{adminCertificate}', 'operator'],
  ['admin-seals', '/admin/seals', 'operator'],
  ['admin-seal', '{adminSeal}', 'operator'],
  ['admin-seal-uses', '{adminSeal}/uses', 'operator'],
  ['admin-services', '/admin/services', 'operator'],
  ['admin-lists', '/admin/services/ca-persons-p256', 'operator'],
  ['admin-lists-without-parts', '/admin/services/ca-seals-sm2', 'operator'],
  ['admin-trust-list', '/admin/trust-list', 'operator'],
  ['admin-trust-entry', '{trustEntry}', 'operator'],
  ['desk-certificates', '/desk/certificates', 'sealAdmin'],
  ['desk-certificate', '{deskCertificate}', 'sealAdmin'],
  ['desk-certificate-issued', '{deskIssued}', 'sealAdmin'],
  ['api-docs', '/api/docs'],
];

describe.each([
  ['phone', PHONE, false],
  ['desk', DESK, false],
  ['large-type', PHONE, true],
] as const)('at %s size', (sizeName, size, isLarge) => {
  test.each(PAGES)('%s is whole and fits the screen', async (name, path, who) => {
    const address = path.replace(/\{(\w+)\}/, (_, place: string) => places[place] ?? '');
    const session = who === undefined ? undefined : sessions[who];
    const { context, page, complaints } = await visit(browser, city.origin, { size, ...(session ? { session } : {}) });
    if (isLarge) await context.addCookies([{ name: 'tongren_large', value: '1', url: city.origin }]);
    await page.goto(address, { waitUntil: 'networkidle' });
    if (name !== 'api-docs') expect(await page.locator('html.large-type').count()).toBe(isLarge ? 1 : 0);
    if (screenshots) await page.screenshot({ path: join(screenshots, `${name}-${sizeName}.png`), fullPage: true });
    const { width, widest } = await page.evaluate(() => ({
      width: document.documentElement.clientWidth,
      widest: document.documentElement.scrollWidth,
    }));
    const errorOfThePageItself = name === 'not-found' ? /404/ : /^$/;
    expect(complaints.filter((complaint) => !errorOfThePageItself.test(complaint))).toEqual([]);
    if (name !== 'api-docs') expect(widest).toBeLessThanOrEqual(width);
    await context.close();
  });
});

test('on a phone in large type, without script, the sections unfold by keyboard and lead on', async () => {
  const session = sessions['operator'] ?? '';
  const { context, page } = await visit(browser, city.origin, { size: PHONE, session, javaScript: false });
  await context.addCookies([{ name: 'tongren_large', value: '1', url: city.origin }]);
  await page.goto(places['adminSeal'] ?? '');
  const sections = page.getByRole('navigation', { name: '本栏目' });
  expect(await sections.count()).toBe(1);
  // A page below a section says in which it is.
  expect(await sections.locator('summary').innerText()).toContain('电子印章');
  const link = sections.getByRole('link', { name: '设备' });
  expect(await link.isVisible()).toBe(false);
  await sections.locator('summary').focus();
  await page.keyboard.press('Enter');
  await link.waitFor();
  expect(await sections.locator('a[aria-current]').innerText()).toContain('电子印章');
  expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
  if (screenshots) await page.screenshot({ path: join(screenshots, 'admin-sections-unfolded.png') });
  await link.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '设备' }).first().waitFor();
  await context.close();
});
