/** Applying for a seal: the first of two persons. What is asked for is fixed here; exactly that is approved and made. */
import { requestApproval } from '#access/request-approval.ts';
import { requireRole } from '#access/require-role.ts';
import { staffActor } from '#access/staff.ts';
import { findLicenceType } from '#documents/page/licence-type.ts';
import { isDivisionCode } from '#people/division.ts';
import { isUuid } from '#people/is-uuid.ts';
import { type Organisation, requireOrganisation } from '#people/organisations.ts';
import { type FieldFault, Problem } from '#problem.ts';
import type { CheckedPicture } from './check-seal-picture.ts';
import { columnsOf, designOf, designSeal, digestOfPicture, pictureOfDesign, type SealWishes } from './design-seal.ts';
import { requireSealRow } from './find-seals.ts';
import { noteSealChange } from './note-seal-change.ts';
import { isSealKind } from './seal-kinds.ts';
import type { SealDeps, SealRow } from './seal-view.ts';

export const MAKE_SEAL = 'make-seal';

export interface SealApplication extends SealWishes {
  organisationId: string;
  /** Short names of the licence types it is for; empty for any. */
  licenceTypes: string[];
  /** Six digits for the seal's number; default: the organisation's division. */
  divisionCode?: string | undefined;
  /** The seal that ends when this one becomes active. */
  replaces?: string | undefined;
  /** With the role `seal-admin` in the organisation. */
  by: { personId: string };
}

/**
 * Throws Problem `not-allowed`, `organisation-not-found`, `invalid-input`, `seal-not-found` (replaces), `seal-name-length`,
 * `character-not-in-font`.
 */
export async function applyForSeal(deps: SealDeps, input: SealApplication): Promise<{ sealId: string; approvalId: string }> {
  const { db, clock } = deps;
  const { staff, divisionCode, design } = await prepare(deps, input);
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const row = await tx.seal.create({
      data: {
        organisationId: input.organisationId,
        ...columnsOf(design),
        kind: input.kind,
        divisionCode,
        licenceTypes: [...new Set(input.licenceTypes)].sort(),
        status: 'applied',
        statusSince: at,
        replacesId: input.replaces ?? null,
        appliedAt: at,
        appliedBy: staffActor(staff),
      },
    });
    const approval = await requestApproval(
      deps,
      { kind: MAKE_SEAL, subject: `seal:${row.id}`, payload: approvedContentOf(row), by: staff },
      tx,
    );
    await tx.seal.update({ where: { id: row.id }, data: { approvalId: approval.id } });
    await noteSealChange(tx, {
      sealId: row.id,
      to: 'applied',
      kind: 'seal-applied-for',
      actor: staffActor(staff),
      at,
      detail: approvedContentOf(row),
    });
    return { sealId: row.id, approvalId: approval.id };
  });
}

/** The seal as it would be, with noughts for a number: to look at before applying. Writes nothing. Throws as `applyForSeal`. */
export async function previewSeal(deps: SealDeps, input: SealApplication): Promise<CheckedPicture & { name: string }> {
  const { design, picture } = await prepare(deps, input);
  return { ...picture, name: design.name };
}

/** A seal that is not made yet, as it will look: for who has to approve it. */
export async function drawnAsApplied(deps: Pick<SealDeps, 'db'>, sealId: string): Promise<CheckedPicture> {
  const row = await requireSealRow(deps, sealId);
  const organisation = await requireOrganisation(deps, row.organisationId);
  return pictureOfDesign(organisation, designOf(row), row.esId ?? `${row.divisionCode}00000000`);
}

async function prepare(deps: SealDeps, input: SealApplication) {
  const { organisationId, replaces } = input;
  const staff = await requireRole(deps, { personId: input.by.personId, organisationId, role: 'seal-admin' });
  const organisation = await requireOrganisation(deps, organisationId);
  const divisionCode = (input.divisionCode ?? divisionOf(organisation)).slice(0, 6);
  refuseFaults(input, divisionCode);
  if (replaces !== undefined) await requireReplaceable(deps, replaces, organisationId);
  const design = await designSeal(organisation, input);
  const picture = await pictureOfDesign(organisation, { ...design, kind: input.kind }, `${divisionCode}00000000`);
  return { staff, divisionCode, design, picture };
}

/** What the second person approves, and what the maker compares before making. What is as usual is left out. */
export function approvedContentOf(row: SealRow) {
  const { organisationId, name, kind, divisionCode, licenceTypes, replacesId, purpose, diameterMm, hasStar, givenPicture } = row;
  return {
    ...{ organisationId, name, kind, divisionCode, licenceTypes, replacesId },
    ...(purpose === null ? {} : { purpose }),
    ...(diameterMm === null ? {} : { diameterMm }),
    ...(hasStar ? {} : { hasStar }),
    ...(givenPicture ? { picture: digestOfPicture(givenPicture) } : {}),
  };
}

function refuseFaults(input: SealApplication, divisionCode: string): void {
  const errors: FieldFault[] = [];
  if (!isSealKind(input.kind)) errors.push({ pointer: '/kind', detail: 'This kind of seal is not known.', detailZh: '印章类型不正确。' });
  if (!isDivisionCode(divisionCode)) {
    errors.push({ pointer: '/divisionCode', detail: 'A division code has 6 digits.', detailZh: '行政区划代码应为6位数字。' });
  }
  for (const type of input.licenceTypes) {
    if (findLicenceType(type)?.slug === type) continue;
    errors.push({ pointer: '/licenceTypes', detail: 'A licence type is not known.', detailZh: '证照类型不正确。' });
    break;
  }
  if (errors.length > 0) throw new Problem('invalid-input', { errors });
}

async function requireReplaceable({ db }: SealDeps, id: string, organisationId: string): Promise<void> {
  const row = isUuid(id) ? await db.seal.findUnique({ where: { id }, select: { organisationId: true, status: true } }) : null;
  if (row?.organisationId !== organisationId) throw new Problem('seal-not-found');
  if (row.status !== 'active' && row.status !== 'suspended') throw new Problem('seal-transition-not-allowed');
}

/** A body without a credit code has its division written down; digits 3–8 of a credit code name one. */
function divisionOf(organisation: Organisation): string {
  return organisation.divisionCode ?? organisation.uscc?.slice(2, 8) ?? '';
}
