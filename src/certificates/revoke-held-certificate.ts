import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { faultyField, Problem } from '#problem.ts';
import type { EnrolDeps } from './enrolment.ts';
import { findHolder } from './held-certificates.ts';
import { type OrganisationParty, requireOrganisationParty } from './request-organisation-certificate.ts';
import { revokeCertificate } from './revoke-certificate.ts';

/** What holders may say themselves; that an authority was compromised or a privilege withdrawn is not for them to state. */
export const HOLDER_REASONS: readonly RevocationReason[] = [
  'unspecified',
  'key-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
];

export interface RevokeHeldInput {
  serialHex: string;
  reason: RevocationReason;
  /** The holder; staff or a system of the organisation that holds it; or an operator, for any certificate that was enrolled for. */
  by: { personId: string } | OrganisationParty | { operator: Staff };
}

/**
 * Revokes a certificate that somebody enrolled for. What is not the party's own is `certificate-not-found`, so that nobody learns
 * of others' certificates here. Throws Problem also `not-allowed`, `invalid-input` (reason), `certificate-already-revoked`.
 */
export async function revokeHeldCertificate(deps: EnrolDeps, input: RevokeHeldInput): Promise<{ revokedAt: Date }> {
  const holder = await findHolder(deps, input.serialHex);
  if (!holder) throw new Problem('certificate-not-found');
  const { by, serialHex, reason } = input;
  if ('operator' in by) {
    const { personId, organisationId } = by.operator;
    const staff = await requireRole(deps, { personId, organisationId, role: 'operator' });
    return revokeCertificate(deps, { serialHex, reason, by: staffActor(staff) });
  }
  if (!HOLDER_REASONS.includes(reason)) throw faultyField('/reason', 'Not a reason a holder can give.', '该吊销原因不能由持有人选择。');
  if (!('organisationId' in by)) {
    if (holder.kind !== 'person' || holder.personId !== by.personId) throw new Problem('certificate-not-found');
    return revokeCertificate(deps, { serialHex, reason, by: `person:${by.personId}` });
  }
  if (holder.kind === 'person' || holder.organisationId !== by.organisationId) throw new Problem('certificate-not-found');
  const { actor } = await requireOrganisationParty(deps, by);
  return revokeCertificate(deps, { serialHex, reason, by: actor });
}
