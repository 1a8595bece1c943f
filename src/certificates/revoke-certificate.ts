/** Revocation: recorded with its reason and published at once. It is for good, but for a hold, which is lifted or becomes final. */
import { recordEvent } from '#audit/record-event.ts';
import { REASON_CODES, type RevocationReason } from '#pki/crl.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { type CertificateDeps, wholeSeconds } from './certificate-deps.ts';
import { publishChange } from './publish-crls.ts';

/**
 * Whose certificates may be held: people and machines that mislay a key and find it again. A seal, an authority or a service is not
 * held: somebody may have relied on it meanwhile, and nobody could say for which hours.
 */
export const MAY_BE_HELD: readonly ProfileName[] = ['person', 'organisation', 'legal-representative', 'agent', 'device', 'service-client'];

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
  const now = deps.clock.now();
  if (invalidityDate && invalidityDate > now) throw faultyField('/invalidityDate', 'Lies in the future.', '失效日期不能晚于当前时间。');
  const isHold = reason === 'certificate-hold';
  const { issuerKeys, revokedAt } = await deps.db.$transaction(async (tx) => {
    const change = {
      revocationReason: reason,
      revokedBy: by,
      ...(invalidityDate ? { invalidityDate: wholeSeconds(invalidityDate) } : {}),
    };
    // The guard is here, not in a look beforehand: of two at once one wins. A root cannot revoke itself.
    const fresh = await tx.issuedCertificate.updateMany({
      where: { serialHex, revokedAt: null, der: { not: null }, profile: isHold ? { in: [...MAY_BE_HELD] } : { not: 'root' } },
      data: { ...change, revokedAt: wholeSeconds(now) },
    });
    const final =
      isHold || fresh.count > 0
        ? 0
        : (
            await tx.issuedCertificate.updateMany({
              where: { serialHex, revocationReason: 'certificate-hold' },
              data: { ...change, finalAt: now },
            })
          ).count;
    const row = await tx.issuedCertificate.findUnique({
      where: { serialHex },
      select: { issuerKey: true, revokedAt: true, profile: true, der: true },
    });
    if (fresh.count + final === 0) {
      if (!row?.der || row.profile === 'root') throw new Problem('certificate-not-found');
      if (row.revokedAt) throw new Problem('certificate-already-revoked');
      throw faultyField('/reason', 'Certificates of this kind are not held, only revoked.', '此类证书不能挂起，只能吊销。');
    }
    await recordEvent(tx, {
      kind: isHold ? 'certificate-held' : 'certificate-revoked',
      actor: by,
      subject: `certificate:${serialHex}`,
      detail: { reason },
      at: now,
    });
    const twins = isHold ? [] : await revokeTwin(tx, { serialHex, reason, by, at: now });
    return { issuerKeys: new Set([row?.issuerKey ?? '', ...twins]), revokedAt: row?.revokedAt ?? wholeSeconds(now) };
  });
  if (input.publish !== false) for (const issuerKey of issuerKeys) await publishChange(deps, issuerKey);
  return { revokedAt };
}

/**
 * The encryption certificate goes with its signing certificate: nobody is to encrypt any more to a holder who cannot be told by it.
 * Its key stays in the archive, for what was encrypted before. Returns the keys that have a list to publish.
 */
async function revokeTwin(
  tx: Transaction,
  { serialHex, reason, by, at }: { serialHex: string; reason: RevocationReason; by: string; at: Date },
): Promise<string[]> {
  const archived = await tx.archivedKey.findUnique({ where: { signingSerial: serialHex }, select: { serialHex: true } });
  if (!archived) return [];
  const rows = await tx.issuedCertificate.updateManyAndReturn({
    // Also one that is stored and not signed yet: it is revoked by the time it is.
    where: { serialHex: archived.serialHex, revokedAt: null },
    data: { revocationReason: reason, revokedBy: by, revokedAt: wholeSeconds(at) },
    select: { issuerKey: true },
  });
  const subject = `certificate:${archived.serialHex}`;
  const detail = { reason, signing: serialHex };
  if (rows.length > 0) await recordEvent(tx, { kind: 'certificate-revoked', actor: by, subject, detail, at });
  return rows.map(({ issuerKey }) => issuerKey);
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
