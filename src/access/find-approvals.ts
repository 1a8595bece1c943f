import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import { type Approval, type ApprovalStatus, approvalOf } from './approval.ts';
import type { AccessDeps } from './staff.ts';

export async function findApproval({ db, clock }: AccessDeps, id: string): Promise<Approval | undefined> {
  const row = isUuid(id) ? await db.approval.findUnique({ where: { id } }) : null;
  return row ? approvalOf(row, clock.now()) : undefined;
}

/** Throws Problem `approval-not-found`. */
export async function requireApproval(deps: AccessDeps, id: string): Promise<Approval> {
  const approval = await findApproval(deps, id);
  if (!approval) throw new Problem('approval-not-found');
  return approval;
}

/** Newest first. `pending` and `approved` leave out what has expired. */
export async function listApprovals(
  { db, clock }: AccessDeps,
  filter: { organisationId?: string; status?: ApprovalStatus; kind?: string; subject?: string; limit?: number } = {},
): Promise<Approval[]> {
  const at = clock.now();
  const open = filter.status === 'pending' || filter.status === 'approved';
  const rows = await db.approval.findMany({
    where: {
      ...(filter.organisationId ? { organisationId: filter.organisationId } : {}),
      ...(filter.kind ? { kind: filter.kind } : {}),
      ...(filter.subject ? { subject: filter.subject } : {}),
      ...(filter.status && filter.status !== 'expired' ? { status: filter.status } : {}),
      ...(open ? { expiresAt: { gt: at } } : {}),
      ...(filter.status === 'expired'
        ? { OR: [{ status: 'expired' }, { status: { in: ['pending', 'approved'] }, expiresAt: { lte: at } }] }
        : {}),
    },
    orderBy: { requestedAt: 'desc' },
    take: Math.min(filter.limit ?? 100, 500),
  });
  return rows.map((row) => approvalOf(row, at));
}
