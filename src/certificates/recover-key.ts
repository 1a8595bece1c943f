/**
 * Getting an archived encryption key back: one operator asks and says why, another allows it, and it leaves only in an envelope for
 * the key that both of them saw. There is no way to read it here.
 */
import { requestApproval } from '#access/request-approval.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import { takeApproved } from '#access/take-approved.ts';
import { recordEvent } from '#audit/record-event.ts';
import { digest, importPrivateKey, importPublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import { faultyField, Problem } from '#problem.ts';
import { type ArchiveDeps, archivePlace, type KeyEnvelope, sealKeyFor } from './issue-pair.ts';

/** What access calls it; operators decide it, see `isDecidedByOperators`. */
export const RECOVERY_KIND = 'recover-key';
const APPROVAL_SECONDS = 3 * 86_400;

export interface RecoveryRequest {
  /** Of the encryption certificate. */
  serialHex: string;
  /** Signing key of who receives it, of the same suite: the holder's new one, or that of whom a court named. */
  recipientSpki: Uint8Array;
  /** For the record; no personal data. */
  reason: string;
  by: Staff;
}

export interface RequestedRecovery {
  approvalId: string;
  /** Hex; the second operator hands it back when deciding. */
  digest: string;
}

/** Throws Problem `not-allowed` (no operator), `certificate-key-not-archived`, `invalid-input`, `approval-pending`. */
export async function requestKeyRecovery(deps: ArchiveDeps, input: RecoveryRequest): Promise<RequestedRecovery> {
  if (!input.by.roles.includes('operator')) throw new Problem('not-allowed');
  const archived = await deps.db.archivedKey.findUnique({ where: { serialHex: input.serialHex } });
  if (!archived) throw new Problem('certificate-key-not-archived');
  requireRecipient(input.recipientSpki, archived.suite);
  if (input.reason.trim().length < 10) throw faultyField('/reason', 'Say in a sentence why.', '请说明恢复原因（不少于10个字符）。');
  const approval = await requestApproval(deps, {
    kind: RECOVERY_KIND,
    subject: `certificate:${input.serialHex}`,
    payload: payloadOf(input),
    by: input.by,
    expiresInSeconds: APPROVAL_SECONDS,
  });
  return { approvalId: approval.id, digest: approval.digest };
}

/**
 * Carries out what a second operator allowed, once. Throws Problem `not-allowed`, `certificate-key-not-archived`,
 * and those of `takeApproved`: not approved, other recipient or reason than approved, expired.
 */
export async function recoverKey(deps: ArchiveDeps, input: RecoveryRequest & { approvalId: string }): Promise<KeyEnvelope> {
  if (!input.by.roles.includes('operator')) throw new Problem('not-allowed');
  const at = deps.clock.now();
  return await deps.db.$transaction(async (tx) => {
    const archived = await tx.archivedKey.findUnique({ where: { serialHex: input.serialHex } });
    if (!archived) throw new Problem('certificate-key-not-archived');
    const { requestedBy, decidedBy } = await takeApproved(tx, {
      id: input.approvalId,
      kind: RECOVERY_KIND,
      subject: `certificate:${input.serialHex}`,
      payload: payloadOf(input),
      by: staffActor(input.by),
      at,
    });
    await tx.archivedKey.update({ where: { serialHex: input.serialHex }, data: { recoveries: { increment: 1 }, lastRecovery: at } });
    await recordEvent(tx, {
      kind: 'key-recovered',
      actor: staffActor(input.by),
      subject: `certificate:${input.serialHex}`,
      detail: { recipient: payloadOf(input).recipient, requestedBy, decidedBy: decidedBy ?? null, approval: input.approvalId },
      at,
    });
    // Sealed again before the transaction ends: when that fails, the approval is not used up.
    const pkcs8 = deps.fields.open(archivePlace(input.serialHex), archived.sealedKey);
    const { suite, publicKey } = importPrivateKey(pkcs8);
    const envelope = sealKeyFor(input.recipientSpki, { suite, pkcs8, spki: publicKey.spki });
    pkcs8.fill(0);
    return envelope;
  });
}

/** The recipient's key is part of what is approved, as SHA-256 of its SubjectPublicKeyInfo: the fingerprint that pages show. */
function payloadOf({ serialHex, recipientSpki, reason }: RecoveryRequest) {
  return { serialHex, recipient: Buffer.from(digest('sha256', recipientSpki)).toString('hex'), reason };
}

function requireRecipient(spki: Uint8Array, suite: string): void {
  try {
    if (importPublicKey(spki).suite === suite) return;
  } catch (error) {
    if (!(error instanceof UnsupportedKeyError)) throw error;
  }
  throw faultyField('/recipient', 'The recipient’s key is of another suite than the archived key.', '接收方公钥算法与归档密钥不一致。');
}
