/** From a stored row to a certificate: the one place where a CA key signs a TBSCertificate. */
import type { Suite } from '#crypto/suite.ts';
import { assembleCertificate } from '#pki/build-certificate.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { lintTbs } from '#pki/lint.ts';
import { Problem } from '#problem.ts';
import { Prisma, queryDirectly } from '#storage/database.ts';
import type { CertificateDeps } from './certificate-deps.ts';

/** Throws Problem `certificate-refused` when the lint finds a fault. Called before anything is stored. */
export function requireCleanTbs(tbs: Uint8Array, suite: Suite, issuer?: Certificate): void {
  const { faults } = lintTbs(tbs, suite, issuer);
  if (faults.length > 0) {
    throw new Problem('certificate-refused', { errors: faults.map((detail) => ({ pointer: '', detail })) });
  }
}

type Signing = Pick<CertificateDeps, 'db' | 'keys'>;

interface UnsignedRow {
  serialHex: string;
  issuerKey: string;
  suite: string;
  tbs: Uint8Array;
}

/**
 * Signs what the row holds, unless that was done already, and returns the certificate. May be called again after a crash or
 * by two processes at once: the first signature that reaches the row is the one that counts.
 */
export async function completeCertificate(deps: Signing, serialHex: string): Promise<Certificate> {
  const row = await deps.db.issuedCertificate.findUniqueOrThrow({ where: { serialHex } });
  if (row.der) return parseCertificate(row.der);
  const [certificate] = await signCertificates(deps, [row]);
  return certificate as Certificate;
}

/** Signs rows that were just stored, and stores all of the certificates in one statement. They come back in the same order. */
export async function signCertificates({ db, keys }: Signing, rows: readonly UnsignedRow[]): Promise<Certificate[]> {
  const signed = await Promise.all(
    rows.map(async ({ issuerKey, suite, tbs }) => {
      const signature = await keys.sign(issuerKey, 'certificate', tbs);
      return Uint8Array.from(assembleCertificate(tbs, suite as Suite, signature));
    }),
  );
  const serials = rows.map(({ serialHex }) => serialHex);
  const [[answer], certificates] = await Promise.all([
    queryDirectly<{ stored: number }>(db, Prisma.sql`SELECT store_signed_certificates(${serials}::text[], ${signed}::bytea[]) AS stored`),
    // Read while the database writes.
    Promise.resolve().then(() => signed.map((der) => parseCertificate(der))),
  ]);
  if (answer?.stored === rows.length) return certificates;
  // Somebody else was first with one of them: what is in its row counts.
  const kept = await db.issuedCertificate.findMany({ where: { serialHex: { in: serials } }, select: { serialHex: true, der: true } });
  const bySerial = new Map(kept.map(({ serialHex, der }) => [serialHex, der]));
  return rows.map(({ serialHex }, index) => parseCertificate(bySerial.get(serialHex) ?? signed[index] ?? new Uint8Array()));
}
