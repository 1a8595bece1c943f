/**
 * Requests for certificates: requested → approved or rejected → issued; cancelled or expired where nobody decided. What was asked
 * for is written once with its digest; the state moves by compare-and-set, and `issued` in the very transaction that stores the
 * certificate, so that one request makes one certificate.
 */
import { payloadDigest } from '#access/approval.ts';
import type { PeopleDeps } from '#people/person.ts';
import type { ProfileName } from '#pki/profiles.ts';
import type { Database } from '#storage/database.ts';
import type { AuthoritySuite, CertificateDeps } from './certificate-deps.ts';
import type { CertificateSubject } from './issue-certificate.ts';
import type { PersonNaming } from './name-person.ts';

export type EnrolDeps = CertificateDeps &
  PeopleDeps & {
    /** What certificates say of people; by default the name in clear and no number. */
    personNaming?: PersonNaming;
  };

export type RequestStatus = 'requested' | 'approved' | 'rejected' | 'issued' | 'cancelled' | 'expired';

/** Whose certificate it is. */
export type Holder =
  | { kind: 'person'; personId: string }
  | { kind: 'organisation'; organisationId: string }
  | { kind: 'device'; deviceId: string; organisationId: string };

/** What is asked for; the digest stands for all of it. */
export interface RequestedCertificate {
  holder: Holder;
  profile: ProfileName;
  suite: AuthoritySuite;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  keyDigest: string;
  days: number;
  /** For organisations and devices, as the registers had it; a person's name is read when the certificate is issued. */
  subject?: CertificateSubject;
  renewsSerial?: string;
  /** For web servers. */
  dnsNames?: readonly string[];
  /** For legal representatives and agents. */
  acting?: { organisationId: string; mandateId?: string };
}

export interface CertificateRequestView extends Omit<RequestedCertificate, 'keyDigest'> {
  id: string;
  /** The requester's own number for it. */
  requestId: string;
  status: RequestStatus;
  /** Actor, as the audit names it. */
  requestedBy: string;
  requestedAt: Date;
  expiresAt: Date;
  /** Hex; who decides hands back the one that was shown. */
  digest: string;
  /** SHA-256 of the key, hex. */
  keyFingerprint: string;
  /** One person stands behind it already; the next approval issues it. */
  firstApproval: boolean;
  serialHex?: string;
  reason?: string;
  decidedBy?: string;
  decidedAt?: Date;
}

export type RequestRow = NonNullable<Awaited<ReturnType<Database['certificateRequest']['findUnique']>>>;

export function digestOfRequest(requested: RequestedCertificate): Uint8Array<ArrayBuffer> {
  return payloadDigest({ ...requested });
}

export function holderOf(row: Pick<RequestRow, 'personId' | 'organisationId' | 'deviceId'>): Holder {
  if (row.personId) return { kind: 'person', personId: row.personId };
  const organisationId = row.organisationId ?? '';
  return row.deviceId ? { kind: 'device', deviceId: row.deviceId, organisationId } : { kind: 'organisation', organisationId };
}

/** An undecided request whose time is over counts as expired, whatever its row still says. */
export function statusAt(row: Pick<RequestRow, 'status' | 'expiresAt'>, at: Date): RequestStatus {
  const open = row.status === 'requested' || row.status === 'approved';
  return open && row.expiresAt <= at ? 'expired' : (row.status as RequestStatus);
}

export function requestViewOf(row: RequestRow, at: Date): CertificateRequestView {
  return {
    id: row.id,
    requestId: row.requestId,
    status: statusAt(row, at),
    profile: row.profile as ProfileName,
    suite: row.suite as AuthoritySuite,
    days: row.days,
    holder: holderOf(row),
    requestedBy: row.requestedBy,
    requestedAt: row.requestedAt,
    expiresAt: row.expiresAt,
    digest: Buffer.from(row.digest).toString('hex'),
    keyFingerprint: Buffer.from(row.keyDigest).toString('hex'),
    firstApproval: row.approvalId !== null,
    ...(row.subject ? { subject: row.subject as unknown as CertificateSubject } : {}),
    ...(row.actsForId ? { acting: { organisationId: row.actsForId, ...(row.mandateId ? { mandateId: row.mandateId } : {}) } } : {}),
    ...(row.dnsNames.length > 0 ? { dnsNames: row.dnsNames } : {}),
    ...(row.serialHex ? { serialHex: row.serialHex } : {}),
    ...(row.renewsSerial ? { renewsSerial: row.renewsSerial } : {}),
    ...(row.reason ? { reason: row.reason } : {}),
    ...(row.decidedBy ? { decidedBy: row.decidedBy } : {}),
    ...(row.decidedAt ? { decidedAt: row.decidedAt } : {}),
  };
}

export const requestSubject = (id: string) => `certificate-request:${id}`;
/** The kind under which `access` keeps the second person's decision. */
export const APPROVAL_KIND = 'issue-certificate';
