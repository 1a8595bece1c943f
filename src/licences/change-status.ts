/** Suspending, restoring and ending a licence: by staff of the issuing organisation, with a reason, and seen by verifiers at once. */
import { isUuid } from '#people/is-uuid.ts';
import { faultyField, Problem } from '#problem.ts';
import { type ActingParty, type LicenceDeps, requireActing } from './licence-deps.ts';
import { isTransitionAllowed, type LicenceStatus, type StoredStatus, statusAt } from './licence-status.ts';
import { noteStatusChange } from './note-status-change.ts';
import { publishStatusList } from './status-list.ts';

export interface StatusChangeInput {
  licenceId: string;
  status: Exclude<LicenceStatus, 'expired' | 'superseded'>;
  /** 2–200 characters. */
  reason: string;
  by: ActingParty;
}

/**
 * The guard is in the WHERE clause, so of two clerks changing at once one is refused.
 * Throws Problem `licence-not-found`, `not-allowed`, `licence-transition-not-allowed`, `invalid-input` (/reason).
 */
export async function changeStatus(deps: LicenceDeps, input: StatusChangeInput): Promise<{ status: LicenceStatus; at: Date }> {
  const { db, clock } = deps;
  const row = isUuid(input.licenceId) ? await db.licence.findUnique({ where: { id: input.licenceId } }) : null;
  if (!row || row.status === 'preparing') throw new Problem('licence-not-found');
  const { actor } = await requireActing(deps, input.by, { organisationId: row.issuerOrganisationId, role: 'issuer' });
  const reason = input.reason.normalize('NFC').trim();
  if ([...reason].length < 2 || [...reason].length > 200)
    throw faultyField('/reason', 'A reason of 2 to 200 characters is needed.', '请填写 2 至 200 个字的原因。');
  const at = clock.now();
  const from = row.status as StoredStatus;
  // An expired licence can still be taken away as a punishment, but it cannot come back.
  const returning = input.status === 'in-force' && statusAt(row, at) === 'expired';
  if (returning || !isTransitionAllowed(from, input.status)) throw new Problem('licence-transition-not-allowed');
  await db.$transaction(async (tx) => {
    const { count } = await tx.licence.updateMany({
      where: { id: row.id, status: from },
      data: { status: input.status, statusChangedAt: at },
    });
    if (count === 0) throw new Problem('licence-transition-not-allowed');
    await noteStatusChange(tx, { licenceId: row.id, from, to: input.status, reason, actor, at });
  });
  await publishStatusList(deps);
  return { status: statusAt({ status: input.status, validTo: row.validTo }, at), at };
}
