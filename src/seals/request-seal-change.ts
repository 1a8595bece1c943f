/** What takes two persons on a living seal: other rules, and its end. The keeper asks, an approver of the organisation decides. */
import type { Approval } from '#access/approval.ts';
import { listApprovals } from '#access/find-approvals.ts';
import { requestApproval } from '#access/request-approval.ts';
import { requireRole } from '#access/require-role.ts';
import { Problem } from '#problem.ts';
import { requireReason } from './change-seal-status.ts';
import { requireSealRow } from './find-seals.ts';
import { parseSealRules, rulesOf, type SealRules } from './seal-rules.ts';
import type { StoredSealStatus } from './seal-status.ts';
import type { SealDeps } from './seal-view.ts';

export const CHANGE_SEAL_RULES = 'change-seal-rules';
export const DESTROY_SEAL = 'destroy-seal';

export interface SealRulesRequest {
  sealId: string;
  /** With the role `seal-admin`. */
  by: { personId: string };
  rules: SealRules;
  /** 2–200 characters. */
  reason?: string | undefined;
}

/** What the second person is shown, and what is then carried out. */
export interface PendingSealChange {
  approvalId: string;
  kind: typeof CHANGE_SEAL_RULES | typeof DESTROY_SEAL;
  /** Hex; hand it back with the decision. */
  digest: string;
  requestedAs: string;
  requestedAt: Date;
  reason: string;
  rules: SealRules | undefined;
}

/**
 * Throws Problem `seal-not-found`, `not-allowed`, `invalid-input` (pointers of the rules, /reason), `seal-transition-not-allowed` for a seal
 * that ended, `approval-pending` while another change of the rules waits.
 */
export async function requestSealRules(deps: SealDeps, input: SealRulesRequest): Promise<{ approvalId: string }> {
  const row = await requireSealRow(deps, input.sealId);
  const by = await requireRole(deps, { personId: input.by.personId, organisationId: row.organisationId, role: 'seal-admin' });
  const rules = parseSealRules(input.rules);
  const { reason } = requireReason(input);
  requireLiving(row.status);
  // What is replaced is approved as well: rules that changed meanwhile are looked at again.
  const payload = { rules: { ...rules }, before: { ...rulesOf(row) }, reason };
  const approval = await requestApproval(deps, { kind: CHANGE_SEAL_RULES, subject: `seal:${row.id}`, payload, by });
  return { approvalId: approval.id };
}

/** Throws as `requestSealRules`. */
export async function requestSealDestruction(
  deps: SealDeps,
  input: { sealId: string; by: { personId: string }; reason?: string | undefined },
): Promise<{ approvalId: string }> {
  const row = await requireSealRow(deps, input.sealId);
  const by = await requireRole(deps, { personId: input.by.personId, organisationId: row.organisationId, role: 'seal-admin' });
  const { reason } = requireReason(input);
  requireLiving(row.status);
  const approval = await requestApproval(deps, { kind: DESTROY_SEAL, subject: `seal:${row.id}`, payload: { reason }, by });
  return { approvalId: approval.id };
}

/** What waits for a second person, newest first. */
export async function findPendingSealChanges(deps: Pick<SealDeps, 'db' | 'clock'>, sealId: string): Promise<PendingSealChange[]> {
  const approvals = await listApprovals(deps, { subject: `seal:${sealId}`, status: 'pending' });
  return approvals.filter(({ kind }) => kind === CHANGE_SEAL_RULES || kind === DESTROY_SEAL).map(pendingOf);
}

function pendingOf({ id, kind, digest, requestedAs, requestedAt, payload }: Approval): PendingSealChange {
  const { reason = '', rules } = payload as { reason?: string; rules?: SealRules };
  return { approvalId: id, kind: kind as PendingSealChange['kind'], digest, requestedAs, requestedAt, reason, rules };
}

export const LIVING: readonly StoredSealStatus[] = ['made', 'active', 'suspended'];

function requireLiving(status: string): void {
  if (!(LIVING as readonly string[]).includes(status)) throw new Problem('seal-transition-not-allowed');
}
