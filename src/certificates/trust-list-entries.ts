/**
 * Who comes into the trust list, and out of it. Taking an authority in takes two operators, and so does taking it back after a
 * suspension; suspending and removing take one, at once. Every change of the list has the next number and an audit event.
 */
import { decideApproval } from '#access/decide-approval.ts';
import { listApprovals } from '#access/find-approvals.ts';
import { requestApproval } from '#access/request-approval.ts';
import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import { takeApproved } from '#access/take-approved.ts';
import { recordEvent } from '#audit/record-event.ts';
import { isUuid } from '#people/is-uuid.ts';
import { toPem } from '#pki/pem.ts';
import { faultyField, Problem } from '#problem.ts';
import { isUniqueViolation, type Transaction } from '#storage/database.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import {
  payloadOf,
  readConstraints,
  readEntryCertificates,
  type TrustEntryView,
  type TrustRow,
  type TrustState,
  trustEntryView,
} from './trust-list-entry.ts';
import { publishTrustList, recordTrustChange } from './trust-list-publish.ts';

export const TRUST_APPROVAL = 'trust-list';
const MAX_NAME = 100;
const MAX_REASON = 200;

export interface TrustProposal {
  by: Staff;
  nameZh: string;
  nameEn: string;
  /** PEM: the anchor first, then certificates that help to build paths. */
  certificates: string;
  constraints: unknown;
  official: boolean;
  /** Default: now. */
  validFrom?: Date;
  /** Default, and at most: the end of the anchor. */
  validUntil?: Date;
}

/** The first operator. Throws Problem `invalid-input`, `not-allowed`, `trust-entry-exists`. */
export async function proposeTrustEntry(deps: CertificateDeps, input: TrustProposal): Promise<TrustEntryView> {
  const by = await requireOperator(deps, input.by);
  const now = deps.clock.now();
  const { anchor, ders } = readEntryCertificates(input.certificates, now);
  // Our own authorities are trusted already, and a limit on one would be a limit on everything.
  const own = await deps.db.issuedCertificate.findUnique({ where: { serialHex: anchor.serialHex }, select: { der: true } });
  if (own?.der && Buffer.compare(own.der, anchor.der) === 0) throw new Problem('trust-entry-exists');
  const constraints = readConstraints(input.constraints, input.official);
  const validFrom = input.validFrom ?? now;
  const validUntil = input.validUntil ?? anchor.notAfter;
  if (validUntil <= validFrom || validUntil <= now || validUntil > anchor.notAfter)
    throw faultyField(
      '/validUntil',
      'Must lie after the beginning and not after the end of the authority.',
      '截止时间须晚于开始时间且不晚于 CA 证书有效期。',
    );
  const data = {
    nameZh: requireName('/nameZh', input.nameZh),
    nameEn: requireName('/nameEn', input.nameEn),
    certificates: ders.map((der) => toPem('CERTIFICATE', der)).join(''),
    fingerprint: anchor.fingerprint,
    constraints,
    official: input.official,
    state: 'proposed',
    validFrom,
    validUntil,
    importedBy: staffActor(by),
    importedAt: now,
    changedAt: now,
  };
  try {
    return await deps.db.$transaction(async (tx) => {
      const row = await tx.trustEntry.create({ data });
      return askForSecond(deps, tx, row, by, 'import');
    });
  } catch (error) {
    throw isUniqueViolation(error) ? new Problem('trust-entry-exists', { cause: error }) : error;
  }
}

export interface TrustDecision {
  /** Of the entry. */
  id: string;
  by: Staff;
  decision: 'approve' | 'reject';
  /** Of what the operator was shown, hex. */
  digest?: string;
  reason?: string;
}

/**
 * The second operator, on an import or on resuming. Throws Problem `trust-entry-not-found`, `trust-entry-state` when nothing waits,
 * `same-person`, `not-allowed`, `approval-changed`, `approval-expired`.
 */
export async function decideTrustEntry(deps: CertificateDeps, input: TrustDecision): Promise<TrustEntryView> {
  const at = deps.clock.now();
  const view = await deps.db.$transaction(async (tx) => {
    const row = await requireRow(tx, input.id);
    if (!row.approvalId || !['proposed', 'suspended'].includes(row.state)) throw new Problem('trust-entry-state');
    const { by, decision, digest, reason } = input;
    await decideApproval(deps, { id: row.approvalId, by, decision, ...(digest ? { digest } : {}), ...(reason ? { reason } : {}) }, tx);
    const isImport = row.state === 'proposed';
    if (decision === 'reject') return change(tx, row, at, { state: isImport ? 'rejected' : row.state, reason: textOf(reason) });
    const payload = payloadOf(row, isImport ? 'import' : 'resume');
    await takeApproved(tx, { id: row.approvalId, kind: TRUST_APPROVAL, subject: subjectOf(row), payload, by: staffActor(by), at });
    if (row.validUntil <= at) throw new Problem('trust-entry-state');
    const approved = isImport ? { approvedBy: staffActor(by), approvedAt: at } : {};
    const changed = await change(tx, row, at, { state: 'active', reason: null, ...approved });
    await recordTrustChange(tx, { kind: isImport ? 'approved' : 'resumed', entryId: row.id, by: staffActor(by), at });
    return changed;
  });
  await publishSoon(deps);
  return view;
}

export interface TrustWithdrawal {
  id: string;
  by: Staff;
  reason: string;
}

/** At once, by one operator. Throws Problem `trust-entry-not-found`, `trust-entry-state`, `not-allowed`, `invalid-input` (reason). */
export async function suspendTrustEntry(deps: CertificateDeps, input: TrustWithdrawal): Promise<TrustEntryView> {
  return withdraw(deps, input, ['active'], 'suspended');
}

/** For good; the same authority may be proposed again. Throws like `suspendTrustEntry`. */
export async function removeTrustEntry(deps: CertificateDeps, input: TrustWithdrawal): Promise<TrustEntryView> {
  return withdraw(deps, input, ['active', 'suspended', 'expired', 'proposed'], 'removed');
}

async function withdraw(
  deps: CertificateDeps,
  input: TrustWithdrawal,
  from: readonly TrustState[],
  state: 'suspended' | 'removed',
): Promise<TrustEntryView> {
  const by = staffActor(await requireOperator(deps, input.by));
  const reason = textOf(input.reason);
  if (!reason || reason.length < 2) throw faultyField('/reason', 'A reason is needed.', '请填写理由。');
  const at = deps.clock.now();
  const view = await deps.db.$transaction(async (tx) => {
    const row = await requireRow(tx, input.id);
    if (!from.includes(row.state as TrustState)) throw new Problem('trust-entry-state');
    const changed = await change(tx, row, at, { state, reason });
    if (row.state !== 'proposed') await recordTrustChange(tx, { kind: state, entryId: row.id, by, at });
    return changed;
  });
  await publishSoon(deps);
  return view;
}

/** Asks for a second operator to take a suspended entry back. Throws Problem `trust-entry-not-found`, `trust-entry-state`, `approval-pending`. */
export async function resumeTrustEntry(deps: CertificateDeps, input: { id: string; by: Staff }): Promise<TrustEntryView> {
  const by = await requireOperator(deps, input.by);
  return deps.db.$transaction(async (tx) => {
    const row = await requireRow(tx, input.id);
    if (row.state !== 'suspended' || row.validUntil <= deps.clock.now()) throw new Problem('trust-entry-state');
    return askForSecond(deps, tx, row, by, 'resume');
  });
}

/** Newest first. */
export async function listTrustEntries(
  deps: Pick<CertificateDeps, 'db' | 'clock'>,
  filter: { state?: TrustState } = {},
): Promise<TrustEntryView[]> {
  const at = deps.clock.now();
  const rows = await deps.db.trustEntry.findMany({ orderBy: { id: 'desc' }, take: 1_000 });
  const waiting = await listApprovals(deps, { status: 'pending', kind: TRUST_APPROVAL, limit: 500 });
  const digests = new Map(waiting.map(({ id, digest }) => [id, digest]));
  const views = rows.map((row) => trustEntryView(row, at, row.approvalId ? digests.get(row.approvalId) : undefined));
  return filter.state ? views.filter(({ state }) => state === filter.state) : views;
}

/** Throws Problem `trust-entry-not-found`. */
export async function requireTrustEntry(deps: Pick<CertificateDeps, 'db' | 'clock'>, id: string): Promise<TrustEntryView> {
  const view = (await listTrustEntries(deps)).find((entry) => entry.id === id);
  if (!view) throw new Problem('trust-entry-not-found');
  return view;
}

async function requireOperator(deps: Pick<CertificateDeps, 'db'>, by: Staff): Promise<Staff> {
  return requireRole(deps, { personId: by.personId, organisationId: by.organisationId, role: 'operator' });
}

async function requireRow(tx: Transaction, id: string): Promise<TrustRow> {
  const row = isUuid(id) ? await tx.trustEntry.findUnique({ where: { id } }) : null;
  if (!row) throw new Problem('trust-entry-not-found');
  return row;
}

async function askForSecond(
  deps: CertificateDeps,
  tx: Transaction,
  row: TrustRow,
  by: Staff,
  action: 'import' | 'resume',
): Promise<TrustEntryView> {
  const request = { kind: TRUST_APPROVAL, subject: subjectOf(row), payload: payloadOf(row, action), by };
  const approval = await requestApproval(deps, request, tx);
  const asked = await tx.trustEntry.update({ where: { id: row.id }, data: { approvalId: approval.id } });
  await recordEvent(tx, {
    kind: action === 'import' ? 'trust-entry-proposed' : 'trust-entry-resumption-proposed',
    actor: staffActor(by),
    subject: subjectOf(row),
    detail: { fingerprint: row.fingerprint, official: row.official },
    at: deps.clock.now(),
  });
  return trustEntryView(asked, deps.clock.now(), approval.digest);
}

/** The guard is in the WHERE clause: of two operators at once one is refused. */
async function change(
  tx: Transaction,
  row: TrustRow,
  at: Date,
  data: { state: string; reason?: string | null; approvedBy?: string; approvedAt?: Date },
): Promise<TrustEntryView> {
  const { count } = await tx.trustEntry.updateMany({
    where: { id: row.id, state: row.state, approvalId: row.approvalId },
    data: { ...data, approvalId: null, changedAt: at },
  });
  if (count === 0) throw new Problem('trust-entry-state');
  return trustEntryView(await tx.trustEntry.findUniqueOrThrow({ where: { id: row.id } }), at);
}

/** The change holds already; while the signer is away the worker publishes it later. */
async function publishSoon(deps: CertificateDeps): Promise<void> {
  await publishTrustList(deps).catch((error: unknown) => (error instanceof Problem ? undefined : Promise.reject(error)));
}

function subjectOf({ id }: Pick<TrustRow, 'id'>): string {
  return `trust-entry:${id}`;
}

function requireName(pointer: string, text: string): string {
  const name = text.trim().normalize('NFC');
  if (name.length < 2 || name.length > MAX_NAME || /\p{Cc}/u.test(name))
    throw faultyField(pointer, `Between 2 and ${MAX_NAME} characters.`, `须为 2 至 ${MAX_NAME} 个字符。`);
  return name;
}

function textOf(reason: string | undefined): string | null {
  return reason?.trim().slice(0, MAX_REASON) || null;
}
