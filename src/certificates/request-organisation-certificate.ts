import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import { requireOrganisation } from '#people/organisations.ts';
import { parseCsr } from '#pki/csr.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { faultyField } from '#problem.ts';
import { parseDnsNames, serverSubject } from './domain-names.ts';
import { type CertificateRequestView, type EnrolDeps, requestViewOf } from './enrolment.ts';
import { organisationSubject } from './issue-requested.ts';
import { submitRequest } from './submit-request.ts';

/** A member of staff with the role `seal-admin`, or a system of the organisation whose scope was checked. */
export type OrganisationParty = { personId: string; organisationId: string } | { clientId: string; organisationId: string };

/**
 * What an organisation may ask for by itself; seals and their makers have their own ways. A document signer can make a file look
 * official, so only departments get one. A service client is a system that calls us by mutual TLS; a web server is known by host names
 * whose control is proven first (`domain-proofs.ts`).
 */
export const ORGANISATION_PROFILES: readonly ProfileName[] = ['organisation', 'document-signer', 'service-client', 'web-server'];

export interface OrganisationCertificateInput {
  by: OrganisationParty;
  /** PKCS#10, PEM or DER. */
  csr: string | Uint8Array;
  requestId: string;
  /** Default `organisation`. */
  profile?: ProfileName;
  /** Host names, for `web-server` alone. */
  dnsNames?: readonly string[];
}

/**
 * Puts the request before the operators, with the organisation's name and code from our register. Asked by staff, one operator
 * decides; asked by a system, two do. Throws Problem `not-allowed`, `invalid-input` (/profile, /dnsNames), `csr-not-acceptable`, and as `submitRequest`.
 */
export async function requestOrganisationCertificate(
  deps: EnrolDeps,
  input: OrganisationCertificateInput,
): Promise<CertificateRequestView> {
  const profile = input.profile ?? 'organisation';
  const { actor, staff } = await requireOrganisationParty(deps, input.by);
  const { organisationId } = input.by;
  const { kind } = await requireOrganisation(deps, organisationId);
  if (!ORGANISATION_PROFILES.includes(profile) || (profile === 'document-signer' && kind !== 'department')) {
    throw faultyField('/profile', 'This organisation cannot ask for this kind.', '该机构不能申请此类证书。');
  }
  const isServer = profile === 'web-server';
  if (!isServer && input.dnsNames?.length)
    throw faultyField('/dnsNames', 'Only web servers have host names.', '仅网站服务器证书填写域名。');
  const dnsNames = isServer ? parseDnsNames(input.dnsNames ?? []) : undefined;
  const subject = await organisationSubject(deps, organisationId);
  const row = await submitRequest(deps, {
    requestId: input.requestId,
    by: actor,
    holder: { kind: 'organisation', organisationId },
    profile,
    csr: parseCsr(input.csr),
    subject: dnsNames ? serverSubject(subject, dnsNames) : subject,
    ...(dnsNames ? { dnsNames } : {}),
    ...(staff ? { staff } : {}),
  });
  return requestViewOf(row, deps.clock.now());
}

/** Throws Problem `not-allowed`. */
export async function requireOrganisationParty(
  deps: Pick<EnrolDeps, 'db'>,
  by: OrganisationParty,
): Promise<{ actor: string; staff?: Staff }> {
  if ('clientId' in by) return { actor: `client:${by.clientId}` };
  const staff = await requireRole(deps, { ...by, role: 'seal-admin' });
  return { actor: staffActor(staff), staff };
}
