import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { faultyField, Problem } from '#problem.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { revokeCertificate } from './revoke-certificate.ts';

/** That an authority was compromised is found out about an authority, not said of one certificate. */
export const OPERATOR_REASONS: readonly RevocationReason[] = [
  'unspecified',
  'key-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
  'privilege-withdrawn',
];

/**
 * An operator revokes any certificate but an authority's, which takes the key ceremony. Throws Problem `not-allowed`,
 * `certificate-not-found`, `invalid-input` (reason), `certificate-already-revoked`.
 */
export async function revokeAsOperator(
  deps: CertificateDeps,
  input: { serialHex: string; reason: RevocationReason; by: Staff },
): Promise<{ revokedAt: Date }> {
  const { personId, organisationId } = input.by;
  const staff = await requireRole(deps, { personId, organisationId, role: 'operator' });
  if (!OPERATOR_REASONS.includes(input.reason)) throw faultyField('/reason', 'Not a reason for this.', '该原因不适用。');
  const row = await deps.db.issuedCertificate.findUnique({ where: { serialHex: input.serialHex }, select: { authorityKey: true } });
  if (!row) throw new Problem('certificate-not-found');
  if (row.authorityKey !== null) throw new Problem('not-allowed');
  return revokeCertificate(deps, { serialHex: input.serialHex, reason: input.reason, by: staffActor(staff) });
}
