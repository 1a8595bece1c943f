/**
 * Two-person approval. One asks, another allows, and then the act is done once, with exactly what was allowed: the digest of the
 * payload stands for it from the request to the act.
 */
import { createHash } from 'node:crypto';
import type { Database, Prisma } from '#storage/database.ts';

export type ApprovalStatus = 'pending' | 'approved' | 'rejected' | 'taken' | 'expired';

/**
 * What operators decide, whichever organisation asks: the keys and certificates of the whole installation. All else is decided
 * by an `approver` of the organisation concerned.
 */
const OPERATORS_DECIDE: readonly string[] = ['issue-certificate', 'trust-list', 'recover-key', 'legal-representative'];

export function isDecidedByOperators(kind: string): boolean {
  return OPERATORS_DECIDE.includes(kind);
}

export interface Approval {
  id: string;
  kind: string;
  subject: string;
  payload: Prisma.JsonValue;
  /** Hex SHA-256 of the canonical payload. */
  digest: string;
  organisationId: string;
  /** The person; the position is in `requestedAs`. */
  requestedBy: string;
  requestedAs: string;
  requestedAt: Date;
  expiresAt: Date;
  status: ApprovalStatus;
  decidedBy?: string;
  decidedAs?: string;
  decidedAt?: Date;
  reason?: string;
}

/** JSON with sorted members and without blanks: one value, one text. Undefined members vanish, as in JSON. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

export function payloadDigest(payload: unknown): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update(canonicalJson(payload)).digest());
}

/** A request nobody carried out in time counts as expired from that instant, whatever its row still says. */
export function approvalOf(row: NonNullable<Awaited<ReturnType<Database['approval']['findUnique']>>>, at: Date): Approval {
  const open = row.status === 'pending' || row.status === 'approved';
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    payload: row.payload,
    digest: Buffer.from(row.digest).toString('hex'),
    organisationId: row.organisationId,
    requestedBy: row.requestedBy,
    requestedAs: row.requestedAs,
    requestedAt: row.requestedAt,
    expiresAt: row.expiresAt,
    status: open && row.expiresAt <= at ? 'expired' : (row.status as ApprovalStatus),
    ...(row.decidedBy ? { decidedBy: row.decidedBy } : {}),
    ...(row.decidedAs ? { decidedAs: row.decidedAs } : {}),
    ...(row.decidedAt ? { decidedAt: row.decidedAt } : {}),
    ...(row.reason ? { reason: row.reason } : {}),
  };
}
