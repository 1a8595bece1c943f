import { expect, test } from 'vitest';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { listCertificateNotices, markNoticeRead } from '#certificates/certificate-notices.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { requireCertificateRequest } from '#certificates/find-certificate-request.ts';
import { renewCertificate } from '#certificates/renew-certificate.ts';
import { requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { requestPersonCertificate } from '#certificates/request-person-certificate.ts';
import { revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { sendCertificateNotices } from '#certificates/send-certificate-notices.ts';
import { settleCertificateRequests } from '#certificates/settle-certificate-requests.ts';
import { writeCertificateNotices } from '#certificates/write-certificate-notices.ts';
import { requirePerson } from '#people/find-person.ts';
import { registerOrganisation } from '#people/organisations.ts';
import type { SmsGateway } from '#ports/sms-gateway.ts';
import { Problem } from '#problem.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { enrolmentWorld, problemOf } from './enrolment-world.ts';

const world = await enrolmentWorld();
const { deps, db, clock, session, requestId } = world;
const sms = simulatedSmsGateway({ clock, keep: 1_000 });
const DAY_MS = 86_400_000;

async function certified() {
  const { id, phone } = await world.person();
  const { certificate } = await requestPersonCertificate(deps, {
    personId: id,
    session: session(),
    csr: makeCsr().pem,
    requestId: requestId(),
  });
  return { id, phone, serialHex: certificate.serialHex, notAfter: certificate.notAfter };
}

const kinds = async (personId: string) => (await listCertificateNotices(deps, { personId })).map(({ kind }) => kind);
const messages = (phone?: string) => sms.messages().filter((message) => message.phone === phone);
const work = async () => {
  await writeCertificateNotices(deps);
  await sendCertificateNotices({ ...deps, sms });
};

async function at(time: Date, act: () => Promise<void>) {
  const before = clock.now();
  clock.set(time);
  await act();
  clock.set(before);
}

test('a person hears of a new certificate, and sixty, thirty, seven days and one day before its end, each once', async () => {
  const { id, phone, notAfter } = await certified();
  await work();
  expect(await kinds(id)).toEqual(['issued']);
  expect(messages(phone)).toHaveLength(1);
  const steps: [number, string[]][] = [
    [60 * DAY_MS + 1_000, ['issued']],
    [60 * DAY_MS, ['expires-60', 'issued']],
    [45 * DAY_MS, ['expires-60', 'issued']],
    [30 * DAY_MS, ['expires-30', 'expires-60', 'issued']],
    [7 * DAY_MS, ['expires-7', 'expires-30', 'expires-60', 'issued']],
    [DAY_MS, ['expires-1', 'expires-7', 'expires-30', 'expires-60', 'issued']],
    [-1_000, ['expires-1', 'expires-7', 'expires-30', 'expires-60', 'issued']],
  ];
  for (const [left, expected] of steps) {
    await at(new Date(notAfter.getTime() - left), async () => {
      await work();
      await work();
      expect([left, await kinds(id)]).toEqual([left, expected]);
    });
  }
  expect(messages(phone)).toHaveLength(5);
  expect(messages(phone)[0]?.text).toContain('到期');
  expect(messages(phone).some(({ text }) => text.includes('林'))).toBe(false);
});

test('after a long absence only the nearest step is told, and nothing of a certificate that was renewed or revoked', async () => {
  const [late, renewed, revoked] = [await certified(), await certified(), await certified()];
  await at(new Date(late.notAfter.getTime() - 5 * DAY_MS), async () => {
    const by = { personId: renewed.id, session: session() };
    await renewCertificate(deps, { serialHex: renewed.serialHex, csr: makeCsr().pem, requestId: requestId(), by });
    await revokeHeldCertificate(deps, { serialHex: revoked.serialHex, reason: 'superseded', by: { personId: revoked.id } });
    await work();
    expect(await kinds(late.id)).toEqual(['expires-7', 'issued']);
    expect((await kinds(renewed.id)).sort()).toEqual(['issued', 'issued']);
    expect((await kinds(revoked.id)).sort()).toEqual(['issued', 'revoked']);
    expect(messages(revoked.phone)[0]?.text).toContain('已吊销');
  });
});

test('a gateway that fails is tried five times, and two workers at once tell nobody twice', async () => {
  const { id } = await certified();
  const failing: SmsGateway = { simulator: true, send: () => Promise.reject(new Problem('sms-not-sent')) };
  await sendCertificateNotices({ ...deps, sms });
  const other = await certified();
  for (let index = 0; index < 6; index++) await sendCertificateNotices({ ...deps, sms: failing });
  expect(await db.certificateNotice.findFirst({ where: { personId: other.id } })).toMatchObject({ message: 'failed', attempts: 5 });
  const third = await certified();
  await Promise.all([1, 2, 3].map(() => sendCertificateNotices({ ...deps, sms })));
  expect(messages(third.phone)).toHaveLength(1);
  expect(await db.certificateNotice.findFirst({ where: { personId: id } })).toMatchObject({ message: 'sent' });
});

test('who looks after an organisation’s certificates is told of them', async () => {
  const admin = await world.staff(world.tea.id, 'seal-admin');
  const operator = await world.staff(world.city.id, 'operator');
  const { id } = await requestOrganisationCertificate(deps, { by: admin, csr: makeCsr().pem, requestId: requestId() });
  await decideCertificateRequest(deps, { id, by: operator, decision: 'approve' });
  await work();
  const [notice] = await listCertificateNotices(deps, { organisationId: world.tea.id });
  expect(notice?.kind).toBe('issued');
  const { phone } = await requirePerson(deps, admin.personId);
  expect(messages(phone)[0]?.text).toContain('已签发');
});

test('a notice is marked as read by its reader alone', async () => {
  const [mine, theirs] = [await certified(), await certified()];
  const [notice] = await listCertificateNotices(deps, { personId: mine.id });
  const input = { id: notice?.id ?? '' };
  expect(await problemOf(markNoticeRead(deps, { ...input, reader: { personId: theirs.id } }))).toBe('not-found');
  await markNoticeRead(deps, { ...input, reader: { personId: mine.id } });
  expect((await listCertificateNotices(deps, { personId: mine.id }))[0]?.readAt).toEqual(clock.now());
});

test('what was approved while the signer was away is issued by the worker, and what nobody decided expires', async () => {
  const admin = await world.staff(world.tea.id, 'seal-admin');
  const operator = await world.staff(world.city.id, 'operator');
  const ask = () => requestOrganisationCertificate(deps, { by: admin, csr: makeCsr().pem, requestId: requestId() });
  const [approved, forgotten] = [await ask(), await ask()];
  const away = { ...deps, keys: { ...deps.keys, sign: () => Promise.reject(new Problem('signer-unavailable')) } };
  const decided = await decideCertificateRequest(away, { id: approved.id, by: operator, decision: 'approve' });
  expect(decided.status).toBe('issued');
  expect(await db.issuedCertificate.count({ where: { serialHex: decided.serialHex ?? '', der: null } })).toBe(1);
  await settleCertificateRequests(deps);
  expect(await db.issuedCertificate.count({ where: { serialHex: decided.serialHex ?? '', der: null } })).toBe(0);
  await at(forgotten.expiresAt, async () => {
    await settleCertificateRequests(deps);
    expect((await db.certificateRequest.findUniqueOrThrow({ where: { id: forgotten.id } })).status).toBe('expired');
  });
  expect((await requireCertificateRequest(deps, forgotten.id)).status).toBe('expired');
});

test('what no rule lets be issued ends rejected, with the reason', async () => {
  const name = `${'很长的名称'.repeat(14)}公司`;
  const long = await registerOrganisation(deps, { name, kind: 'company', internalCode: 'LONG-NAME', by: 'system:test' });
  const admin = await world.staff(long.id, 'seal-admin');
  const operator = await world.staff(world.city.id, 'operator');
  const { id } = await requestOrganisationCertificate(deps, { by: admin, csr: makeCsr().pem, requestId: requestId() });
  expect(await problemOf(decideCertificateRequest(deps, { id, by: operator, decision: 'approve' }))).toBe('certificate-refused');
  await settleCertificateRequests(deps);
  expect(await requireCertificateRequest(deps, id)).toMatchObject({
    status: 'rejected',
    reason: expect.stringContaining('不符合证书签发规范'),
  });
});
