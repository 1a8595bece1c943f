/** From a stored row to a certificate: the one place where a CA key signs a TBSCertificate. */
import type { Suite } from '#crypto/suite.ts';
import { assembleCertificate } from '#pki/build-certificate.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { lintTbs } from '#pki/lint.ts';
import { Problem } from '#problem.ts';
import type { CertificateDeps } from './certificate-deps.ts';

/** Throws Problem `certificate-refused` when the lint finds a fault. Called before anything is stored. */
export function requireCleanTbs(tbs: Uint8Array, suite: Suite): void {
  const { faults } = lintTbs(tbs, suite);
  if (faults.length > 0) {
    throw new Problem('certificate-refused', { errors: faults.map((detail) => ({ pointer: '', detail })) });
  }
}

/**
 * Signs what the row holds, unless that was done already, and returns the certificate. May be called again after a crash or
 * by two processes at once: the first signature that reaches the row is the one that counts.
 */
export async function completeCertificate(deps: Pick<CertificateDeps, 'db' | 'keys'>, serialHex: string): Promise<Certificate> {
  const row = await deps.db.issuedCertificate.findUniqueOrThrow({ where: { serialHex } });
  if (row.der) return parseCertificate(row.der);
  const suite = row.suite as Suite;
  const signature = await deps.keys.sign(row.issuerKey, 'certificate', row.tbs);
  const der = Uint8Array.from(assembleCertificate(row.tbs, suite, signature));
  const { count } = await deps.db.issuedCertificate.updateMany({ where: { serialHex, der: null }, data: { der } });
  if (count === 1) return parseCertificate(der);
  const signed = await deps.db.issuedCertificate.findUniqueOrThrow({ where: { serialHex } });
  return parseCertificate(signed.der ?? der);
}
