import { recordEvent } from '#audit/record-event.ts';
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { type Approval, approvalOf, payloadDigest } from './approval.ts';

/**
 * Uses up an approval inside the transaction of the act it allows: once, and only for exactly what was approved.
 * Throws Problem `approval-not-found`, `approval-not-approved`, `approval-changed`, `approval-expired`.
 */
export async function takeApproved(
  tx: Transaction,
  input: { id: string; kind: string; subject: string; payload: unknown; by: string; at: Date },
): Promise<Approval> {
  const row = isUuid(input.id) ? await tx.approval.findUnique({ where: { id: input.id } }) : null;
  if (!row || row.kind !== input.kind || row.subject !== input.subject) throw new Problem('approval-not-found');
  if (!Buffer.from(row.digest).equals(payloadDigest(input.payload))) throw new Problem('approval-changed');
  if (row.status === 'approved' && row.expiresAt <= input.at) throw new Problem('approval-expired');
  const { count } = await tx.approval.updateMany({
    where: { id: input.id, status: 'approved', expiresAt: { gt: input.at } },
    data: { status: 'taken', takenAt: input.at },
  });
  if (count === 0) throw new Problem('approval-not-approved');
  await recordEvent(tx, {
    kind: 'approval-taken',
    actor: input.by,
    subject: row.subject,
    at: input.at,
    detail: { approval: row.id, kind: row.kind, digest: Buffer.from(row.digest).toString('hex') },
  });
  return { ...approvalOf(row, input.at), status: 'taken' };
}
