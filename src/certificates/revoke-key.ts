import { parseCertificate } from '#pki/certificate.ts';
import type { RevocationReason } from '#pki/crl.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { keyDigestOf } from './prepare-certificate.ts';
import { revokeCertificates } from './revoke-certificate.ts';

/** Revokes every certificate of a key that is in wrong hands, those of earlier releases too. Returns their serial numbers. */
export async function revokeCertificatesOfKey(
  deps: CertificateDeps,
  input: { spki: Uint8Array; reason: RevocationReason; by: string },
): Promise<string[]> {
  const keyDigest = keyDigestOf(input.spki);
  // With its digest the row also keeps the key from being certified again.
  await deps.db.issuedCertificate.updateMany({
    where: { serialHex: { in: await findWithoutDigest(deps, input.spki) }, keyDigest: null },
    data: { keyDigest },
  });
  const rows = await deps.db.issuedCertificate.findMany({
    where: { keyDigest, revokedAt: null, der: { not: null } },
    select: { serialHex: true },
  });
  return revokeCertificates(deps, { serials: rows.map(({ serialHex }) => serialHex), reason: input.reason, by: input.by });
}

/** Rows from before the digest was kept: the key is looked for in the certificate itself. Reads them all, which an emergency may. */
async function findWithoutDigest({ db }: CertificateDeps, spki: Uint8Array): Promise<string[]> {
  const rows = await db.$queryRaw<{ serialHex: string; der: Uint8Array }[]>`
    SELECT serial_hex AS "serialHex", der FROM issued_certificate
    WHERE key_digest IS NULL AND revoked_at IS NULL AND der IS NOT NULL AND position(${Uint8Array.from(spki)}::bytea IN der) > 0`;
  return rows
    .filter(({ der }) => Buffer.compare(parseCertificate(Uint8Array.from(der)).spki, spki) === 0)
    .map(({ serialHex }) => serialHex);
}
