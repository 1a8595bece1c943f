/** Writing a request down: once for each number the requester gave it, within the limits, for a key nobody else has. */
import { requestApproval } from '#access/request-approval.ts';
import type { Staff } from '#access/staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { digest } from '#crypto/suite.ts';
import type { Csr } from '#pki/csr.ts';
import { PROFILES, type ProfileName } from '#pki/profiles.ts';
import { faultyField, Problem } from '#problem.ts';
import { isUniqueViolation, Prisma, type Transaction } from '#storage/database.ts';
import type { Acting } from './acting.ts';
import type { AuthoritySuite } from './certificate-deps.ts';
import { createDomainProofs } from './domain-proofs.ts';
import {
  APPROVAL_KIND,
  digestOfRequest,
  type EnrolDeps,
  type Holder,
  holderOf,
  type RequestedCertificate,
  type RequestRow,
  requestSubject,
} from './enrolment.ts';
import { holderColumns, holderKey, lifeDaysOf, lockHolder, REQUEST_LIFE_DAYS, requireWithinLimits } from './enrolment-limits.ts';
import type { CertificateSubject } from './issue-certificate.ts';

const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;
const DAY_MS = 86_400_000;

export interface Submission {
  requestId: string;
  /** Actor. */
  by: string;
  holder: Holder;
  profile: ProfileName;
  csr: Csr;
  subject?: CertificateSubject;
  renewsSerial?: string;
  /** For web servers: host names, whose control is to be proven before anything is issued. */
  dnsNames?: readonly string[];
  /** For legal representatives and agents; `subject` is then that of the organisation. */
  acting?: Acting;
  /** The member of staff who asks: the first of two persons. */
  staff?: Staff;
  /** Set when no second person is needed, with who answers for that. */
  approvedBy?: string;
  /** What belongs to a new request and is kept only together with it. */
  alongside?: (tx: Transaction) => Promise<void>;
}

/**
 * The row, new or found again under the same number. Throws Problem `invalid-input` /requestId, `csr-not-acceptable` (suite),
 * `request-id-taken`, `certificate-key-in-use`, `certificate-limit`, `too-many-requests`, `certificate-not-renewable`.
 */
export async function submitRequest(deps: EnrolDeps, input: Submission): Promise<RequestRow> {
  if (!REQUEST_ID.test(input.requestId)) {
    throw faultyField('/requestId', '8 to 64 of A–Z a–z 0–9 _ - are needed.', '应为8至64位字母、数字、下划线或连字符。');
  }
  const requested = requestedOf(input);
  try {
    return await deps.db.$transaction((tx) => write(tx, deps, input, requested));
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const known = await findKnown(deps.db, input);
    // The other thing that is unique is the certificate that is renewed.
    if (!known) throw new Problem('certificate-not-renewable', { cause: error });
    return sameRequest(known, requested);
  }
}

async function findKnown(db: Transaction, { by, requestId }: Submission): Promise<RequestRow | null> {
  return db.certificateRequest.findUnique({ where: { requestedBy_requestId: { requestedBy: by, requestId } } });
}

function requestedOf({ csr, holder, profile, subject, renewsSerial, acting, dnsNames }: Submission): RequestedCertificate {
  return {
    holder,
    profile,
    suite: requireSuite(csr, profile),
    keyDigest: Buffer.from(digest('sha256', csr.spki)).toString('hex'),
    days: Math.min(lifeDaysOf(profile), PROFILES[profile].maxDays),
    ...(subject ? { subject } : {}),
    ...(renewsSerial ? { renewsSerial } : {}),
    ...(acting ? { acting } : {}),
    ...(dnsNames ? { dnsNames } : {}),
  };
}

function requireSuite({ suite }: Csr, profile: ProfileName): AuthoritySuite {
  if ((suite === 'es256' || suite === 'sm2-sm3') && PROFILES[profile].suites.includes(suite)) return suite;
  const taken = PROFILES[profile].suites.map((name) => (name === 'sm2-sm3' ? 'SM2' : 'P-256')).join(', ');
  throw new Problem('csr-not-acceptable', {
    detail: `Certificates of this kind are issued for keys of ${taken} only, not for ${suite === 'rs256' ? 'RSA' : suite}.`,
    detailZh: `此类证书仅签发给 ${taken} 密钥，不接受${suite === 'rs256' ? ' RSA 密钥' : '该类密钥'}。`,
  });
}

function sameRequest(row: RequestRow, requested: RequestedCertificate): RequestRow {
  // The days follow from the profile, and that may have changed since.
  if (Buffer.from(row.digest).equals(digestOfRequest({ ...requested, days: row.days }))) return row;
  throw new Problem('request-id-taken');
}

async function write(tx: Transaction, deps: EnrolDeps, input: Submission, requested: RequestedCertificate): Promise<RequestRow> {
  const at = deps.clock.now();
  const { holder, profile } = requested;
  await lockKey(tx, requested.keyDigest);
  await lockHolder(tx, holder);
  const known = await findKnown(tx, input);
  if (known) return sameRequest(known, requested);
  await input.alongside?.(tx);
  await requireUnusedKey(tx, requested);
  await requireWithinLimits(tx, { holder, profile, renewal: requested.renewsSerial !== undefined, at });
  const row = await tx.certificateRequest.create({
    data: {
      requestId: input.requestId,
      requestedBy: input.by,
      status: input.approvedBy ? 'approved' : 'requested',
      profile,
      suite: requested.suite,
      ...holderColumns(holder),
      actsForId: requested.acting?.organisationId ?? null,
      mandateId: requested.acting?.mandateId ?? null,
      csr: Uint8Array.from(input.csr.der),
      digest: digestOfRequest(requested),
      keyDigest: Uint8Array.from(Buffer.from(requested.keyDigest, 'hex')),
      subject: requested.subject ? { ...requested.subject } : Prisma.DbNull,
      days: requested.days,
      renewsSerial: requested.renewsSerial ?? null,
      dnsNames: [...(requested.dnsNames ?? [])],
      requestedAt: at,
      expiresAt: new Date(at.getTime() + REQUEST_LIFE_DAYS * DAY_MS),
      ...(input.approvedBy ? { decidedBy: input.approvedBy, decidedAt: at } : {}),
    },
  });
  if (requested.dnsNames) await createDomainProofs(tx, row.id, requested.dnsNames);
  const hex = Buffer.from(row.digest).toString('hex');
  await recordEvent(tx, {
    kind: 'certificate-requested',
    actor: input.by,
    subject: requestSubject(row.id),
    at,
    detail: { holder: holderKey(holder), profile, suite: requested.suite, digest: hex },
  });
  if (!input.staff || input.approvedBy) return row;
  return tx.certificateRequest.update({ where: { id: row.id }, data: { approvalId: await askForSecond(tx, deps, row, input.staff) } });
}

/** The member of staff stands behind the request; a second person decides. Returns the approval's id. */
export async function askForSecond(tx: Transaction, deps: EnrolDeps, row: RequestRow, by: Staff): Promise<string> {
  const left = Math.max(1, Math.floor((row.expiresAt.getTime() - deps.clock.now().getTime()) / 1000));
  const payload = { digest: Buffer.from(row.digest).toString('hex') };
  const approval = await requestApproval(
    deps,
    { kind: APPROVAL_KIND, subject: requestSubject(row.id), payload, by, expiresInSeconds: left },
    tx,
  );
  return approval.id;
}

async function lockKey(tx: Transaction, keyDigest: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`enrol-key:${keyDigest}`}, 0))`;
}

/** One key, one holder; and one certificate, unless the next one renews it. */
async function requireUnusedKey(tx: Transaction, { keyDigest, holder, renewsSerial }: RequestedCertificate): Promise<void> {
  const others = await tx.certificateRequest.findMany({
    where: { keyDigest: Uint8Array.from(Buffer.from(keyDigest, 'hex')), status: { in: ['requested', 'approved', 'issued'] } },
  });
  const fine = others.every(
    (row) => renewsSerial !== undefined && row.status === 'issued' && holderKey(holderOf(row)) === holderKey(holder),
  );
  if (!fine) throw new Problem('certificate-key-in-use');
}
