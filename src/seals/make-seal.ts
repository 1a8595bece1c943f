/**
 * Making an approved seal: a number, two keys and their certificates (SM2 for OFD, P-256 for PDF), the picture, and the seal
 * structure signed by the seal maker (GB/T 38540 §6). Each step is written down before the next, so making that was cut off
 * goes on where it stopped and leaves no second certificate behind.
 */
import { requireRole } from '#access/require-role.ts';
import { staffActor } from '#access/staff.ts';
import { takeApproved } from '#access/take-approved.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import type { Suite } from '#crypto/suite.ts';
import { buildSeal } from '#documents/ses/build-seal.ts';
import { type Organisation, requireOrganisation } from '#people/organisations.ts';
import { parseCertificate } from '#pki/certificate.ts';
import type { KeyPurpose } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { allotEsId } from './allot-es-id.ts';
import { approvedContentOf, MAKE_SEAL } from './apply-for-seal.ts';
import { designOf, pictureOfDesign } from './design-seal.ts';
import { requireSealRow } from './find-seals.ts';
import { moveSeal } from './note-seal-change.ts';
import { prepareSealMaker } from './prepare-seal-maker.ts';
import { SEAL_KINDS, type SealKind } from './seal-kinds.ts';
import { type SealDeps, type SealRow, type SealView, sealViewOf } from './seal-view.ts';

/** Three years; a seal lives no longer than its certificates. */
const DEFAULT_VALID_DAYS = 1_095;
const SEAL_VENDOR = 'TONGREN';

/** Throws Problem `seal-not-found`, `not-allowed`, `seal-transition-not-allowed` (not approved), and what drawing and issuing throw. */
export async function makeSeal(
  deps: SealDeps,
  input: { sealId: string; by: { personId: string }; validDays?: number | undefined },
): Promise<SealView> {
  const { db, clock, keys } = deps;
  let row = await requireSealRow(deps, input.sealId);
  const staff = await requireRole(deps, { personId: input.by.personId, organisationId: row.organisationId, role: 'seal-admin' });
  const actor = staffActor(staff);
  if (row.status !== 'approved') throw new Problem('seal-transition-not-allowed');
  const organisation = await requireOrganisation(deps, row.organisationId);
  const days = input.validDays ?? DEFAULT_VALID_DAYS;
  row = await withNumber(deps, row);
  row = await withCertificates(deps, row, organisation, days, actor);
  const { esId, certificate } = row;
  if (esId === null || certificate === null) throw new Error('a seal without number or certificate cannot be made');

  const kind = SEAL_KINDS[row.kind as SealKind];
  const maker = await prepareSealMaker(deps, days);
  const picture = await pictureOfDesign(organisation, designOf(row), esId);
  const signer = parseCertificate(certificate);
  const widthMm = Math.round(picture.widthMm);
  const heightMm = Math.round(picture.heightMm);
  const madeAt = clock.now();
  const seal = await buildSeal({
    esId,
    name: row.name,
    type: kind.type,
    makerCertificate: maker.certificate,
    signerCertificates: [signer.der],
    picture: { type: 'PNG', data: picture.png, widthMm, heightMm },
    createdAt: madeAt,
    validFrom: signer.notBefore,
    validTo: signer.notAfter,
    vendor: SEAL_VENDOR,
    sign: (toBeSigned) => keys.sign(maker.keyName, 'seal-info', toBeSigned),
  });
  const made = row;
  await db.$transaction(async (tx) => {
    await takeApproved(tx, {
      id: made.approvalId ?? '',
      kind: MAKE_SEAL,
      subject: `seal:${made.id}`,
      payload: approvedContentOf(made),
      by: actor,
      at: madeAt,
    });
    await moveSeal(tx, {
      sealId: made.id,
      from: ['approved'],
      to: 'made',
      kind: 'seal-made',
      actor,
      at: madeAt,
      data: {
        madeAt,
        seal: Uint8Array.from(seal),
        picturePng: Uint8Array.from(picture.png),
        pictureSvg: picture.svg ?? null,
        widthMm,
        heightMm,
        validFrom: signer.notBefore,
        validTo: signer.notAfter,
      },
      detail: { esId, certificate: made.certificateSerial, pdfCertificate: made.pdfCertificateSerial },
    });
  });
  return sealViewOf(deps, await requireSealRow(deps, made.id));
}

/** The number stays with the seal, also when making is tried again. Of two tries at once one number is lost, none is given twice. */
async function withNumber({ db }: SealDeps, row: SealRow): Promise<SealRow> {
  if (row.esId !== null) return row;
  return db.$transaction(async (tx) => {
    const esId = await allotEsId(tx, row.divisionCode);
    const { count } = await tx.seal.updateMany({ where: { id: row.id, status: 'approved', esId: null }, data: { esId } });
    if (count === 0) throw new Problem('seal-transition-not-allowed');
    return tx.seal.findUniqueOrThrow({ where: { id: row.id } });
  });
}

async function withCertificates(deps: SealDeps, row: SealRow, organisation: Organisation, days: number, by: string): Promise<SealRow> {
  const { db } = deps;
  let current = row;
  const code = organisation.uscc ? { uscc: organisation.uscc } : { internalCode: organisation.internalCode ?? '' };
  if (current.certificate === null) {
    const keyName = `seal-${row.esId}-sm2`;
    const spki = await publicKeyOf(deps, keyName, 'sm2-sm3', 'seal-signature');
    const { certificate } = await issueCertificate(deps, {
      profile: 'seal',
      suite: 'sm2-sm3',
      // Production seals name the seal by its number and the organisation in O.
      subject: { commonName: row.esId ?? '', organisation: organisation.name, ...code },
      spki,
      days,
      by,
    });
    current = await db.seal.update({
      where: { id: row.id },
      data: { keyName, certificate: Uint8Array.from(certificate.der), certificateSerial: certificate.serialHex },
    });
  }
  if (current.pdfCertificates.length === 0) {
    const pdfKeyName = `seal-${row.esId}-p256`;
    const spki = await publicKeyOf(deps, pdfKeyName, 'es256', 'cms-attributes');
    const { chain } = await issueCertificate(deps, {
      profile: 'document-signer',
      suite: 'es256',
      subject: { commonName: row.name, organisation: organisation.name, ...code },
      spki,
      days,
      by,
    });
    // The root is not sent along: who trusts it has it.
    const certificates = chain.slice(0, -1).map(({ der }) => Uint8Array.from(der));
    current = await db.seal.update({
      where: { id: row.id },
      data: { pdfKeyName, pdfCertificates: certificates, pdfCertificateSerial: chain[0]?.serialHex ?? null },
    });
  }
  return current;
}

async function publicKeyOf({ keys }: SealDeps, name: string, suite: Suite, purpose: KeyPurpose): Promise<Uint8Array> {
  return ((await keys.find(name)) ?? (await keys.create(name, suite, [purpose]))).spki;
}
