/** Every kind of seal can be applied for, looked at beforehand, made, and verifies. */
import { beforeAll, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { decodePng } from '#documents/page/decode-png.ts';
import { encodeStencilPng } from '#documents/page/encode-png.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { applyForSeal, previewSeal, type SealApplication } from '#seals/apply-for-seal.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { makeSeal } from '#seals/make-seal.ts';
import { type SampleCity, sampleCity } from '#test/room/licences/sample-city.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
let city: SampleCity;
let admin: { personId: string };
let approver: { personId: string };

beforeAll(async () => {
  city = await sampleCity(db);
  admin = { personId: city.issuer };
  approver = { personId: city.approver };
  for (const { id } of [city.company, city.clinic]) {
    await appointStaff(city.deps, { personId: city.issuer, organisationId: id, roles: ['seal-admin'], by: 'system:test' });
    await appointStaff(city.deps, { personId: city.approver, organisationId: id, roles: ['approver'], by: 'system:test' });
  }
});

const wishes = (more: Partial<SealApplication>): SealApplication => ({
  ...{ organisationId: city.company.id, kind: 'official', licenceTypes: [], by: admin },
  ...more,
});

/** A stroke of ink as somebody would sign. */
function handwriting(): Uint8Array {
  const [width, height] = [480, 160];
  const alpha = new Uint8Array(width * height);
  for (let x = 20; x < width - 20; x++) {
    for (let y = 0; y < height; y++) if (Math.abs(y - 80 - 40 * Math.sin(x / 30)) < 4) alpha[y * width + x] = 255;
  }
  return encodeStencilPng(alpha, width, height, '#202020', 400);
}

async function made(application: SealApplication) {
  const { sealId } = await applyForSeal(city.deps, application);
  await approveSeal(city.deps, { sealId, by: approver, decision: 'approve' });
  await makeSeal(city.deps, { sealId, by: admin });
  return db.seal.findUniqueOrThrow({ where: { id: sealId } });
}

describe('each kind', () => {
  test.each([
    ['official', {}, 1, [42, 42], '示范市海天贸易有限公司'],
    ['official', { diameterMm: 40, star: false }, 1, [40, 40], '示范市海天贸易有限公司'],
    ['finance', {}, 2, [38, 38], '示范市海天贸易有限公司财务专用章'],
    ['invoice', {}, 3, [40, 30], '示范市海天贸易有限公司发票专用章'],
    ['contract', {}, 4, [38, 38], '示范市海天贸易有限公司合同专用章'],
    ['licence', {}, 6, [42, 42], '示范市海天贸易有限公司电子证照专用章'],
    ['special', { purpose: '质量检验专用章(1)' }, 6, [40, 40], '示范市海天贸易有限公司质量检验专用章（1）'],
    ['legal-representative', { bearerName: '周海天' }, 5, [18, 18], '示范市海天贸易有限公司法定代表人名章'],
    ['signature', { picture: { bytes: handwriting(), widthMm: 30 } }, 5, [30, 10], '示范市海天贸易有限公司个人签名章'],
  ] as const)('%s %j is made and verifies', async (kind, more, type, [widthMm, heightMm], name) => {
    const row = await made(wishes({ kind, ...more }));
    expect(row).toMatchObject({ name, widthMm, heightMm, pictureSvg: kind === 'signature' ? null : expect.stringContaining('<svg ') });
    const seal = parseSeal(row.seal ?? new Uint8Array());
    expect(seal).toMatchObject({ type, name });
    const { roots, issuing } = await trustedCertificates(city.deps);
    const { report } = verifyDocument(row.seal ?? new Uint8Array(), 'seal.esl', {
      anchors: roots,
      intermediates: issuing,
      at: city.deps.clock.now(),
    });
    expect(report.verdict).toBe('genuine');
    const image = decodePng(row.picturePng ?? new Uint8Array());
    expect(image.width / image.height).toBeCloseTo(widthMm / heightMm, 1);
  });

  test('is shown beforehand exactly as it will be, but for its number', async () => {
    const application = wishes({ kind: 'legal-representative', bearerName: '周海天' });
    const shown = await previewSeal(city.deps, application);
    const row = await made(application);
    expect(Buffer.compare(shown.png, row.picturePng ?? new Uint8Array())).toBe(0);
  });

  test('whose name a name seal shows stands in its picture, and in no table, approval or event beside it', async () => {
    const { sealId } = await applyForSeal(city.deps, wishes({ kind: 'legal-representative', bearerName: '欧阳天宇' }));
    const row = await db.seal.findUniqueOrThrow({ where: { id: sealId } });
    const events = await db.auditEvent.findMany({ where: { subject: `seal:${sealId}` } });
    const approval = await db.approval.findUniqueOrThrow({ where: { id: row.approvalId ?? '' } });
    const { givenPicture: _picture, ...columns } = row;
    expect(JSON.stringify([columns, events.map(({ detail }) => detail), approval.payload])).not.toContain('欧阳');
  });
});

describe('refused, at the field where it is wrong', () => {
  test.each([
    ['a special-purpose seal without a purpose', { kind: 'special' }, '/purpose'],
    ['a purpose that has a kind of its own', { kind: 'special', purpose: '财务专用章' }, '/purpose'],
    ['a purpose too long for the line', { kind: 'special', purpose: '一'.repeat(17) }, '/purpose'],
    ['a name seal without a name', { kind: 'legal-representative' }, '/bearerName'],
    ['a name that is none', { kind: 'legal-representative', bearerName: '<b>周</b>' }, '/bearerName'],
    ['a signature without a picture', { kind: 'signature' }, '/picture'],
    ['a picture that is none', { kind: 'signature', picture: { bytes: Buffer.from('GIF89a'), widthMm: 30 } }, '/picture'],
    ['a black official seal', { kind: 'official', picture: { bytes: handwriting(), widthMm: 40 } }, '/picture'],
    ['a company as large as a ministry', { kind: 'official', diameterMm: 50 }, '/diameterMm'],
    ['a size no seal has', { kind: 'contract', diameterMm: 41 }, '/diameterMm'],
  ] as [string, Partial<SealApplication>, string][])('%s', async (_case, more, pointer) => {
    const error = await applyForSeal(city.deps, wishes(more)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'invalid-input', errors: [{ pointer }] });
  });

  test('a seal for invoices of a body without a credit code', async () => {
    const application = wishes({ organisationId: city.clinic.id, kind: 'invoice' });
    await expect(applyForSeal(city.deps, application)).rejects.toMatchObject({ errors: [{ pointer: '/kind' }] });
  });

  test('a picture exchanged between approval and making', async () => {
    const { sealId } = await applyForSeal(city.deps, wishes({ kind: 'legal-representative', bearerName: '周海天' }));
    await approveSeal(city.deps, { sealId, by: approver, decision: 'approve' });
    const { png } = await previewSeal(city.deps, wishes({ kind: 'legal-representative', bearerName: '王小明' }));
    await db.seal.update({ where: { id: sealId }, data: { givenPicture: Uint8Array.from(png) } });
    await expect(makeSeal(city.deps, { sealId, by: admin })).rejects.toMatchObject({ code: 'approval-changed' });
  });
});
