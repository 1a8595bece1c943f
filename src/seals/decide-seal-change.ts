/** The second person decides on other rules for a seal, or on its end; what is approved is carried out in the same transaction. */
import { canonicalJson } from '#access/approval.ts';
import { decideApproval } from '#access/decide-approval.ts';
import { requireApproval } from '#access/find-approvals.ts';
import { requireRole } from '#access/require-role.ts';
import { staffActor } from '#access/staff.ts';
import { takeApproved } from '#access/take-approved.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { requireSealRow } from './find-seals.ts';
import { moveSeal, noteSealChange } from './note-seal-change.ts';
import { CHANGE_SEAL_RULES, DESTROY_SEAL, LIVING } from './request-seal-change.ts';
import { revokeSealCertificates } from './revoke-seal-certificates.ts';
import { sealDayOf } from './seal-day.ts';
import { rulesOf, type SealRules } from './seal-rules.ts';
import { type SealDeps, type SealView, sealViewOf } from './seal-view.ts';

export interface SealChangeDecision {
  sealId: string;
  approvalId: string;
  /** With the role `approver`, another person than who asked. */
  by: { personId: string };
  decision: 'approve' | 'reject';
  /** Hex digest of what was shown. */
  digest: string;
  reason?: string | undefined;
}

interface Act {
  sealId: string;
  payload: unknown;
  /** Who decided; the audit of the approval names who asked. */
  actor: string;
  at: Date;
}

/**
 * Throws Problem `seal-not-found`, `approval-not-found`, `not-allowed`, `same-person`, `approval-not-pending`, `approval-expired`,
 * `approval-changed`, `seal-transition-not-allowed` when the seal ended meanwhile.
 */
export async function decideSealChange(deps: SealDeps, input: SealChangeDecision): Promise<SealView> {
  const row = await requireSealRow(deps, input.sealId);
  const staff = await requireRole(deps, { personId: input.by.personId, organisationId: row.organisationId, role: 'approver' });
  const { id, kind, subject, payload } = await requireApproval(deps, input.approvalId);
  if (subject !== `seal:${row.id}` || (kind !== CHANGE_SEAL_RULES && kind !== DESTROY_SEAL)) throw new Problem('approval-not-found');
  const { decision, digest, reason } = input;
  const actor = staffActor(staff);
  const at = deps.clock.now();
  await deps.db.$transaction(async (tx) => {
    await decideApproval(deps, { id, by: staff, decision, digest, ...(reason ? { reason } : {}) }, tx);
    if (decision === 'reject') return;
    await takeApproved(tx, { id, kind, subject, payload, by: actor, at });
    await (kind === DESTROY_SEAL ? destroy : changeRules)(tx, { sealId: row.id, payload, actor, at });
  });
  if (kind === DESTROY_SEAL) await revokeSealCertificates(deps, row.id);
  return sealViewOf(deps, await requireSealRow(deps, row.id));
}

async function destroy(tx: Transaction, { sealId, payload, actor, at }: Act): Promise<void> {
  const { reason } = payload as { reason: string };
  await moveSeal(tx, { sealId, from: LIVING, to: 'destroyed', kind: 'seal-destroyed', actor, at, reason });
}

async function changeRules(tx: Transaction, { sealId, payload, actor, at }: Act): Promise<void> {
  const { rules, before, reason } = payload as { rules: SealRules; before: SealRules; reason: string };
  // Waits for the uses that are just being counted: those after it go by the new rules.
  await tx.$queryRaw`SELECT id FROM seal WHERE id = ${sealId}::uuid FOR UPDATE`;
  const row = await tx.seal.findUniqueOrThrow({ where: { id: sealId } });
  if (!LIVING.some((status) => status === row.status)) throw new Problem('seal-transition-not-allowed');
  if (canonicalJson(rulesOf(row)) !== canonicalJson(before)) throw new Problem('approval-changed');
  await tx.seal.update({ where: { id: sealId }, data: rules });
  // Without a limit nothing was counted; the next use counts the day from the log.
  await tx.sealDay.deleteMany({ where: { sealId, day: sealDayOf(at) } });
  await noteSealChange(tx, {
    sealId,
    to: 'rules',
    kind: 'seal-rules-changed',
    actor,
    at,
    reason,
    rules: { ...rules },
    detail: { rules: { ...rules } },
  });
}
