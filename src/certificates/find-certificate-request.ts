import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import {
  type CertificateRequestView,
  type EnrolDeps,
  type Holder,
  type RequestRow,
  type RequestStatus,
  requestViewOf,
} from './enrolment.ts';
import { holderColumns } from './enrolment-limits.ts';
import { findIssued, type IssuedToHolder } from './issue-requested.ts';

type Reading = Pick<EnrolDeps, 'db' | 'clock'>;

/** Throws Problem `certificate-request-not-found`. */
export async function requireRequestRow({ db }: Pick<EnrolDeps, 'db'>, id: string): Promise<RequestRow> {
  const row = isUuid(id) ? await db.certificateRequest.findUnique({ where: { id } }) : null;
  if (!row) throw new Problem('certificate-request-not-found');
  return row;
}

/** Throws Problem `certificate-request-not-found`. */
export async function requireCertificateRequest(deps: Reading, id: string): Promise<CertificateRequestView> {
  return requestViewOf(await requireRequestRow(deps, id), deps.clock.now());
}

/** The certificate of a request that was issued, with its chain; undefined before that. Throws `certificate-request-not-found`. */
export async function fetchIssued(deps: Pick<EnrolDeps, 'db' | 'keys'>, id: string): Promise<IssuedToHolder | undefined> {
  const { serialHex } = await requireRequestRow(deps, id);
  return serialHex ? findIssued(deps, serialHex) : undefined;
}

export interface RequestFilter {
  status?: RequestStatus | undefined;
  holder?: Holder | undefined;
  cursor?: string | undefined;
  /** Up to 200; default 50. */
  limit?: number | undefined;
}

/** Newest first, a page at a time. `requested` and `approved` leave out what has expired. */
export async function listCertificateRequests(
  { db, clock }: Reading,
  { status, holder, cursor, limit = 50 }: RequestFilter = {},
): Promise<{ items: CertificateRequestView[]; nextCursor?: string }> {
  const at = clock.now();
  const size = Math.min(Math.max(limit, 1), 200);
  const open = { status: { in: ['requested', 'approved'] }, expiresAt: { lte: at } };
  const rows = await db.certificateRequest.findMany({
    where: {
      ...(holder ? holderColumns(holder) : {}),
      ...(status === 'expired' ? { OR: [{ status }, open] } : status ? { status, NOT: open } : {}),
      ...(cursor && isUuid(cursor) ? { id: { lt: cursor } } : {}),
    },
    orderBy: { id: 'desc' },
    take: size,
  });
  const last = rows.at(-1);
  return { items: rows.map((row) => requestViewOf(row, at)), ...(rows.length === size && last ? { nextCursor: last.id } : {}) };
}
