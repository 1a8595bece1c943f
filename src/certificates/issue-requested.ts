/** From an approved request to its certificate. */
import { takeApproved } from '#access/take-approved.ts';
import { requirePerson } from '#people/find-person.ts';
import { findOrganisation } from '#people/organisations.ts';
import type { Certificate } from '#pki/certificate.ts';
import { parseCsr } from '#pki/csr.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import { actingOf, requireActing } from './acting.ts';
import { listAuthorities } from './authorities.ts';
import type { AuthoritySuite } from './certificate-deps.ts';
import { noteForHolder } from './certificate-notices.ts';
import { requireProvenDomains } from './domain-proofs.ts';
import { APPROVAL_KIND, type EnrolDeps, type RequestRow, requestSubject } from './enrolment.ts';
import { type CertificateSubject, issueCertificate } from './issue-certificate.ts';
import { personSubject } from './name-person.ts';
import { completeCertificate } from './sign-certificate.ts';

export interface IssuedToHolder {
  certificate: Certificate;
  /** Leaf, issuing authority, root. */
  chain: Certificate[];
}

/**
 * Issues what an approved request asks for; for one that was issued already, its certificate. Of two at once one issues and both
 * get the same. Throws Problem `certificate-request-settled`, what issuing throws, and what the signer throws: then the request
 * stays as it is and may be tried again.
 */
export async function issueRequested(deps: EnrolDeps, row: RequestRow, by: string): Promise<IssuedToHolder> {
  if (row.serialHex) return findIssued(deps, row.serialHex);
  const at = deps.clock.now();
  const asked = row.subject as unknown as CertificateSubject | null;
  const personId = row.personId ?? '';
  const acting = actingOf(row);
  // Who acts for an organisation is named before it.
  const subject = asked && !acting ? asked : { ...asked, ...(await subjectOfPerson(deps, personId)) };
  const mandate = acting && (await deps.db.$transaction((tx) => requireActing(tx, { acting, personId, at })));
  try {
    const { certificate } = await issueCertificate(deps, {
      profile: row.profile as ProfileName,
      suite: row.suite as AuthoritySuite,
      subject,
      spki: parseCsr(row.csr).spki,
      days: row.days,
      by,
      ...(mandate ? { mandate } : {}),
      ...(row.dnsNames.length > 0 ? { subjectAltNames: row.dnsNames.map((dns) => ({ dns })) } : {}),
      within: async (tx, serialHex) => {
        const { count } = await tx.certificateRequest.updateMany({
          where: { id: row.id, status: 'approved', expiresAt: { gt: at } },
          data: { status: 'issued', serialHex },
        });
        if (count === 0) throw new Problem('certificate-request-settled');
        if (acting) await requireActing(tx, { acting, personId, at });
        await requireProvenDomains(tx, row);
        if (row.approvalId) {
          const payload = { digest: Buffer.from(row.digest).toString('hex') };
          await takeApproved(tx, { id: row.approvalId, kind: APPROVAL_KIND, subject: requestSubject(row.id), payload, by, at });
        }
        await noteForHolder(tx, { row, serialHex, kind: 'issued', at });
      },
    });
    return { certificate, chain: await chainOf(deps, certificate) };
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'certificate-request-settled') throw error;
    const { serialHex } = await deps.db.certificateRequest.findUniqueOrThrow({ where: { id: row.id } });
    if (!serialHex) throw error;
    return findIssued(deps, serialHex);
  }
}

/** A certificate of ours with its chain; signed now, should that not have come about before. */
export async function findIssued(deps: Pick<EnrolDeps, 'db' | 'keys'>, serialHex: string): Promise<IssuedToHolder> {
  const certificate = await completeCertificate(deps, serialHex);
  return { certificate, chain: await chainOf(deps, certificate) };
}

async function chainOf(deps: Pick<EnrolDeps, 'db'>, certificate: Certificate): Promise<Certificate[]> {
  const row = await deps.db.issuedCertificate.findUnique({ where: { serialHex: certificate.serialHex }, select: { issuerKey: true } });
  const authorities = await listAuthorities(deps);
  const issuing = authorities.find(({ keyName }) => keyName === row?.issuerKey);
  const root = authorities.find(({ keyName }) => keyName === issuing?.issuerKey);
  if (!issuing || !root) throw new Problem('authority-missing');
  return [certificate, issuing.certificate, root.certificate];
}

async function subjectOfPerson(deps: EnrolDeps, personId: string): Promise<CertificateSubject> {
  const { name, citizenNumber } = await requirePerson(deps, personId);
  if (!name) throw new Problem('person-level-too-low');
  return personSubject(deps, { name, ...(citizenNumber ? { citizenNumber } : {}) }, deps.personNaming);
}

/** What stands in a certificate of the organisation. Throws Problem `organisation-not-found`. */
export async function organisationSubject(deps: Pick<EnrolDeps, 'db'>, organisationId: string): Promise<CertificateSubject> {
  const organisation = await findOrganisation(deps, organisationId);
  if (!organisation) throw new Problem('organisation-not-found');
  const { name, uscc, internalCode } = organisation;
  return { commonName: name, organisation: name, ...(uscc ? { uscc } : { internalCode: internalCode ?? '' }) };
}
