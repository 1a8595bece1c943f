/** The second person decides on a seal: somebody else than who applied, with the role `approver` in the organisation. */
import { decideApproval } from '#access/decide-approval.ts';
import { requireRole } from '#access/require-role.ts';
import { staffActor } from '#access/staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { requireSealRow } from './find-seals.ts';
import { type SealDeps, type SealView, sealViewOf } from './seal-view.ts';

export interface SealDecision {
  sealId: string;
  by: { personId: string };
  decision: 'approve' | 'reject';
  reason?: string | undefined;
}

/** Throws Problem `seal-not-found`, `not-allowed`, `same-person`, `approval-not-pending`, `approval-expired`. */
export async function approveSeal(deps: SealDeps, input: SealDecision): Promise<SealView> {
  const { db, clock } = deps;
  const row = await requireSealRow(deps, input.sealId);
  const staff = await requireRole(deps, { personId: input.by.personId, organisationId: row.organisationId, role: 'approver' });
  if (row.approvalId === null) throw new Problem('approval-not-found');
  const approvalId = row.approvalId;
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const { decision, reason } = input;
    await decideApproval(deps, { id: approvalId, by: staff, decision, ...(reason ? { reason } : {}) }, tx);
    const { count } = await tx.seal.updateMany({
      where: { id: row.id, status: 'applied' },
      data: { status: decision === 'approve' ? 'approved' : 'rejected' },
    });
    if (count === 0) throw new Problem('seal-transition-not-allowed');
    const kind = decision === 'approve' ? 'seal-approved' : 'seal-rejected';
    await recordEvent(tx, { kind, actor: staffActor(staff), subject: `seal:${row.id}`, detail: { approval: approvalId }, at });
  });
  return sealViewOf(deps, await requireSealRow(deps, input.sealId));
}
