import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { isUniqueViolation, type Prisma, type Transaction } from '#storage/database.ts';
import { type Approval, approvalOf, payloadDigest } from './approval.ts';
import { type AccessDeps, type Staff, staffActor } from './staff.ts';

const DEFAULT_LIFE_SECONDS = 7 * 86_400;

export interface ApprovalRequest {
  /** What is to be done: `make-seal` … */
  kind: string;
  /** On what: `seal:<id>` … */
  subject: string;
  payload: Prisma.InputJsonObject;
  by: Staff;
  /** Whose approver decides; the applicant's own organisation by default. */
  organisationId?: string;
  expiresInSeconds?: number;
}

/**
 * Asks for a second person. Inside `tx`, when given, so that what is asked for and the request are written together.
 * Throws Problem `approval-pending` when one for this kind and subject is waiting.
 */
export async function requestApproval({ db, clock }: AccessDeps, input: ApprovalRequest, tx?: Transaction): Promise<Approval> {
  const at = clock.now();
  const write = async (inside: Transaction) => {
    await inside.approval.updateMany({
      where: { kind: input.kind, subject: input.subject, status: 'pending', expiresAt: { lte: at } },
      data: { status: 'expired' },
    });
    const row = await inside.approval.create({
      data: {
        kind: input.kind,
        subject: input.subject,
        payload: input.payload,
        digest: payloadDigest(input.payload),
        organisationId: input.organisationId ?? input.by.organisationId,
        requestedBy: input.by.personId,
        requestedAs: input.by.id,
        requestedAt: at,
        expiresAt: new Date(at.getTime() + (input.expiresInSeconds ?? DEFAULT_LIFE_SECONDS) * 1000),
        status: 'pending',
      },
    });
    await recordEvent(inside, {
      kind: 'approval-requested',
      actor: staffActor(input.by),
      subject: input.subject,
      at,
      detail: { approval: row.id, kind: input.kind, digest: Buffer.from(row.digest).toString('hex') },
    });
    return approvalOf(row, at);
  };
  try {
    return await (tx ? write(tx) : db.$transaction(write));
  } catch (error) {
    throw isUniqueViolation(error) ? new Problem('approval-pending', { cause: error }) : error;
  }
}
