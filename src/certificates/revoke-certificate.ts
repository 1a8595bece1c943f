/** Revocation: for good, recorded with its reason, and published at once. */
import { recordEvent } from '#audit/record-event.ts';
import { REASON_CODES, type RevocationReason } from '#pki/crl.ts';
import { faultyField, Problem } from '#problem.ts';
import { type CertificateDeps, wholeSeconds } from './certificate-deps.ts';
import { publishCrl } from './publish-crls.ts';

/** A hold can be lifted and an entry removed: neither fits a seal that somebody may have relied on meanwhile. */
const NOT_OFFERED: readonly RevocationReason[] = ['certificate-hold', 'remove-from-crl'];

export interface RevokeCertificateInput {
  serialHex: string;
  reason: RevocationReason;
  by: string;
  /** When the key was probably lost, if that is earlier than now. */
  invalidityDate?: Date;
  /** Default true. False when the caller publishes the list itself. */
  publish?: boolean;
}

/**
 * Throws Problem `invalid-input` (reason), `certificate-not-found`, `certificate-already-revoked`. The revocation holds even
 * if publishing then fails: the next list carries it.
 */
export async function revokeCertificate(deps: CertificateDeps, input: RevokeCertificateInput): Promise<{ revokedAt: Date }> {
  if (!(input.reason in REASON_CODES) || NOT_OFFERED.includes(input.reason)) {
    throw faultyField('/reason', 'Not a reason for revoking.', '吊销原因不正确。');
  }
  const now = deps.clock.now();
  if (input.invalidityDate && input.invalidityDate > now)
    throw faultyField('/invalidityDate', 'Lies in the future.', '失效日期不能晚于当前时间。');
  const revokedAt = wholeSeconds(now);
  const issuerKey = await deps.db.$transaction(async (tx) => {
    const { count } = await tx.issuedCertificate.updateMany({
      // The guard is here, not in a look beforehand: of two at once one wins. A root cannot revoke itself.
      where: { serialHex: input.serialHex, revokedAt: null, der: { not: null }, profile: { not: 'root' } },
      data: {
        revokedAt,
        revocationReason: input.reason,
        revokedBy: input.by,
        ...(input.invalidityDate ? { invalidityDate: wholeSeconds(input.invalidityDate) } : {}),
      },
    });
    const row = await tx.issuedCertificate.findUnique({
      where: { serialHex: input.serialHex },
      select: { issuerKey: true, revokedAt: true },
    });
    if (count === 0) throw new Problem(row?.revokedAt ? 'certificate-already-revoked' : 'certificate-not-found');
    await recordEvent(tx, {
      kind: 'certificate-revoked',
      actor: input.by,
      subject: `certificate:${input.serialHex}`,
      detail: { reason: input.reason },
      at: now,
    });
    return row?.issuerKey ?? '';
  });
  if (input.publish !== false) await publishCrl(deps, issuerKey);
  return { revokedAt };
}
