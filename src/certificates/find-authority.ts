import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import type { CertificateDeps } from './certificate-deps.ts';

/** Certificate of an authority (`ca-root-sm2` …), if it was made. */
export async function findAuthority(deps: Pick<CertificateDeps, 'db'>, keyName: string): Promise<Certificate | undefined> {
  const row = await deps.db.issuedCertificate.findUnique({ where: { authorityKey: keyName }, select: { der: true } });
  return row?.der ? parseCertificate(row.der) : undefined;
}
