import type { RevocationReason } from '#pki/crl.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { keyDigestOf } from './prepare-certificate.ts';
import { revokeCertificate } from './revoke-certificate.ts';

/** Revokes every certificate of a key that is in wrong hands. Returns their serial numbers. */
export async function revokeCertificatesOfKey(
  deps: CertificateDeps,
  input: { spki: Uint8Array; reason: RevocationReason; by: string },
): Promise<string[]> {
  const rows = await deps.db.issuedCertificate.findMany({
    where: { keyDigest: keyDigestOf(input.spki), revokedAt: null, der: { not: null } },
    select: { serialHex: true },
  });
  for (const { serialHex } of rows) await revokeCertificate(deps, { serialHex, reason: input.reason, by: input.by });
  return rows.map(({ serialHex }) => serialHex);
}
