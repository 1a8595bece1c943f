/**
 * Getting an archived encryption key back: one operator asks and says on what grounds, another allows it, and then it leaves once,
 * which is `hand-over-key.ts`. No operator can read it.
 */
import type { Approval, ApprovalStatus } from '#access/approval.ts';
import { decideApproval } from '#access/decide-approval.ts';
import { findApproval, listApprovals } from '#access/find-approvals.ts';
import { requestApproval } from '#access/request-approval.ts';
import { requireRole } from '#access/require-role.ts';
import type { Staff } from '#access/staff.ts';
import { digest, importPublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { noteForHolder } from './certificate-notices.ts';
import type { ArchiveDeps } from './issue-pair.ts';

/** What access calls it; operators decide it, see `isDecidedByOperators`. */
export const RECOVERY_KIND = 'recover-key';
const APPROVAL_SECONDS = 3 * 86_400;
const MIN_REASON = 10;

/** The holder asks; or a court or an authority whom the law lets ask. */
export const RECOVERY_GROUNDS = ['holder', 'court', 'authority'] as const;
export type RecoveryGrounds = (typeof RECOVERY_GROUNDS)[number];

export interface RecoveryRequest {
  /** Of the encryption certificate. */
  serialHex: string;
  /** Default `holder`. */
  grounds?: RecoveryGrounds;
  /** Number of the order; needed when it is not the holder who asks. */
  order?: string;
  /**
   * Signing key of who receives it, of the same suite: the holder's new one, or that of whom the order names. Without one the holder
   * takes the key at their own page.
   */
  recipientSpki?: Uint8Array;
  /** For the record; no personal data. */
  reason: string;
  by: Staff;
}

export interface KeyRecovery {
  id: string;
  serialHex: string;
  grounds: RecoveryGrounds;
  order?: string;
  reason: string;
  /** `holder`: taken by them at their page. */
  delivery: 'holder' | 'envelope';
  /** SHA-256 of the recipient's SubjectPublicKeyInfo, hex. */
  recipient?: string;
  /** Hex; the second operator hands it back when deciding. */
  digest: string;
  /** `taken`: handed over. */
  status: ApprovalStatus;
  /** Staff ids. */
  requestedAs: string;
  decidedAs?: string;
  requestedAt: Date;
  decidedAt?: Date;
  expiresAt: Date;
  /** Why it was refused. */
  refusal?: string;
}

interface Payload {
  serialHex: string;
  grounds: RecoveryGrounds;
  order: string | null;
  reason: string;
  /** base64. */
  recipientSpki: string | null;
}

/** Throws Problem `not-allowed` (no operator), `certificate-key-not-archived`, `invalid-input`, `approval-pending`. */
export async function requestKeyRecovery(deps: ArchiveDeps, input: RecoveryRequest): Promise<KeyRecovery> {
  const by = await requireOperator(deps, input.by);
  const archived = await deps.db.archivedKey.findUnique({ where: { serialHex: input.serialHex } });
  if (!archived) throw new Problem('certificate-key-not-archived');
  const { grounds = 'holder', recipientSpki } = input;
  const order = input.order?.trim() || null;
  const reason = input.reason.trim();
  if (grounds !== 'holder' && !order) throw faultyField('/order', 'Give the number of the order.', '请填写法律文书或公函编号。');
  if (reason.length < MIN_REASON) throw faultyField('/reason', 'Say in a sentence why.', '请说明恢复原因（不少于10个字符）。');
  if (recipientSpki) requireRecipient(recipientSpki, archived.suite);
  else await requireHolderCanTake(deps, { grounds, ...archived });
  const payload: Payload = {
    ...{ serialHex: input.serialHex, grounds, order, reason },
    recipientSpki: recipientSpki ? Buffer.from(recipientSpki).toString('base64') : null,
  };
  const subject = `certificate:${input.serialHex}`;
  const approval = await requestApproval(deps, {
    ...{ kind: RECOVERY_KIND, subject, payload: { ...payload }, by, expiresInSeconds: APPROVAL_SECONDS },
  });
  return recoveryOf(approval);
}

/** A second operator decides; an approval is told to the holder. Throws Problem `key-recovery-not-found` and those of `decideApproval`. */
export async function decideKeyRecovery(
  deps: ArchiveDeps,
  input: { id: string; by: Staff; decision: 'approve' | 'reject'; digest: string; reason?: string },
): Promise<KeyRecovery> {
  const by = await requireOperator(deps, input.by);
  const { serialHex } = await requireKeyRecovery(deps, input.id);
  if (input.decision === 'reject' && (input.reason?.trim().length ?? 0) < 2)
    throw faultyField('/reason', 'A reason is needed.', '请填写驳回理由。');
  return deps.db.$transaction(async (tx) => {
    const approval = await decideApproval(deps, { ...input, by }, tx);
    if (input.decision === 'approve') await tellHolder(tx, serialHex, 'key-recovery', deps.clock.now());
    return recoveryOf(approval);
  });
}

/** Newest first. */
export async function listKeyRecoveries(
  deps: Pick<ArchiveDeps, 'db' | 'clock'>,
  filter: { serialHex?: string; limit?: number } = {},
): Promise<KeyRecovery[]> {
  const { serialHex, limit = 100 } = filter;
  const approvals = await listApprovals(deps, {
    ...{ kind: RECOVERY_KIND, limit },
    ...(serialHex ? { subject: `certificate:${serialHex}` } : {}),
  });
  return approvals.map(recoveryOf);
}

/** Throws Problem `key-recovery-not-found`. */
export async function requireKeyRecovery(deps: Pick<ArchiveDeps, 'db' | 'clock'>, id: string): Promise<KeyRecovery> {
  const approval = await findApproval(deps, id);
  if (approval?.kind !== RECOVERY_KIND) throw new Problem('key-recovery-not-found');
  return recoveryOf(approval);
}

/** In the transaction of what is told. The holder hears of each recovery, whoever asked for it. */
export async function tellHolder(tx: Transaction, serialHex: string, kind: 'key-recovery' | 'key-recovered', at: Date): Promise<void> {
  const { signingSerial } = await tx.archivedKey.findUniqueOrThrow({ where: { serialHex } });
  const row = await tx.certificateRequest.findUnique({ where: { serialHex: signingSerial } });
  if (!row) return;
  const before = await tx.certificateNotice.count({ where: { serialHex: signingSerial, kind: { startsWith: `${kind}-` } } });
  await noteForHolder(tx, { row, serialHex: signingSerial, kind: `${kind}-${before + 1}`, at });
}

/** Asked anew at the act: a role taken away since the page was opened no longer counts. */
export function requireOperator(deps: ArchiveDeps, { personId, organisationId }: Staff): Promise<Staff> {
  return requireRole(deps, { personId, organisationId, role: 'operator' });
}

async function requireHolderCanTake(
  { db }: ArchiveDeps,
  { grounds, suite, signingSerial }: { grounds: RecoveryGrounds; suite: string; signingSerial: string },
): Promise<void> {
  const missing = (en: string, zh: string) => faultyField('/recipient', en, zh);
  if (grounds !== 'holder') throw missing('An order names who receives the key: give their public key.', '请提供文书指定接收方的公钥。');
  if (suite !== 'es256') {
    throw missing(
      'An SM2 key is handed over in an envelope: give the holder’s new public key.',
      'SM2 密钥以信封交付，请提供持有人的新公钥。',
    );
  }
  const held = await db.certificateRequest.findUnique({ where: { serialHex: signingSerial }, select: { id: true } });
  if (!held) throw missing('This holder has no page here: give their public key.', '该持有人在本平台没有页面，请提供其公钥。');
}

function requireRecipient(spki: Uint8Array, suite: string): void {
  try {
    if (importPublicKey(spki).suite === suite) return;
  } catch (error) {
    if (!(error instanceof UnsupportedKeyError)) throw error;
  }
  throw faultyField('/recipient', 'The recipient’s key is of another suite than the archived key.', '接收方公钥算法与归档密钥不一致。');
}

export const payloadOf = ({ payload }: Approval) => payload as unknown as Payload;
export const fingerprintOf = (spki: string) => Buffer.from(digest('sha256', Buffer.from(spki, 'base64'))).toString('hex');

function recoveryOf(approval: Approval): KeyRecovery {
  const { serialHex, grounds, order, reason, recipientSpki } = payloadOf(approval);
  const { id, status, requestedAs, decidedAs, requestedAt, decidedAt, expiresAt } = approval;
  return {
    ...{ id, serialHex, grounds: grounds ?? 'holder', reason, digest: approval.digest, status, requestedAs, requestedAt, expiresAt },
    delivery: recipientSpki ? 'envelope' : 'holder',
    ...(recipientSpki ? { recipient: fingerprintOf(recipientSpki) } : {}),
    ...(order ? { order } : {}),
    ...(decidedAs ? { decidedAs } : {}),
    ...(decidedAt ? { decidedAt } : {}),
    ...(approval.reason ? { refusal: approval.reason } : {}),
  };
}
