/**
 * When a seal ended, both its certificates are revoked, so that verifiers elsewhere learn it from the lists. What was sealed before
 * stays genuine: the time of sealing is proven by a time-stamp.
 */
import { revokeCertificates } from '#certificates/revoke-certificate.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { requireSealRow } from './find-seals.ts';
import type { SealDeps, SealRow } from './seal-view.ts';

const REASONS: Record<string, RevocationReason> = {
  replaced: 'superseded',
  destroyed: 'cessation-of-operation',
  cancelled: 'cessation-of-operation',
};

/** Does nothing to a seal that has not ended. Done again it changes nothing. */
export async function revokeSealCertificates(deps: SealDeps, sealId: string): Promise<void> {
  const row = await requireSealRow(deps, sealId);
  if (REASONS[row.status] !== undefined && row.revokedAt === null) await revokeOf(deps, [row]);
}

/** For seals whose end was cut off before their certificates were revoked. Returns how many it did. */
export async function revokeEndedSeals(deps: SealDeps): Promise<number> {
  const rows = await deps.db.seal.findMany({
    where: { status: { in: Object.keys(REASONS) }, revokedAt: null },
    select: { id: true, status: true, certificateSerial: true, pdfCertificateSerial: true },
    take: 100,
  });
  if (rows.length > 0) await revokeOf(deps, rows);
  return rows.length;
}

type EndedSeal = Pick<SealRow, 'id' | 'status' | 'certificateSerial' | 'pdfCertificateSerial'>;

/** One list for each authority, however many seals. */
async function revokeOf(deps: SealDeps, seals: readonly EndedSeal[]): Promise<void> {
  const batches = [...new Set(Object.values(REASONS))].map((reason) => {
    const those = seals.filter(({ status }) => REASONS[status] === reason);
    const serials = those.flatMap(({ certificateSerial, pdfCertificateSerial }) =>
      [certificateSerial, pdfCertificateSerial].filter((serial) => serial !== null),
    );
    return { serials, reason, by: 'system:seals' };
  });
  await revokeCertificates(deps, ...batches);
  await deps.db.seal.updateMany({ where: { id: { in: seals.map(({ id }) => id) } }, data: { revokedAt: deps.clock.now() } });
}
