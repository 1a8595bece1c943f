/** An organisation's legal representative is entered by one operator from a register or a document, and confirmed by another. */
import { findPerson } from '#people/find-person.ts';
import { requireOrganisation } from '#people/organisations.ts';
import type { PeopleDeps } from '#people/person.ts';
import { recordRepresentative } from '#people/representatives.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Approval } from './approval.ts';
import { decideApproval } from './decide-approval.ts';
import { listApprovals, requireApproval } from './find-approvals.ts';
import { requestApproval } from './request-approval.ts';
import { requireRole } from './require-role.ts';
import { type Staff, staffActor } from './staff.ts';
import { takeApproved } from './take-approved.ts';

export const REPRESENTATIVE_KIND = 'legal-representative';

export interface ProposedRepresentative {
  approval: Approval;
  /** Not there when the office is to be empty. */
  personId?: string;
  source: string;
}

/** Throws Problem `not-allowed`, `organisation-not-found`, `invalid-input` (/person, /source), `approval-pending`. */
export async function proposeRepresentative(
  deps: PeopleDeps,
  input: { organisationId: string; personId?: string; source: string; by: Staff },
): Promise<Approval> {
  const by = await requireOperator(deps, input.by);
  const { organisationId, personId } = input;
  await requireOrganisation(deps, organisationId);
  const source = input.source.trim();
  if (source.length < 2 || source.length > 200) throw faultyField('/source', '2 to 200 characters.', '请填写登记依据（2至200字）。');
  if (personId === by.personId) throw faultyField('/person', 'Nobody enters themselves.', '不能登记本人。');
  if (personId !== undefined && !(await findPerson(deps, personId)))
    throw faultyField('/person', 'Nobody is known by this.', '未找到该人员。');
  const payload = { personId: personId ?? null, source };
  return requestApproval(deps, { kind: REPRESENTATIVE_KIND, subject: `organisation:${organisationId}`, payload, by });
}

/** What waits for a second operator. */
export async function findProposedRepresentative(deps: PeopleDeps, organisationId: string): Promise<ProposedRepresentative | undefined> {
  const filter = { kind: REPRESENTATIVE_KIND, subject: `organisation:${organisationId}`, status: 'pending', limit: 1 } as const;
  const [approval] = await listApprovals(deps, filter);
  return approval && { approval, ...contentOf(approval) };
}

/** The second operator; an approval takes effect at once. Throws Problem `approval-not-found` and those of `decideApproval`. */
export async function decideRepresentative(
  deps: PeopleDeps,
  input: { organisationId: string; id: string; decision: 'approve' | 'reject'; digest: string; by: Staff },
): Promise<void> {
  const { organisationId, id, decision, digest } = input;
  const by = await requireOperator(deps, input.by);
  const approval = await requireApproval(deps, id);
  const subject = `organisation:${organisationId}`;
  if (approval.kind !== REPRESENTATIVE_KIND || approval.subject !== subject) throw new Problem('approval-not-found');
  const at = deps.clock.now();
  await deps.db.$transaction(async (tx) => {
    const { personId, source } = contentOf(approval);
    // Who becomes it does not decide on it either.
    if (personId === by.personId) throw new Problem('same-person');
    await decideApproval(deps, { id, by, decision, digest }, tx);
    if (decision === 'reject') return;
    const actor = staffActor(by);
    await takeApproved(tx, { id, kind: REPRESENTATIVE_KIND, subject, payload: approval.payload, by: actor, at });
    await recordRepresentative(tx, { organisationId, personId, source, by: actor, at });
  });
}

function contentOf({ payload }: Approval): { personId?: string; source: string } {
  const { personId, source } = payload as { personId: string | null; source: string };
  return { ...(personId ? { personId } : {}), source };
}

function requireOperator(deps: PeopleDeps, { personId, organisationId }: Staff): Promise<Staff> {
  return requireRole(deps, { personId, organisationId, role: 'operator' });
}
