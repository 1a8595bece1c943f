/**
 * When a seal ended, both its certificates are revoked, so that verifiers elsewhere learn it from the lists. What was sealed before
 * stays genuine: the time of sealing is proven by a time-stamp.
 */
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { Problem } from '#problem.ts';
import { requireSealRow } from './find-seals.ts';
import type { SealDeps } from './seal-view.ts';

const REASONS: Record<string, 'superseded' | 'cessation-of-operation'> = {
  replaced: 'superseded',
  destroyed: 'cessation-of-operation',
  cancelled: 'cessation-of-operation',
};

/** Does nothing to a seal that has not ended. Done again it changes nothing. */
export async function revokeSealCertificates(deps: SealDeps, sealId: string): Promise<void> {
  const row = await requireSealRow(deps, sealId);
  const reason = REASONS[row.status];
  if (reason === undefined || row.revokedAt !== null) return;
  for (const serialHex of [row.certificateSerial, row.pdfCertificateSerial]) {
    if (serialHex === null) continue;
    try {
      await revokeCertificate(deps, { serialHex, reason, by: 'system:seals' });
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'certificate-already-revoked')) throw error;
    }
  }
  await deps.db.seal.update({ where: { id: row.id }, data: { revokedAt: deps.clock.now() } });
}

/** For seals whose end was cut off before their certificates were revoked. Returns how many it did. */
export async function revokeEndedSeals(deps: SealDeps): Promise<number> {
  const rows = await deps.db.seal.findMany({
    where: { status: { in: Object.keys(REASONS) }, revokedAt: null },
    select: { id: true },
    take: 100,
  });
  for (const { id } of rows) await revokeSealCertificates(deps, id);
  return rows.length;
}
