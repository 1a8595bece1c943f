import { parseCsr } from '#pki/csr.ts';
import { type Acting, requireActing } from './acting.ts';
import type { EnrolDeps } from './enrolment.ts';
import { organisationSubject } from './issue-requested.ts';
import { issueAndAnswer, type Renewal } from './renew-certificate.ts';
import { type PersonCertificateInput, requireCertain } from './request-person-certificate.ts';
import { submitRequest } from './submit-request.ts';

/**
 * A certificate for a person who binds an organisation, at once: the key from the request, all names from our registers, the authority
 * looked at again in the transaction that stores the certificate. Throws Problem `not-representative`, `mandate-not-found`,
 * `mandate-not-in-force`, and as `requestPersonCertificate`.
 */
export async function requestActingCertificate(deps: EnrolDeps, input: PersonCertificateInput & { acting: Acting }): Promise<Renewal> {
  const { personId, session, acting, requestId } = input;
  await requireCertain(deps, personId, session);
  await deps.db.$transaction((tx) => requireActing(tx, { acting, personId, at: deps.clock.now() }));
  const by = `person:${personId}`;
  const row = await submitRequest(deps, {
    ...{ requestId, by, acting, holder: { kind: 'person', personId } },
    profile: acting.mandateId ? 'agent' : 'legal-representative',
    csr: parseCsr(input.csr),
    subject: await organisationSubject(deps, acting.organisationId),
    approvedBy: 'system:enrolment',
  });
  return issueAndAnswer(deps, row, by);
}
