/**
 * A counter redeems a code. The look-up row, unique by code id, decides the one winner and is the holder's log entry: what
 * was seen cannot be missing from the log. The short-lived store only refuses early, so losing it costs nothing.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { ParsedCode } from '#codes/code-envelope.ts';
import { judgeCode } from '#codes/judge-code.ts';
import { findCodeOfTwin } from '#codes/mint-code.ts';
import { readCode } from '#codes/read-code.ts';
import { faultyField, Problem } from '#problem.ts';
import { insertRedemption } from './insert-redemptions.ts';
import { type Acting, type ActingParty, type LicenceDeps, requireActing } from './licence-deps.ts';
import { type LicenceStatus, statusAt } from './licence-status.ts';
import { codeNumberOf, requireLicenceType } from './licence-types.ts';
import type { LicenceRow } from './make-licence-files.ts';
import { parsePurpose } from './purposes.ts';
import { type LookUpRow, receiptOf } from './receipt.ts';
import { codeFacts, type RedeemResult, redeemedLicenceOf, refusedResult } from './redeem-result.ts';

export interface RedeemInput {
  /** As scanned or typed: a code or its twin. */
  input: string;
  /** Staff with the role `counter`, or a system of an organisation. */
  staff: ActingParty;
  /** Catalogue key or 2–200 characters. */
  purpose: string;
  /** Chosen by the caller, 8–64 of A–Z a–z 0–9 _ -. The same one again gives the same answer and receipt. */
  requestId: string;
}

/** Longer than any code lives. */
const USED_MARK_SECONDS = 900;
/** Twins not known, per caller and minute: nobody finds one by trying, and nobody may try for long. */
const MAX_UNKNOWN_TWINS = 30;

/** A verdict, never an exception, for whatever was scanned. Throws Problem `not-allowed`, `invalid-input`, `too-many-requests`, `request-id-taken`. */
export async function redeemCode(deps: LicenceDeps, input: RedeemInput): Promise<RedeemResult> {
  const acting = await requireActing(deps, input.staff, { role: 'counter' });
  const purpose = parsePurpose(input.purpose);
  const requestId = parseRequestId(input.requestId);
  const read = readCode(input.input);
  if (read.kind === 'malformed') return refusedResult('malformed', read.reason);
  const via = read.kind;
  const digits = read.kind === 'code' ? read.digits : await findCodeOfTwin(deps.ephemeral, read.shortNumber);
  if (digits === undefined) return unknownTwin(deps, acting);
  const whole = read.kind === 'code' ? read : readCode(digits);
  if (whole.kind !== 'code') return refusedResult('malformed', 'wrong-length');
  const { code } = whole;

  const now = deps.clock.now();
  const judged = judgeCode(code, await deps.codes.findCodeKey(code.kid), now);
  if (judged.verdict === 'unknown-key' || judged.verdict === 'forged')
    return refusedResult(judged.verdict, judged.reason ?? judged.verdict);
  const facts = { ...codeFacts(code), holder: 'shown-by-holder' as const, statusAsOf: null };
  if (judged.verdict !== 'valid' || (await isMarkedUsed(deps, code))) {
    const repeated = await findSameRequest(deps, acting, requestId, code);
    if (repeated) return answer(deps, repeated, code);
    return judged.verdict === 'valid' ? usedAnswer(deps, acting, code, facts) : { verdict: judged.verdict, ...facts, reasons: [] };
  }

  const row = await findLicenceOfCode(deps, code);
  if (!row) return { ...refusedResult('licence-not-in-force', 'licence-not-known'), ...facts };
  const status = statusAt(row, now);
  const lookUp = await winOrLose(deps, { acting, purpose, requestId, code, via, row, status, at: now });
  if (!lookUp) {
    const same = await findSameRequest(deps, acting, requestId, code);
    return same ? answer(deps, same, code) : usedAnswer(deps, acting, code, facts);
  }
  await markUsed(deps, code);
  return answer(deps, lookUp, code, row);
}

interface Redemption {
  acting: Acting;
  purpose: string;
  requestId: string;
  code: ParsedCode;
  via: string;
  row: LicenceRow;
  status: LicenceStatus;
  at: Date;
}

/** The one insert that counts. Undefined for everybody but the first. */
function winOrLose({ db }: LicenceDeps, redemption: Redemption): Promise<LookUpRow | undefined> {
  const { acting, purpose, requestId, code, via, row, status, at } = redemption;
  return insertRedemption(db, {
    at,
    kind: 'code',
    codeId: Uint8Array.from(code.codeId),
    via,
    licenceId: row.id,
    holderId: row.holderId,
    organisationId: acting.organisationId,
    actor: acting.actor,
    purpose,
    verdict: status === 'in-force' ? 'valid' : 'licence-not-in-force',
    licenceStatus: status,
    requestId,
  });
}

/** Tells again, or for the first time, what a look-up found. */
async function answer(deps: LicenceDeps, lookUp: LookUpRow, code: ParsedCode, known?: LicenceRow): Promise<RedeemResult> {
  const row = known ?? (await deps.db.licence.findUniqueOrThrow({ where: { id: lookUp.licenceId } }));
  const status = lookUp.licenceStatus as LicenceStatus;
  return {
    verdict: lookUp.verdict as RedeemResult['verdict'],
    ...codeFacts(code),
    statusAsOf: lookUp.at.toISOString(),
    holder: 'shown-by-holder',
    reasons: status === 'in-force' ? [] : [`status-${status}`],
    status,
    licence: redeemedLicenceOf(deps, row, status),
    receipt: await receiptOf(deps, lookUp, row.identifier),
    lookUpId: lookUp.id,
  };
}

/** Somebody else was first, or the same counter with another request. */
async function usedAnswer(deps: LicenceDeps, acting: Acting, code: ParsedCode, facts: Partial<RedeemResult>): Promise<RedeemResult> {
  const first = await deps.db.lookUp.findUnique({ where: { codeId_useNumber: { codeId: Uint8Array.from(code.codeId), useNumber: 1 } } });
  if (first) {
    await deps.db.$transaction((tx) =>
      recordEvent(tx, {
        kind: 'code-refused',
        actor: acting.actor,
        subject: `licence:${first.licenceId}`,
        detail: { verdict: 'used', lookUp: first.id },
        at: deps.clock.now(),
      }),
    );
  }
  return { ...refusedResult('used', 'code-used-before'), ...facts, ...(first ? { usedAt: first.at.toISOString() } : {}) };
}

async function findSameRequest({ db }: LicenceDeps, acting: Acting, requestId: string, code: ParsedCode): Promise<LookUpRow | undefined> {
  const row = await db.lookUp.findUnique({ where: { actor_requestId: { actor: acting.actor, requestId } } });
  if (!row) return undefined;
  if (!row.codeId || !Buffer.from(row.codeId).equals(code.codeId)) throw new Problem('request-id-taken');
  return row;
}

async function findLicenceOfCode({ db }: LicenceDeps, code: ParsedCode): Promise<LicenceRow | undefined> {
  const row = await db.licence.findUnique({ where: { statusIndex: BigInt(code.statusIndex) } });
  if (!row || row.status === 'preparing') return undefined;
  return codeNumberOf(requireLicenceType(row.typeKey)) === code.licenceTypeNumber ? row : undefined;
}

async function unknownTwin({ ephemeral }: LicenceDeps, acting: Acting): Promise<RedeemResult> {
  const tries = await ephemeral.increment(`codes:unknown-twins:${acting.actor}`, 60);
  if (tries > MAX_UNKNOWN_TWINS) throw new Problem('too-many-requests', { retryAfterSeconds: 60 });
  // Never given out, or long expired: the store no longer knows, and both mean "ask for a new one".
  return refusedResult('expired', 'short-number-not-known');
}

const usedMark = (code: ParsedCode) => `codes:used:${Buffer.from(code.codeId).toString('hex')}`;

async function isMarkedUsed({ ephemeral }: LicenceDeps, code: ParsedCode): Promise<boolean> {
  return (await ephemeral.get(usedMark(code)).catch(() => undefined)) !== undefined;
}

/** Best effort: without the mark the database refuses as well, a little later. */
async function markUsed({ ephemeral }: LicenceDeps, code: ParsedCode): Promise<void> {
  await ephemeral.set(usedMark(code), '1', USED_MARK_SECONDS).catch(() => undefined);
}

/** Throws Problem `invalid-input` at /requestId. */
export function parseRequestId(text: string): string {
  if (!/^[A-Za-z0-9_-]{8,64}$/.test(text)) {
    throw faultyField('/requestId', '8 to 64 of A–Z a–z 0–9 _ -', '请求编号应为8至64位字母、数字、下划线或连字符。');
  }
  return text;
}
