import { recordEvent } from '#audit/record-event.ts';
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { type Approval, approvalOf, isDecidedByOperators } from './approval.ts';
import { findStaff } from './find-staff.ts';
import { type AccessDeps, type Staff, staffActor } from './staff.ts';

export interface ApprovalDecision {
  id: string;
  /**
   * Must hold the role `approver` in the organisation of the request, or for the kinds that operators decide the role
   * `operator` in any; and be another person than the applicant.
   */
  by: Staff;
  decision: 'approve' | 'reject';
  /** The digest of what the approver was shown, hex; refused when the request holds something else. */
  digest?: string;
  reason?: string;
}

/**
 * The second person decides, once: the guard is in the WHERE clause, so of two approvers at once one is refused.
 * Throws Problem `approval-not-found`, `not-allowed`, `same-person`, `approval-not-pending`, `approval-expired`, `approval-changed`.
 */
export async function decideApproval({ db, clock }: AccessDeps, input: ApprovalDecision, tx?: Transaction): Promise<Approval> {
  const at = clock.now();
  const decide = async (inside: Transaction) => {
    const row = isUuid(input.id) ? await inside.approval.findUnique({ where: { id: input.id } }) : null;
    if (!row) throw new Problem('approval-not-found');
    // Asked again: the position handed in may have ended since the page was loaded.
    const position = await findStaff({ db: inside }, input.by.id);
    if (!position || !mayDecide(position, row)) throw new Problem('not-allowed');
    if (position.personId === row.requestedBy) throw new Problem('same-person');
    if (input.digest !== undefined && input.digest !== Buffer.from(row.digest).toString('hex')) throw new Problem('approval-changed');
    const status = input.decision === 'approve' ? 'approved' : 'rejected';
    const { count } = await inside.approval.updateMany({
      where: { id: input.id, status: 'pending', expiresAt: { gt: at } },
      data: { status, decidedBy: position.personId, decidedAs: position.id, decidedAt: at, reason: input.reason?.slice(0, 500) ?? null },
    });
    if (count === 0) throw new Problem(row.status === 'pending' && row.expiresAt <= at ? 'approval-expired' : 'approval-not-pending');
    await recordEvent(inside, {
      kind: `approval-${status}`,
      actor: staffActor(position),
      subject: row.subject,
      at,
      detail: { approval: row.id, kind: row.kind, digest: Buffer.from(row.digest).toString('hex') },
    });
    return approvalOf(await inside.approval.findUniqueOrThrow({ where: { id: input.id } }), at);
  };
  return tx ? decide(tx) : db.$transaction(decide);
}

function mayDecide(position: Staff, approval: { kind: string; organisationId: string }): boolean {
  if (isDecidedByOperators(approval.kind)) return position.roles.includes('operator');
  return position.roles.includes('approver') && position.organisationId === approval.organisationId;
}
