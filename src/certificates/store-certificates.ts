/** Stores what is to be signed, with its audit events, in one statement: all of it, or nothing. */
import { type AuditEventInput, insertOfEvents } from '#audit/record-event.ts';
import { Prisma, queryDirectly } from '#storage/database.ts';
import { uuidV7 } from '#storage/uuid-v7.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import type { PreparedCertificate } from './prepare-certificate.ts';

type Row = PreparedCertificate['row'];

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
  const [answer] = await queryDirectly<{ stored: number }>(
    db,
    Prisma.sql`
    WITH done AS MATERIALIZED (
      SELECT store_certificates(${column(() => uuidV7())}::uuid[], ${column(({ serialHex }) => serialHex)}::text[],
        ${column(({ issuerKey }) => issuerKey)}::text[], ${column(({ profile }) => profile)}::text[], ${column(({ suite }) => suite)}::text[],
        ${column(({ subject }) => subject)}::text[], ${column(({ notBefore }) => notBefore)}::timestamptz[],
        ${column(({ notAfter }) => notAfter)}::timestamptz[], ${column(({ keyDigest }) => keyDigest)}::bytea[],
        ${column(({ tbs }) => tbs)}::bytea[], ${column(({ issuedAt }) => issuedAt)}::timestamptz[],
        ${column(({ issuedBy }) => issuedBy)}::text[], ${column(({ crlPartition }) => crlPartition)}::int[]) AS stored
    ), noted AS (${insertOfEvents(events, Prisma.sql`(SELECT stored FROM done) > 0`)})
    SELECT stored FROM done`,
  );
  return answer?.stored === rows.length;
}
