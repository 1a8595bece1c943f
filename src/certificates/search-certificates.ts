/** Finding certificates of ours as operators look for them: by number, by the beginning of the name, by kind and state, by their end. */
import { isUuid } from '#people/is-uuid.ts';
import type { CertificateDeps } from './certificate-deps.ts';

type Reading = Pick<CertificateDeps, 'db' | 'clock'>;

export const SEARCHED_STATES = ['good', 'held', 'revoked', 'expired'] as const;
export type SearchedState = (typeof SEARCHED_STATES)[number];

export interface CertificateSearch {
  /** Serial number in hex, or its first four digits and more; else the beginning of the common name. */
  text?: string | undefined;
  profile?: string | undefined;
  state?: SearchedState | undefined;
  cursor?: string | undefined;
  /** Up to 200; default 50. */
  limit?: number | undefined;
}

export interface FoundCertificate {
  id: string;
  serialHex: string;
  profile: string;
  suite: string;
  subject: string;
  notBefore: Date;
  notAfter: Date;
  status: 'good' | 'revoked' | 'expired' | 'not-yet-valid';
  /** Of the revocation. */
  reason: string | null;
}

export interface FoundPage {
  items: FoundCertificate[];
  nextCursor?: string;
}

const SHOWN = {
  id: true,
  serialHex: true,
  profile: true,
  suite: true,
  subject: true,
  notBefore: true,
  notAfter: true,
  revokedAt: true,
  revocationReason: true,
} as const;
const SERIAL_START = /^[0-9a-f]{4,40}$/;
const DAY_MS = 86_400_000;

/** Newest first. Colons and blanks in a serial number are as other programs print it. */
export async function searchCertificates({ db, clock }: Reading, search: CertificateSearch): Promise<FoundPage> {
  const at = clock.now();
  const limit = sizeOf(search.limit);
  const text = search.text?.trim() ?? '';
  const serial = text.replace(/[\s:]/g, '').toLowerCase();
  const rows = await db.issuedCertificate.findMany({
    where: {
      der: { not: null },
      ...(text === '' ? {} : SERIAL_START.test(serial) ? { serialHex: { startsWith: serial } } : { subject: { startsWith: text } }),
      ...(search.profile ? { profile: search.profile } : {}),
      ...stateWhere(search.state, at),
      ...(search.cursor && isUuid(search.cursor) ? { id: { lt: search.cursor } } : {}),
    },
    select: SHOWN,
    orderBy: { id: 'desc' },
    take: limit,
  });
  const last = rows.at(-1);
  return { items: rows.map((row) => found(row, at)), ...(rows.length === limit && last ? { nextCursor: last.id } : {}) };
}

/** Good ones that end within so many days, the next to end first. */
export async function listEndingCertificates(
  { db, clock }: Reading,
  { days, cursor, limit }: { days: number; cursor?: string | undefined; limit?: number | undefined },
): Promise<FoundPage> {
  const at = clock.now();
  const size = sizeOf(limit);
  const after = placeOf(cursor);
  const rows = await db.issuedCertificate.findMany({
    where: {
      der: { not: null },
      revokedAt: null,
      notAfter: { gte: at, lte: new Date(at.getTime() + days * DAY_MS) },
      ...(after ? { OR: [{ notAfter: { gt: after.notAfter } }, { notAfter: after.notAfter, id: { gt: after.id } }] } : {}),
    },
    select: SHOWN,
    orderBy: [{ notAfter: 'asc' }, { id: 'asc' }],
    take: size,
  });
  const last = rows.at(-1);
  const more = rows.length === size && last;
  return { items: rows.map((row) => found(row, at)), ...(more ? { nextCursor: `${last.notAfter.getTime()}_${last.id}` } : {}) };
}

function placeOf(cursor: string | undefined): { notAfter: Date; id: string } | undefined {
  const [milliseconds = '', id = ''] = cursor?.split('_') ?? [];
  return /^\d{1,15}$/.test(milliseconds) && isUuid(id) ? { notAfter: new Date(Number(milliseconds)), id } : undefined;
}

function sizeOf(limit = 50): number {
  return Math.min(Math.max(limit, 1), 200);
}

function stateWhere(state: SearchedState | undefined, at: Date) {
  if (state === 'good') return { revokedAt: null, notAfter: { gt: at } };
  if (state === 'expired') return { revokedAt: null, notAfter: { lte: at } };
  if (state === 'held') return { revokedAt: { not: null }, revocationReason: 'certificate-hold' };
  if (state === 'revoked') return { revokedAt: { not: null }, NOT: { revocationReason: 'certificate-hold' } };
  return {};
}

type Row = Omit<FoundCertificate, 'status' | 'reason'> & { revokedAt: Date | null; revocationReason: string | null };

function found({ revokedAt, revocationReason, ...row }: Row, at: Date): FoundCertificate {
  const status = revokedAt ? 'revoked' : at > row.notAfter ? 'expired' : at < row.notBefore ? 'not-yet-valid' : 'good';
  return { ...row, status, reason: revokedAt ? revocationReason : null };
}
