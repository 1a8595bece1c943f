/** What holders are told about their certificates: in the portal, and by SMS where it matters. Each notice is written once. */
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import type { EnrolDeps, RequestRow } from './enrolment.ts';

/** Days before the end of a certificate on which its holder hears of it. */
export const EXPIRY_NOTICE_DAYS = [60, 30, 7, 1] as const;

/** The numbered ones may come about again for one certificate. */
export type NoticeKind =
  | 'issued'
  | 'revoked'
  | 'encryption-issued'
  | `key-recovery-${number}`
  | `key-recovered-${number}`
  | `expires-${(typeof EXPIRY_NOTICE_DAYS)[number]}`;

export interface CertificateNotice {
  id: string;
  serialHex: string;
  kind: NoticeKind;
  createdAt: Date;
  readAt?: Date;
}

/** Who reads it: a person their own, staff those of their organisation and its devices. */
export type NoticeReader = { personId: string } | { organisationId: string };

/** Nothing when the notice is there already. */
export async function noteForHolder(
  tx: Transaction,
  input: { row: Pick<RequestRow, 'personId' | 'organisationId' | 'deviceId'>; serialHex: string; kind: NoticeKind; at: Date },
): Promise<boolean> {
  const { row, serialHex, kind, at } = input;
  // A device's certificate comes and goes without anybody waiting for it; only its end is worth a message.
  const silent = row.deviceId !== null && (kind === 'issued' || kind === 'expires-60');
  const { count } = await tx.certificateNotice.createMany({
    data: [
      {
        serialHex,
        kind,
        personId: row.personId,
        organisationId: row.organisationId,
        createdAt: at,
        message: silent ? 'none' : 'pending',
      },
    ],
    skipDuplicates: true,
  });
  return count > 0;
}

/** Newest first. */
export async function listCertificateNotices(
  { db }: Pick<EnrolDeps, 'db'>,
  reader: NoticeReader,
  { limit = 50 }: { limit?: number } = {},
): Promise<CertificateNotice[]> {
  const rows = await db.certificateNotice.findMany({
    where: reader,
    orderBy: { createdAt: 'desc' },
    take: Math.min(Math.max(limit, 1), 200),
  });
  return rows.map(({ id, serialHex, kind, createdAt, readAt }) => ({
    ...{ id, serialHex, kind: kind as NoticeKind, createdAt },
    ...(readAt ? { readAt } : {}),
  }));
}

/** Doing it again changes nothing. Throws Problem `not-found` for a notice that is not the reader's. */
export async function markNoticeRead(
  { db, clock }: Pick<EnrolDeps, 'db' | 'clock'>,
  input: { id: string; reader: NoticeReader },
): Promise<void> {
  const found = isUuid(input.id) ? await db.certificateNotice.findFirst({ where: { id: input.id, ...input.reader } }) : null;
  if (!found) throw new Problem('not-found');
  await db.certificateNotice.updateMany({ where: { id: input.id, readAt: null }, data: { readAt: clock.now() } });
}
