/** Stores what is to be signed, with its audit events, in one statement: all of it, or nothing. */
import { type AuditEventInput, insertOfEvents } from '#audit/record-event.ts';
import { Prisma } from '#storage/database.ts';
import { uuidV7 } from '#storage/uuid-v7.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import type { PreparedCertificate } from './prepare-certificate.ts';

type Row = PreparedCertificate['row'];
/** Stands for no partition in an array of numbers. */
const NONE = -1;

/**
 * False, with nothing stored, when an authority has stopped issuing meanwhile, or a key has a certificate of another profile or was
 * reported compromised. The statement looks itself, so that nothing can change between the look and the storing.
 *
 * Its commit does not wait for the disk: the one that stores the signed certificate does, and nobody is given a certificate before
 * that. If the machine fails between the two, neither the row nor the certificate ever was; the signer's own log tells of the signature.
 */
export async function storeCertificates(
  { db }: Pick<CertificateDeps, 'db'>,
  { rows, events }: { rows: readonly Row[]; events: readonly AuditEventInput[] },
): Promise<boolean> {
  const column = <T>(of: (row: Row) => T) => rows.map(of);
  const [answer] = await db.$queryRaw<{ stored: number }[]>`
    WITH fresh AS (
      SELECT * FROM unnest(${column(() => uuidV7())}::uuid[], ${column(({ serialHex }) => serialHex)}::text[],
        ${column(({ issuerKey }) => issuerKey)}::text[], ${column(({ profile }) => profile)}::text[], ${column(({ suite }) => suite)}::text[],
        ${column(({ subject }) => subject)}::text[], ${column(({ notBefore }) => notBefore)}::timestamptz[],
        ${column(({ notAfter }) => notAfter)}::timestamptz[], ${column(({ keyDigest }) => keyDigest)}::bytea[],
        ${column(({ tbs }) => tbs)}::bytea[], ${column(({ issuedAt }) => issuedAt)}::timestamptz[],
        ${column(({ issuedBy }) => issuedBy)}::text[], ${column(({ crlPartition }) => crlPartition ?? NONE)}::int[])
        AS f(id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, key_digest, tbs, issued_at, issued_by, crl_partition)
    ), refused AS (
      SELECT 1 FROM fresh f
      WHERE NOT EXISTS (
          SELECT 1 FROM certificate_authority a WHERE a.key_name = f.issuer_key AND (a.state = 'current' OR f.profile = 'ocsp'))
        OR EXISTS (
          SELECT 1 FROM issued_certificate c
          WHERE c.key_digest = f.key_digest
            AND (c.profile <> f.profile OR c.revocation_reason IN ('key-compromise', 'ca-compromise')))
    ), stored AS (
      INSERT INTO issued_certificate
        (id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, key_digest, tbs, issued_at, issued_by, crl_partition)
      SELECT id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, key_digest, tbs, issued_at, issued_by,
        nullif(crl_partition, ${NONE}::int)
      FROM fresh WHERE NOT EXISTS (SELECT 1 FROM refused)
      RETURNING serial_hex
    ), noted AS (${insertOfEvents(events, Prisma.sql`EXISTS (SELECT 1 FROM stored)`)})
    SELECT count(*)::int AS stored, set_config('synchronous_commit', 'off', true) AS waiting FROM stored`;
  return answer?.stored === rows.length;
}
