import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { faultyField, Problem } from '#problem.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { MAY_BE_HELD } from './record-revocations.ts';
import { releaseCertificate, revokeCertificate } from './revoke-certificate.ts';

/** That an authority was compromised is found out about an authority, not said of one certificate. */
export const OPERATOR_REASONS: readonly RevocationReason[] = [
  'unspecified',
  'certificate-hold',
  'key-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
  'privilege-withdrawn',
];

/** The reasons that fit a certificate: a hold is for some kinds only, and what is held is not held again. */
export function reasonsFor({ profile, held }: { profile: string; held: boolean }): readonly RevocationReason[] {
  const mayBeHeld = !held && MAY_BE_HELD.some((name) => name === profile);
  return OPERATOR_REASONS.filter((reason) => reason !== 'certificate-hold' || mayBeHeld);
}

/**
 * An operator revokes or holds any certificate but an authority's, which takes the key ceremony. Throws Problem `not-allowed`,
 * `certificate-not-found`, `invalid-input` (reason), `certificate-already-revoked`.
 */
export async function revokeAsOperator(
  deps: CertificateDeps,
  input: { serialHex: string; reason: RevocationReason; by: Staff },
): Promise<{ revokedAt: Date }> {
  const by = await operatorOf(deps, input.by);
  if (!OPERATOR_REASONS.includes(input.reason)) throw faultyField('/reason', 'Not a reason for this.', '该原因不适用。');
  const row = await deps.db.issuedCertificate.findUnique({ where: { serialHex: input.serialHex }, select: { authorityKey: true } });
  if (!row) throw new Problem('certificate-not-found');
  if (row.authorityKey !== null) throw new Problem('not-allowed');
  return revokeCertificate(deps, { serialHex: input.serialHex, reason: input.reason, by });
}

/** An operator lifts a hold. Throws Problem `not-allowed`, `certificate-not-found`, `certificate-not-held`. */
export async function releaseAsOperator(deps: CertificateDeps, input: { serialHex: string; by: Staff }): Promise<{ releasedAt: Date }> {
  return releaseCertificate(deps, { serialHex: input.serialHex, by: await operatorOf(deps, input.by) });
}

/** Asked anew at the act: a role taken away since the page was opened no longer counts. */
async function operatorOf(deps: CertificateDeps, { personId, organisationId }: Staff): Promise<string> {
  return staffActor(await requireRole(deps, { personId, organisationId, role: 'operator' }));
}
