import { beforeAll, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { certificateStatus, currentCrls, trustedCertificates } from '#certificates/find-certificates.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { bytesInMemory } from '#documents/container/byte-source.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { registerOrganisation } from '#people/organisations.ts';
import { Certificate } from '#pki/certificate.ts';
import { allotEsId } from '#seals/allot-es-id.ts';
import { applyForSeal, type SealApplication } from '#seals/apply-for-seal.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { activateSeal, cancelSeal, resumeSeal, suspendSeal } from '#seals/change-seal-status.ts';
import { decideSealChange } from '#seals/decide-seal-change.ts';
import { findSealStatus } from '#seals/find-seal-status.ts';
import { findSeal, findSealHistory, listSeals } from '#seals/find-seals.ts';
import { makeSeal } from '#seals/make-seal.ts';
import { prepareSealMaker } from '#seals/prepare-seal-maker.ts';
import { describeSealedFile, recordSealUse } from '#seals/record-seal-use.ts';
import { findPendingSealChanges, requestSealDestruction } from '#seals/request-seal-change.ts';
import { requireUsableSeal, requireUsableSealById } from '#seals/require-usable-seal.ts';
import { revokeEndedSeals } from '#seals/revoke-seal-certificates.ts';
import { sealFile } from '#seals/seal-file.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { activeSeal, type SampleCity, sampleCity } from '#test/room/licences/sample-city.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
let city: SampleCity;
let admin: { personId: string };
let approver: { personId: string };

beforeAll(async () => {
  city = await sampleCity(db);
  admin = { personId: city.issuer };
  approver = { personId: city.approver };
});

const apply = (more: Partial<SealApplication> = {}) =>
  applyForSeal(city.deps, { organisationId: city.department.id, kind: 'official', licenceTypes: [], by: admin, ...more });

async function destroySeal(sealId: string) {
  const { approvalId } = await requestSealDestruction(city.deps, { sealId, reason: '机构撤并', by: admin });
  const [{ digest } = { digest: '' }] = await findPendingSealChanges(city.deps, sealId);
  return decideSealChange(city.deps, { sealId, approvalId, digest, decision: 'approve', by: approver });
}

describe('a seal is made by two persons', () => {
  test('from application to use, each step in the audit', async () => {
    const { sealId } = await apply({ kind: 'licence', licenceTypes: ['residence-permit'] });
    expect(await findSeal(city.deps, sealId)).toMatchObject({
      status: 'applied',
      name: '示范市市场监督管理局电子证照专用章',
      esId: undefined,
    });
    await expect(makeSeal(city.deps, { sealId, by: admin })).rejects.toMatchObject({ code: 'seal-transition-not-allowed' });
    expect(await approveSeal(city.deps, { sealId, by: approver, decision: 'approve' })).toMatchObject({ status: 'approved' });
    const made = await makeSeal(city.deps, { sealId, by: admin });
    expect(made).toMatchObject({ status: 'made', widthMm: expect.any(Number) });
    expect(made.esId).toMatch(/^350200\d{8}$/);
    expect(await activateSeal(city.deps, { sealId, by: admin })).toMatchObject({ status: 'active' });
    const events = await db.auditEvent.findMany({ where: { subject: `seal:${sealId}` }, orderBy: { id: 'asc' } });
    expect(events.map(({ kind }) => kind).filter((kind) => kind.startsWith('seal'))).toEqual([
      'seal-applied-for',
      'seal-approved',
      'seal-made',
      'seal-activated',
    ]);
  });

  test('who applied cannot approve, whatever roles they hold', async () => {
    const both = await registerOrganisation(city.deps, {
      name: '示范市档案馆',
      internalCode: 'ARCH-001',
      divisionCode: '350200',
      kind: 'department',
      by: 'system:test',
    });
    await appointStaff(city.deps, { personId: city.issuer, organisationId: both.id, roles: ['seal-admin', 'approver'], by: 'system:test' });
    const { sealId } = await apply({ organisationId: both.id });
    await expect(approveSeal(city.deps, { sealId, by: admin, decision: 'approve' })).rejects.toMatchObject({ code: 'same-person' });
    expect(await findSeal(city.deps, sealId)).toMatchObject({ status: 'applied' });
  });

  test('an approver of another organisation, or a clerk, cannot approve; a rejected seal is never made', async () => {
    const { sealId } = await apply();
    await expect(approveSeal(city.deps, { sealId, by: { personId: city.clerk }, decision: 'approve' })).rejects.toMatchObject({
      code: 'not-allowed',
    });
    await approveSeal(city.deps, { sealId, by: approver, decision: 'reject', reason: '材料不全' });
    await expect(makeSeal(city.deps, { sealId, by: admin })).rejects.toMatchObject({ code: 'seal-transition-not-allowed' });
    await expect(approveSeal(city.deps, { sealId, by: approver, decision: 'approve' })).rejects.toMatchObject({
      code: 'approval-not-pending',
    });
  });

  test('what was changed between approval and making is not made', async () => {
    const { sealId } = await apply();
    await approveSeal(city.deps, { sealId, by: approver, decision: 'approve' });
    await db.seal.update({ where: { id: sealId }, data: { kind: 'finance' } });
    await expect(makeSeal(city.deps, { sealId, by: admin })).rejects.toMatchObject({ code: 'approval-changed' });
    expect((await findSeal(city.deps, sealId))?.status).toBe('approved');
  });

  test('made twice at once, it is made once', async () => {
    const { sealId } = await apply();
    await approveSeal(city.deps, { sealId, by: approver, decision: 'approve' });
    const results = await Promise.allSettled([makeSeal(city.deps, { sealId, by: admin }), makeSeal(city.deps, { sealId, by: admin })]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await db.auditEvent.count({ where: { subject: `seal:${sealId}`, kind: 'seal-made' } })).toBe(1);
  });

  test('faulty applications are refused with what is wrong', async () => {
    await expect(apply({ kind: 'no-such' as 'official' })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(apply({ licenceTypes: ['no-such'] })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(apply({ divisionCode: '12' })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(apply({ by: approver })).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(apply({ replaces: 'nonsense' })).rejects.toMatchObject({ code: 'seal-not-found' });
  });
});

test('the seal structure verifies by our own reader, and names number, organisation and signer', async () => {
  const row = await db.seal.findUniqueOrThrow({ where: { id: city.sealId } });
  const { roots, issuing } = await trustedCertificates(city.deps);
  const { report } = verifyDocument(row.seal ?? new Uint8Array(), 'seal.esl', {
    anchors: roots,
    intermediates: issuing,
    at: city.deps.clock.now(),
  });
  expect(report).toMatchObject({ format: 'seal', verdict: 'genuine' });
  const seal = parseSeal(row.seal ?? new Uint8Array());
  expect(JSON.stringify(seal, (_key, value) => (typeof value === 'bigint' ? String(value) : value))).toContain(row.esId ?? 'x');
});

test('fifty numbers allotted at once in one area are fifty numbers, counting from one', async () => {
  const numbers = await Promise.all(Array.from({ length: 50 }, () => db.$transaction((tx) => allotEsId(tx, '460100'))));
  expect(new Set(numbers).size).toBe(50);
  expect([...numbers].sort()[0]).toBe('46010000000001');
  expect([...numbers].sort().at(-1)).toBe('46010000000050');
});

test('an organisation without a credit code gets its seal too', async () => {
  const village = await registerOrganisation(city.deps, {
    name: '海月村村民委员会',
    internalCode: 'VILLAGE-0007',
    divisionCode: '350211104207',
    kind: 'village-committee',
    by: 'system:test',
  });
  await appointStaff(city.deps, { personId: city.issuer, organisationId: village.id, roles: ['seal-admin'], by: 'system:test' });
  await appointStaff(city.deps, { personId: city.approver, organisationId: village.id, roles: ['approver'], by: 'system:test' });
  const sealId = await activeSeal(city.deps, village.id, { admin: city.issuer, approver: city.approver });
  expect(await findSeal(city.deps, sealId)).toMatchObject({ status: 'active', esId: expect.stringMatching(/^350211\d{8}$/) });
});

describe('which seal may be used', () => {
  const usable = (licenceType: string, at = city.deps.clock.now()) =>
    requireUsableSeal(city.deps, { organisationId: city.company.id, licenceType, actor: 'staff:somebody', at });
  let sealId: string;

  beforeAll(async () => {
    await appointStaff(city.deps, { personId: city.issuer, organisationId: city.company.id, roles: ['seal-admin'], by: 'system:test' });
    await appointStaff(city.deps, { personId: city.approver, organisationId: city.company.id, roles: ['approver'], by: 'system:test' });
    const applied = await apply({ organisationId: city.company.id, kind: 'licence', licenceTypes: ['driving-licence'] });
    sealId = applied.sealId;
    await approveSeal(city.deps, { sealId, by: approver, decision: 'approve' });
    await makeSeal(city.deps, { sealId, by: admin });
  });

  test('none that was made but not put to use', async () => {
    await expect(usable('driving-licence')).rejects.toMatchObject({ code: 'seal-not-usable' });
    await activateSeal(city.deps, { sealId, by: admin });
    expect(await usable('driving-licence')).toMatchObject({ sealId });
  });

  test('only for the licence types it is meant for, and only within its time', async () => {
    await expect(usable('residence-permit')).rejects.toMatchObject({ code: 'seal-not-usable' });
    const { validTo = new Date() } = (await findSeal(city.deps, sealId)) ?? {};
    expect(await usable('driving-licence', new Date(validTo.getTime() - 1))).toMatchObject({ sealId });
    await expect(usable('driving-licence', validTo)).rejects.toMatchObject({ code: 'seal-not-usable' });
    await expect(usable('driving-licence', new Date('2026-05-31T00:00:00Z'))).rejects.toMatchObject({ code: 'seal-not-usable' });
  });

  test('not while it is suspended', async () => {
    await suspendSeal(city.deps, { sealId, by: admin, reason: '保管人变更' });
    await expect(usable('driving-licence')).rejects.toMatchObject({ code: 'seal-not-usable' });
    await expect(activateSeal(city.deps, { sealId: city.sealId, by: admin })).rejects.toMatchObject({
      code: 'seal-transition-not-allowed',
    });
    await resumeSeal(city.deps, { sealId, by: admin });
    expect(await usable('driving-licence')).toMatchObject({ sealId });
  });

  test('the one that replaces it, and then no longer the old one', async () => {
    const next = await apply({ organisationId: city.company.id, kind: 'licence', licenceTypes: ['driving-licence'], replaces: sealId });
    await approveSeal(city.deps, { sealId: next.sealId, by: approver, decision: 'approve' });
    await makeSeal(city.deps, { sealId: next.sealId, by: admin });
    expect(await usable('driving-licence')).toMatchObject({ sealId });
    await activateSeal(city.deps, { sealId: next.sealId, by: admin });
    expect(await usable('driving-licence')).toMatchObject({ sealId: next.sealId });
    const old = await findSeal(city.deps, sealId);
    expect(old?.status).toBe('replaced');
    expect((await certificateStatus(city.deps, old?.certificateSerial ?? '')).status).toBe('revoked');

    await expect(cancelSeal(city.deps, { sealId: next.sealId, by: admin, reason: '机构撤并' })).rejects.toMatchObject({
      code: 'seal-transition-not-allowed',
    });
    await destroySeal(next.sealId);
    await expect(usable('driving-licence')).rejects.toMatchObject({ code: 'seal-not-usable' });
    const ended = await findSeal(city.deps, next.sealId);
    for (const serial of [ended?.certificateSerial, ended?.pdfCertificateSerial]) {
      expect((await certificateStatus(city.deps, serial ?? '')).status).toBe('revoked');
    }
    await expect(resumeSeal(city.deps, { sealId: next.sealId, by: admin })).rejects.toMatchObject({ code: 'seal-transition-not-allowed' });
    expect((await listSeals(city.deps, { organisationId: city.company.id })).map(({ status }) => status).sort()).toEqual([
      'destroyed',
      'replaced',
    ]);
    const numbers = [old?.esId, ended?.esId].map((esId) => ({ esId: esId ?? '' }));
    expect(await findSealStatus(city.deps, numbers[0] ?? { esId: '' })).toMatchObject({ status: 'replaced', replacedBy: ended?.esId });
    expect(await findSealStatus(city.deps, numbers[1] ?? { esId: '' })).toMatchObject({ status: 'destroyed' });
  });
});

describe('the end of a seal', () => {
  const use = (sealId: string) =>
    db.$transaction((tx) => {
      const files = [describeSealedFile('ofd', Buffer.from('file'))];
      return recordSealUse(tx, { sealId, subject: 'licence:1', files, actor: 'staff:somebody', at: city.deps.clock.now() });
    });

  test('takes two persons; then it is over for good, and every certificate of it is revoked', async () => {
    const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
    await use(sealId);
    await expect(requestSealDestruction(city.deps, { sealId, by: admin })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(requestSealDestruction(city.deps, { sealId, reason: '机构撤并', by: approver })).rejects.toMatchObject({
      code: 'not-allowed',
    });
    await requestSealDestruction(city.deps, { sealId, reason: '机构撤并', by: admin });
    expect(await findSeal(city.deps, sealId)).toMatchObject({ status: 'active' });
    const [waiting] = await findPendingSealChanges(city.deps, sealId);
    const decide = { sealId, approvalId: waiting?.approvalId ?? '', digest: waiting?.digest ?? '', decision: 'approve' as const };
    await expect(decideSealChange(city.deps, { ...decide, by: admin })).rejects.toMatchObject({ code: 'not-allowed' });
    expect(await decideSealChange(city.deps, { ...decide, by: approver })).toMatchObject({ status: 'destroyed' });
    await expect(use(sealId)).rejects.toMatchObject({ code: 'seal-not-usable' });
    await expect(resumeSeal(city.deps, { sealId, by: admin })).rejects.toMatchObject({ code: 'seal-transition-not-allowed' });
    await expect(db.seal.update({ where: { id: sealId }, data: { status: 'active' } })).rejects.toThrow('does not come back');
    const row = await db.seal.findUniqueOrThrow({ where: { id: sealId } });
    for (const serial of [row.certificateSerial, row.pdfCertificateSerial]) {
      expect(await certificateStatus(city.deps, serial ?? '')).toMatchObject({ status: 'revoked', reason: 'cessation-of-operation' });
    }
    expect(await findSealHistory(city.deps, sealId)).toMatchObject([
      { to: 'applied' },
      { to: 'approved' },
      { to: 'made' },
      { to: 'active' },
      { to: 'destroyed', reason: '机构撤并' },
    ]);
  });

  test('cut off before the certificates were revoked, it is made up for', async () => {
    const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
    await db.seal.update({ where: { id: sealId }, data: { status: 'destroyed' } });
    expect(await revokeEndedSeals(city.deps)).toBe(1);
    expect(await revokeEndedSeals(city.deps)).toBe(0);
    const row = await db.seal.findUniqueOrThrow({ where: { id: sealId } });
    expect((await certificateStatus(city.deps, row.certificateSerial ?? '')).status).toBe('revoked');
  });

  test('what was sealed before is judged by the day of its sealing', async () => {
    const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
    const actor = 'staff:somebody';
    const seal = await requireUsableSealById(city.deps, { sealId, organisationId: city.department.id, actor });
    const parts: Uint8Array[] = [];
    await sealFile(city.deps, seal, bytesInMemory(Uint8Array.from(packFiles(sampleFiles()))), {}, (part) => parts.push(Buffer.from(part)));
    const sealed = Buffer.concat(parts);
    city.deps.clock.advance(3_600_000);
    await destroySeal(sealId);
    city.deps.clock.advance(3_600_000);
    const { roots, issuing } = await trustedCertificates(city.deps);
    const crls = await currentCrls(city.deps);
    const judged = { anchors: roots, officialAnchors: roots, intermediates: issuing, crls, at: city.deps.clock.now() };
    const { report } = verifyDocument(sealed, 'old.ofd', judged);
    expect(report).toMatchObject({ verdict: 'genuine', official: true });
    await expect(requireUsableSealById(city.deps, { sealId, organisationId: city.department.id, actor })).rejects.toMatchObject({
      code: 'seal-not-usable',
    });
  });

  test('an application that comes to nothing is cancelled by one', async () => {
    const { sealId } = await apply();
    expect(await cancelSeal(city.deps, { sealId, by: admin, reason: '重复申请' })).toMatchObject({ status: 'cancelled' });
  });
});

describe('the public status of a seal', () => {
  test('says how it stood at any moment since it was made', async () => {
    const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
    const { esId = '', validTo = new Date() } = (await findSeal(city.deps, sealId)) ?? {};
    const begun = city.deps.clock.now();
    city.deps.clock.advance(60_000);
    await suspendSeal(city.deps, { sealId, by: admin, reason: '保管人变更' });
    const stopped = city.deps.clock.now();
    city.deps.clock.advance(60_000);
    await resumeSeal(city.deps, { sealId, by: admin });
    const ask = (at?: Date) => findSealStatus(city.deps, { esId, at });
    expect(await ask()).toMatchObject({ status: 'valid', since: city.deps.clock.now() });
    expect(await ask(new Date(stopped.getTime() + 59_999))).toMatchObject({ status: 'suspended', since: stopped });
    expect(await ask(new Date(stopped.getTime() - 1))).toMatchObject({ status: 'valid', since: begun });
    await expect(ask(new Date(begun.getTime() - 1))).rejects.toMatchObject({ code: 'seal-not-found' });
    await expect(ask(new Date(city.deps.clock.now().getTime() + 1))).rejects.toMatchObject({ code: 'invalid-input' });
    const later = { now: () => validTo };
    expect(await findSealStatus({ db, clock: { ...city.deps.clock, ...later } }, { esId })).toMatchObject({
      status: 'expired',
      since: validTo,
    });
    await destroySeal(sealId);
  });

  test.each(['35020099999999', '123', "1' or '1'='1", ''])('%j is nobody’s number', async (esId) => {
    await expect(findSealStatus(city.deps, { esId })).rejects.toMatchObject({ code: 'seal-not-found' });
  });
});

describe('when the seal maker’s certificate is revoked', () => {
  const usable = () =>
    requireUsableSeal(city.deps, {
      organisationId: city.department.id,
      licenceType: 'business-licence',
      actor: 'staff:somebody',
      at: city.deps.clock.now(),
    });
  const revokeMaker = async (reason: 'superseded' | 'key-compromise') => {
    const maker = await prepareSealMaker(city.deps);
    const { serialHex } = new Certificate(maker.certificate);
    await revokeCertificate(city.deps, { serialHex, reason, by: 'system:test' });
  };

  test('no seal it made goes on a licence, which nobody could verify; new ones are made under a new certificate', async () => {
    expect(await usable()).toMatchObject({ sealId: city.sealId });
    await revokeMaker('superseded');
    await expect(usable()).rejects.toMatchObject({ code: 'seal-not-usable' });
    const sealId = await activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });
    expect(await usable()).toMatchObject({ sealId });
  });

  test('and its key is known to others, nothing more is certified for that key', async () => {
    await revokeMaker('key-compromise');
    await expect(prepareSealMaker(city.deps)).rejects.toMatchObject({ code: 'signing-refused' });
  });
});
