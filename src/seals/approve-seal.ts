/** The second person decides on a seal: somebody else than who applied, with the role `approver` in the organisation. */
import { decideApproval } from '#access/decide-approval.ts';
import { requireRole } from '#access/require-role.ts';
import { staffActor } from '#access/staff.ts';
import { Problem } from '#problem.ts';
import { requireSealRow } from './find-seals.ts';
import { moveSeal } from './note-seal-change.ts';
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
    const to = decision === 'approve' ? 'approved' : 'rejected';
    await moveSeal(tx, {
      sealId: row.id,
      from: ['applied'],
      to,
      kind: `seal-${to}`,
      actor: staffActor(staff),
      at,
      reason,
      detail: { approval: approvalId },
    });
  });
  return sealViewOf(deps, await requireSealRow(deps, input.sealId));
}
