/**
 * A counter that judged a code offline tells us afterwards. The use enters the holder's log; when the code was used before,
 * here or at another counter, it enters as a second use and is flagged to both.
 */
import { recordEvent } from '#audit/record-event.ts';
import { judgeCode } from '#codes/judge-code.ts';
import { readCode } from '#codes/read-code.ts';
import { faultyField } from '#problem.ts';
import { isUniqueViolation } from '#storage/database.ts';
import { type ActingParty, type LicenceDeps, requireActing } from './licence-deps.ts';
import { statusAt } from './licence-status.ts';
import { codeNumberOf, requireLicenceType } from './licence-types.ts';
import { parsePurpose } from './purposes.ts';
import { parseRequestId } from './redeem-code.ts';

export interface OfflineUse {
  digits: string;
  staff: ActingParty;
  purpose: string;
  /** When the counter says it scanned. */
  usedAt: Date;
  requestId: string;
}

export interface OfflineUseReply {
  /** False for what was no fresh code of ours at that time. */
  accepted: boolean;
  secondUse: boolean;
  /** Judged now, as of the time of use; the status is today's. */
  verdict: string;
  lookUpId?: string;
}

/** Reports older than this are refused: nobody can tell any more what they were worth. */
const MAX_REPORT_AGE_MS = 30 * 24 * 60 * 60 * 1000;
const MAX_USES_KEPT = 20;

/** Throws Problem `not-allowed`, `invalid-input`. */
export async function reportOfflineUse(deps: LicenceDeps, input: OfflineUse): Promise<OfflineUseReply> {
  const { db, clock } = deps;
  const acting = await requireActing(deps, input.staff, { role: 'counter' });
  const purpose = parsePurpose(input.purpose);
  const requestId = parseRequestId(input.requestId);
  const at = clock.now();
  const age = at.getTime() - input.usedAt.getTime();
  if (!(age >= -60_000 && age <= MAX_REPORT_AGE_MS)) throw faultyField('/usedAt', 'Within the last 30 days.', '使用时间应在最近30天内。');
  const read = readCode(input.digits);
  if (read.kind !== 'code') return { accepted: false, secondUse: false, verdict: 'malformed' };
  const { code } = read;
  const judged = judgeCode(code, await deps.codes.findCodeKey(code.kid), input.usedAt);
  if (judged.verdict !== 'valid') return { accepted: false, secondUse: false, verdict: judged.verdict };
  const row = await db.licence.findUnique({ where: { statusIndex: BigInt(code.statusIndex) } });
  if (!row || row.status === 'preparing' || codeNumberOf(requireLicenceType(row.typeKey)) !== code.licenceTypeNumber) {
    return { accepted: false, secondUse: false, verdict: 'licence-not-in-force' };
  }
  const status = statusAt(row, at);
  const verdict = status === 'in-force' ? 'valid' : 'licence-not-in-force';
  const codeId = Uint8Array.from(code.codeId);
  for (let useNumber = 1; useNumber <= MAX_USES_KEPT; useNumber++) {
    const same = await db.lookUp.findUnique({ where: { actor_requestId: { actor: acting.actor, requestId } } });
    if (same) return { accepted: true, secondUse: (same.useNumber ?? 1) > 1, verdict: same.verdict, lookUpId: same.id };
    if (await db.lookUp.findUnique({ where: { codeId_useNumber: { codeId, useNumber } }, select: { id: true } })) continue;
    try {
      const lookUp = await db.$transaction(async (tx) => {
        const created = await tx.lookUp.create({
          data: {
            at,
            kind: 'offline-code',
            codeId,
            useNumber,
            via: 'code',
            licenceId: row.id,
            holderId: row.holderId,
            organisationId: acting.organisationId,
            actor: acting.actor,
            purpose,
            verdict,
            licenceStatus: status,
            requestId,
            claimedAt: input.usedAt,
          },
        });
        await recordEvent(tx, {
          kind: useNumber > 1 ? 'code-second-use-reported' : 'code-offline-use-reported',
          actor: acting.actor,
          subject: `licence:${row.id}`,
          detail: { lookUp: created.id, useNumber },
          at,
        });
        return created;
      });
      return { accepted: true, secondUse: useNumber > 1, verdict, lookUpId: lookUp.id };
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }
  return { accepted: false, secondUse: true, verdict: 'used' };
}
