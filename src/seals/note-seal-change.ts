/** Each step in a seal's life: the row, the seal's own history and the audit, in one transaction. */
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import type { Prisma, Transaction } from '#storage/database.ts';
import type { StoredSealStatus } from './seal-status.ts';

export interface SealStep {
  sealId: string;
  /** The guard is in the WHERE clause, so of two steps at once one is refused. */
  from: readonly StoredSealStatus[];
  to: StoredSealStatus;
  /** Of the audit event. */
  kind: string;
  actor: string;
  at: Date;
  reason?: string | undefined;
  /** Further columns of the row. */
  data?: Prisma.SealUpdateManyMutationInput;
  /** Further facts for the audit; the reason goes there by itself. */
  detail?: Prisma.InputJsonObject;
}

/** Throws Problem `seal-transition-not-allowed` when the seal is not, or no longer, in one of the states `from`. */
export async function moveSeal(tx: Transaction, step: SealStep): Promise<void> {
  const { sealId, from, to, kind, actor, at, reason } = step;
  const { count } = await tx.seal.updateMany({
    where: { id: sealId, status: { in: [...from] } },
    data: { ...step.data, status: to, statusSince: at },
  });
  if (count === 0) throw new Problem('seal-transition-not-allowed');
  await noteSealChange(tx, { sealId, to, kind, actor, at, reason, detail: step.detail });
}

/** For a change that is none of state: `to` is `rules`. */
export async function noteSealChange(
  tx: Transaction,
  change: {
    sealId: string;
    to: StoredSealStatus | 'rules';
    kind: string;
    actor: string;
    at: Date;
    reason?: string | undefined;
    rules?: Prisma.InputJsonObject | undefined;
    detail?: Prisma.InputJsonObject | undefined;
  },
): Promise<void> {
  const { sealId, to, kind, actor, at, reason, rules, detail } = change;
  await tx.sealChange.create({ data: { sealId, to, actor, at, reason: reason || null, ...(rules ? { rules } : {}) } });
  await recordEvent(tx, { kind, actor, subject: `seal:${sealId}`, detail: { ...detail, ...(reason ? { reason } : {}) }, at });
}
