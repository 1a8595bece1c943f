/** Revocation: recorded with its reason and published at once. It is for good, but for a hold, which is lifted or becomes final. */
import { recordEvent } from '#audit/record-event.ts';
import { REASON_CODES, type RevocationReason } from '#pki/crl.ts';
import { faultyField, Problem } from '#problem.ts';
import { type CertificateDeps, wholeSeconds } from './certificate-deps.ts';
import { publishChange, publishChanges } from './publish-crls.ts';
import { type Revocations, recordRevocations } from './record-revocations.ts';

export interface RevokeCertificateInput {
  serialHex: string;
  /** `certificate-hold` stops it for a while; `releaseCertificate` lifts that. */
  reason: RevocationReason;
  by: string;
  /** When the key was probably lost, if that is earlier than now. */
  invalidityDate?: Date;
  /** Default true. False when the caller publishes the list itself. */
  publish?: boolean;
}

/**
 * A held certificate may be revoked for good; its revocation then counts from the hold. Throws Problem `invalid-input` (reason),
 * `certificate-not-found`, `certificate-already-revoked`. The revocation holds even if publishing then fails: the next list carries it.
 */
export async function revokeCertificate(deps: CertificateDeps, input: RevokeCertificateInput): Promise<{ revokedAt: Date }> {
  const { serialHex, reason, by, invalidityDate } = input;
  if (!(reason in REASON_CODES) || reason === 'remove-from-crl')
    throw faultyField('/reason', 'Not a reason for revoking.', '吊销原因不正确。');
  if (invalidityDate && invalidityDate > deps.clock.now())
    throw faultyField('/invalidityDate', 'Lies in the future.', '失效日期不能晚于当前时间。');
  const { revoked, issuerKeys } = await recordRevocations(deps, {
    serials: [serialHex],
    reason,
    by,
    ...(invalidityDate ? { invalidityDate } : {}),
  });
  const row = await deps.db.issuedCertificate.findUnique({ where: { serialHex }, select: { revokedAt: true, profile: true, der: true } });
  if (revoked.length === 0) {
    if (!row?.der || row.profile === 'root') throw new Problem('certificate-not-found');
    if (row.revokedAt) throw new Problem('certificate-already-revoked');
    throw faultyField('/reason', 'Certificates of this kind are not held, only revoked.', '此类证书不能挂起，只能吊销。');
  }
  if (input.publish !== false) await publishChanges(deps, issuerKeys);
  return { revokedAt: row?.revokedAt ?? wholeSeconds(deps.clock.now()) };
}

/** So many certificates are revoked in one transaction. */
const BATCH = 500;

/**
 * Many certificates: what is revoked already is passed over. Each shows in OCSP as soon as its batch is stored; the lists follow once
 * all are, one for each authority and part, whatever the reasons. Returns the serial numbers of those it revoked.
 */
export async function revokeCertificates(deps: CertificateDeps, ...all: readonly Revocations[]): Promise<string[]> {
  const done: string[] = [];
  const changed = new Set<string>();
  try {
    for (const { serials, ...input } of all) {
      for (let start = 0; start < serials.length; start += BATCH) {
        const { revoked, issuerKeys } = await recordRevocations(deps, { ...input, serials: serials.slice(start, start + BATCH) });
        done.push(...revoked);
        for (const issuerKey of issuerKeys) changed.add(issuerKey);
      }
    }
  } finally {
    // What was stored before something went wrong is published all the same.
    await publishChanges(deps, changed);
  }
  return done;
}

/** Lifts a hold: the certificate is good again, as if it had always been. Throws Problem `certificate-not-found`, `certificate-not-held`. */
export async function releaseCertificate(
  deps: CertificateDeps,
  { serialHex, by }: { serialHex: string; by: string },
): Promise<{ releasedAt: Date }> {
  const now = deps.clock.now();
  const issuerKey = await deps.db.$transaction(async (tx) => {
    const row = await tx.issuedCertificate.findUnique({ where: { serialHex }, select: { issuerKey: true, revokedAt: true, der: true } });
    if (!row?.der) throw new Problem('certificate-not-found');
    const { count } = await tx.issuedCertificate.updateMany({
      where: { serialHex, revocationReason: 'certificate-hold' },
      data: { revokedAt: null, revocationReason: null, revokedBy: null, invalidityDate: null },
    });
    if (count !== 1 || !row.revokedAt) throw new Problem('certificate-not-held');
    const { issuerKey } = row;
    await tx.certificateRelease.create({ data: { serialHex, issuerKey, heldAt: row.revokedAt, releasedAt: now, releasedBy: by } });
    await recordEvent(tx, { kind: 'certificate-released', actor: by, subject: `certificate:${serialHex}`, detail: {}, at: now });
    return issuerKey;
  });
  await publishChange(deps, issuerKey);
  return { releasedAt: now };
}
