import { findPerson } from '#people/find-person.ts';
import type { PeopleDeps } from '#people/person.ts';
import { parseCsr } from '#pki/csr.ts';
import { Problem } from '#problem.ts';
import { type CertificateRequestView, type EnrolDeps, requestViewOf } from './enrolment.ts';
import { FRESH_SIGN_IN_SECONDS, MIN_PERSON_LEVEL } from './enrolment-limits.ts';
import { type IssuedToHolder, issueRequested } from './issue-requested.ts';
import { submitRequest } from './submit-request.ts';

/** How, and how lately, the person proved who they are. */
export interface PersonSession {
  /** 1 to 5: `acrLevel(session.acr)`. */
  acrLevel: number;
  authTime: Date;
}

export interface PersonCertificateInput {
  personId: string;
  session: PersonSession;
  /** PKCS#10, PEM or DER. */
  csr: string | Uint8Array;
  requestId: string;
}

/**
 * A certificate for the person at the browser, at once: the key from the request, the name from our register and from nowhere
 * else. Throws Problem `person-level-too-low`, `fresh-sign-in-needed`, `csr-not-acceptable`, and as `submitRequest`.
 */
export async function requestPersonCertificate(
  deps: EnrolDeps,
  input: PersonCertificateInput,
): Promise<IssuedToHolder & { request: CertificateRequestView }> {
  await requireCertain(deps, input.personId, input.session);
  const by = `person:${input.personId}`;
  const row = await submitRequest(deps, {
    requestId: input.requestId,
    by,
    holder: { kind: 'person', personId: input.personId },
    profile: 'person',
    csr: parseCsr(input.csr),
    approvedBy: 'system:enrolment',
  });
  const issued = await issueRequested(deps, row, by);
  const after = await deps.db.certificateRequest.findUniqueOrThrow({ where: { id: row.id } });
  return { ...issued, request: requestViewOf(after, deps.clock.now()) };
}

/** The name is certain, and the person is here now. Throws Problem `person-level-too-low`, `fresh-sign-in-needed`. */
export async function requireCertain(deps: PeopleDeps, personId: string, session: PersonSession): Promise<void> {
  const person = await findPerson(deps, personId);
  if (!person?.name || person.assuranceLevel < MIN_PERSON_LEVEL) throw new Problem('person-level-too-low');
  const age = deps.clock.now().getTime() - session.authTime.getTime();
  if (session.acrLevel < MIN_PERSON_LEVEL || age > FRESH_SIGN_IN_SECONDS * 1000) throw new Problem('fresh-sign-in-needed');
}
