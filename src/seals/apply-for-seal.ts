/** Applying for a seal: the first of two persons. What is asked for is fixed here; exactly that is approved and made. */
import { requestApproval } from '#access/request-approval.ts';
import { requireRole } from '#access/require-role.ts';
import { staffActor } from '#access/staff.ts';
import { findLicenceType } from '#documents/page/licence-type.ts';
import { isDivisionCode } from '#people/division.ts';
import { isUuid } from '#people/is-uuid.ts';
import { type Organisation, requireOrganisation } from '#people/organisations.ts';
import { type FieldFault, Problem } from '#problem.ts';
import { noteSealChange } from './note-seal-change.ts';
import { isSealKind, type SealKind, sealNameOf } from './seal-kinds.ts';
import type { SealDeps, SealRow } from './seal-view.ts';

export const MAKE_SEAL = 'make-seal';

export interface SealApplication {
  organisationId: string;
  kind: SealKind;
  /** Short names of the licence types it is for; empty for any. */
  licenceTypes: string[];
  /** Six digits for the seal's number; default: the organisation's division. */
  divisionCode?: string | undefined;
  /** The seal that ends when this one becomes active. */
  replaces?: string | undefined;
  /** With the role `seal-admin` in the organisation. */
  by: { personId: string };
}

/** Throws Problem `not-allowed`, `organisation-not-found`, `invalid-input`, `seal-not-found` (replaces). */
export async function applyForSeal(deps: SealDeps, input: SealApplication): Promise<{ sealId: string; approvalId: string }> {
  const { db, clock } = deps;
  const staff = await requireRole(deps, { personId: input.by.personId, organisationId: input.organisationId, role: 'seal-admin' });
  const organisation = await requireOrganisation(deps, input.organisationId);
  const divisionCode = (input.divisionCode ?? divisionOf(organisation)).slice(0, 6);
  refuseFaults(input, divisionCode);
  if (input.replaces !== undefined) await requireReplaceable(deps, input.replaces, input.organisationId);
  const at = clock.now();
  return db.$transaction(async (tx) => {
    const row = await tx.seal.create({
      data: {
        organisationId: input.organisationId,
        name: sealNameOf(organisation.name, input.kind),
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

/** What the second person approves, and what the maker compares before making. */
export function approvedContentOf(row: SealRow) {
  const { organisationId, name, kind, divisionCode, licenceTypes, replacesId } = row;
  return { organisationId, name, kind, divisionCode, licenceTypes, replacesId };
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
