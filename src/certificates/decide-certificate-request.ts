import { canonicalJson } from '#access/approval.ts';
import { decideApproval } from '#access/decide-approval.ts';
import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { faultyField, Problem } from '#problem.ts';
import { serverSubject } from './domain-names.ts';
import { requireProvenDomains } from './domain-proofs.ts';
import { type CertificateRequestView, type EnrolDeps, type RequestRow, requestSubject, requestViewOf, statusAt } from './enrolment.ts';
import { requireRequestRow } from './find-certificate-request.ts';
import { issueRequested, organisationSubject } from './issue-requested.ts';
import { askForSecond } from './submit-request.ts';

export interface RequestDecision {
  id: string;
  /** An operator, of whichever organisation. */
  by: Staff;
  decision: 'approve' | 'reject';
  /** The digest that was shown, hex. */
  digest?: string;
  /** Shown to who asked; needed for a rejection. */
  reason?: string;
}

/**
 * An operator decides. A request of staff has its first person already; one that a system sent gets its first person by the first
 * approval and is issued by the second. Rejecting takes one. Issues at once when it may; while the signer is away the request
 * stays `approved` and the worker issues it. Throws Problem `certificate-request-not-found`, `certificate-request-settled`,
 * `certificate-request-expired`, `certificate-request-changed`, `domain-not-proven`, `same-person`, `not-allowed`, `invalid-input` (reason).
 */
export async function decideCertificateRequest(deps: EnrolDeps, input: RequestDecision): Promise<CertificateRequestView> {
  const reason = input.reason?.trim().slice(0, 200);
  if (input.decision === 'reject' && (!reason || reason.length < 2))
    throw faultyField('/reason', 'A reason is needed.', '请填写驳回理由。');
  const row = await requireRequestRow(deps, input.id);
  const by = await requireRole(deps, { personId: input.by.personId, organisationId: input.by.organisationId, role: 'operator' });
  requireOpen(row, deps.clock.now());
  if (input.digest !== undefined && input.digest !== Buffer.from(row.digest).toString('hex'))
    throw new Problem('certificate-request-changed');
  if (input.decision === 'approve') {
    await requireSameSubject(deps, row);
    await requireProvenDomains(deps.db, row);
  }
  if (row.approvalId === null && input.decision === 'approve') return standBehind(deps, row, by);
  await decide(deps, row, by, input.decision, reason);
  if (input.decision === 'approve') await issueNow(deps, row.id, staffActor(by));
  return requestViewOf(await requireRequestRow(deps, row.id), deps.clock.now());
}

function requireOpen(row: RequestRow, at: Date): void {
  const status = statusAt(row, at);
  if (status === 'expired') throw new Problem('certificate-request-expired');
  if (status !== 'requested') throw new Problem('certificate-request-settled');
}

/** Renamed or struck off since: what would be issued is not true any more. */
async function requireSameSubject(deps: EnrolDeps, row: RequestRow): Promise<void> {
  if (row.deviceId !== null || row.organisationId === null) return;
  const own = await organisationSubject(deps, row.organisationId);
  const present = row.dnsNames.length > 0 ? serverSubject(own, row.dnsNames) : own;
  if (canonicalJson(present) !== canonicalJson(row.subject)) throw new Problem('certificate-request-changed');
}

async function standBehind(deps: EnrolDeps, row: RequestRow, by: Staff): Promise<CertificateRequestView> {
  return deps.db.$transaction(async (tx) => {
    const approvalId = await askForSecond(tx, deps, row, by);
    const { count } = await tx.certificateRequest.updateMany({
      where: { id: row.id, status: 'requested', approvalId: null },
      data: { approvalId },
    });
    if (count === 0) throw new Problem('certificate-request-settled');
    return requestViewOf(await tx.certificateRequest.findUniqueOrThrow({ where: { id: row.id } }), deps.clock.now());
  });
}

async function decide(deps: EnrolDeps, row: RequestRow, by: Staff, decision: 'approve' | 'reject', reason?: string): Promise<void> {
  const at = deps.clock.now();
  const status = decision === 'approve' ? 'approved' : 'rejected';
  await deps.db.$transaction(async (tx) => {
    if (row.approvalId) {
      await decideApproval(deps, { id: row.approvalId, by, decision, ...(reason ? { reason } : {}) }, tx);
    }
    const { count } = await tx.certificateRequest.updateMany({
      where: { id: row.id, status: 'requested', expiresAt: { gt: at }, approvalId: row.approvalId },
      data: { status, decidedBy: staffActor(by), decidedAt: at, ...(reason ? { reason } : {}) },
    });
    if (count === 0) throw new Problem('certificate-request-settled');
    const subject = requestSubject(row.id);
    await recordEvent(tx, { kind: `certificate-request-${status}`, actor: staffActor(by), subject, at });
  });
}

/** The decision stands even if the signer cannot be reached just now. */
async function issueNow(deps: EnrolDeps, id: string, by: string): Promise<void> {
  try {
    await issueRequested(deps, await requireRequestRow(deps, id), by);
  } catch (error) {
    if (!(error instanceof Problem) || error.status < 500) throw error;
  }
}
