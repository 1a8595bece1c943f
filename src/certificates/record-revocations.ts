/** The rows of a revocation: guarded, with the encryption twins, each with its audit event, in one transaction. Lists are published by the caller. */
import { recordEvents } from '#audit/record-event.ts';
import type { RevocationReason } from '#pki/crl.ts';
import type { ProfileName } from '#pki/profiles.ts';
import type { Transaction } from '#storage/database.ts';
import { type CertificateDeps, wholeSeconds } from './certificate-deps.ts';

/**
 * Whose certificates may be held: people and machines that mislay a key and find it again. A seal, an authority or a service is not
 * held: somebody may have relied on it meanwhile, and nobody could say for which hours.
 */
export const MAY_BE_HELD: readonly ProfileName[] = ['person', 'organisation', 'legal-representative', 'agent', 'device', 'service-client'];

export interface Revocations {
  serials: readonly string[];
  reason: RevocationReason;
  by: string;
  /** When the keys were probably lost, if that is earlier than now. */
  invalidityDate?: Date;
}

/** Of the certificates those that were revoked now; what is revoked already, a root, or not there is passed over. */
export function recordRevocations(
  deps: CertificateDeps,
  { serials, reason, by, invalidityDate }: Revocations,
): Promise<{ revoked: string[]; issuerKeys: Set<string> }> {
  const at = deps.clock.now();
  const isHold = reason === 'certificate-hold';
  const among = { serialHex: { in: [...serials] } };
  const change = {
    revocationReason: reason,
    revokedBy: by,
    ...(invalidityDate ? { invalidityDate: wholeSeconds(invalidityDate) } : {}),
  };
  const select = { serialHex: true, issuerKey: true };
  return deps.db.$transaction(async (tx) => {
    // The guard is here, not in a look beforehand: of two at once one wins. A root cannot revoke itself.
    const fresh = await tx.issuedCertificate.updateManyAndReturn({
      where: { ...among, revokedAt: null, der: { not: null }, profile: isHold ? { in: [...MAY_BE_HELD] } : { not: 'root' } },
      data: { ...change, revokedAt: wholeSeconds(at) },
      select,
    });
    // A revocation for good counts from the hold.
    const left = serials.length - fresh.length;
    const final =
      isHold || left === 0
        ? []
        : await tx.issuedCertificate.updateManyAndReturn({
            where: { ...among, revocationReason: 'certificate-hold' },
            data: { ...change, finalAt: at },
            select,
          });
    const rows = [...fresh, ...final];
    const revoked = rows.map(({ serialHex }) => serialHex);
    const kind = isHold ? 'certificate-held' : 'certificate-revoked';
    await recordEvents(
      tx,
      revoked.map((serialHex) => ({ kind, actor: by, subject: `certificate:${serialHex}`, detail: { reason }, at })),
    );
    const twins = isHold || revoked.length === 0 ? [] : await revokeTwins(tx, { revoked, reason, by, at });
    return { revoked, issuerKeys: new Set([...rows.map(({ issuerKey }) => issuerKey), ...twins]) };
  });
}

/**
 * The encryption certificate goes with its signing certificate: nobody is to encrypt any more to a holder who cannot be told by it.
 * Its key stays in the archive, for what was encrypted before. Returns the keys that have a list to publish.
 */
async function revokeTwins(
  tx: Transaction,
  { revoked, reason, by, at }: { revoked: string[]; reason: RevocationReason; by: string; at: Date },
): Promise<string[]> {
  const archived = await tx.archivedKey.findMany({
    where: { signingSerial: { in: revoked } },
    select: { serialHex: true, signingSerial: true },
  });
  if (archived.length === 0) return [];
  const rows = await tx.issuedCertificate.updateManyAndReturn({
    // Also one that is stored and not signed yet: it is revoked by the time it is.
    where: { serialHex: { in: archived.flatMap(({ serialHex }) => serialHex ?? []) }, revokedAt: null },
    data: { revocationReason: reason, revokedBy: by, revokedAt: wholeSeconds(at) },
    select: { serialHex: true, issuerKey: true },
  });
  const signingOf = new Map(archived.map(({ serialHex, signingSerial }) => [serialHex, signingSerial]));
  await recordEvents(
    tx,
    rows.map(({ serialHex }) => ({
      kind: 'certificate-revoked',
      actor: by,
      subject: `certificate:${serialHex}`,
      detail: { reason, signing: signingOf.get(serialHex) ?? '' },
      at,
    })),
  );
  return rows.map(({ issuerKey }) => issuerKey);
}
