import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { type EnrolDeps, requestSubject } from './enrolment.ts';
import { requireRequestRow } from './find-certificate-request.ts';
import { type OrganisationParty, requireOrganisationParty } from './request-organisation-certificate.ts';

/** The organisation takes an undecided request back. Throws Problem `certificate-request-not-found`, `certificate-request-settled`, `not-allowed`. */
export async function cancelCertificateRequest(deps: EnrolDeps, input: { id: string; by: OrganisationParty }): Promise<void> {
  const row = await requireRequestRow(deps, input.id);
  // Another organisation's requests are none of ours to know of.
  if (row.organisationId !== input.by.organisationId) throw new Problem('certificate-request-not-found');
  const { actor } = await requireOrganisationParty(deps, input.by);
  const at = deps.clock.now();
  await deps.db.$transaction(async (tx) => {
    const { count } = await tx.certificateRequest.updateMany({
      where: { id: row.id, status: 'requested' },
      data: { status: 'cancelled', decidedBy: actor, decidedAt: at },
    });
    if (count === 0) throw new Problem('certificate-request-settled');
    await recordEvent(tx, { kind: 'certificate-request-cancelled', actor, subject: requestSubject(row.id), at });
  });
}
