/**
 * Judging a code without a network: by known keys and the last status list. It can say that a code is ours, fresh, and of a
 * licence that was in force as of the list. It cannot say that the code was not used before, nor who holds the phone;
 * `holder` is therefore always `not-proven`. Pure.
 */
import { type CodeKeySet, type CodeLicenceType, isKeyValidAt, type VerificationKey } from './code-keys.ts';
import { CODE_SKEW_SECONDS, type CodeType, type CodeVerdictWord } from './code-types.ts';
import { judgeCode } from './judge-code.ts';
import { readCode } from './read-code.ts';
import { type ListedStatus, readStatusList, statusListTokenOf } from './status-list-token.ts';

export interface OfflineInput {
  /** What was scanned or typed. */
  digits: string;
  keys: CodeKeySet;
  /** The last status list: the token, or the content of `status-list.json`. Without one, the status stays unknown. */
  statusList?: unknown;
  at: Date;
  skewSeconds?: number;
}

/** CONTRACT.md's JSON; what comes after `reasons` is more than it promises. */
export interface OfflineVerdict {
  verdict: CodeVerdictWord;
  type: CodeType | null;
  /** The 21-character code of the licence type. */
  licenceType: string | null;
  issuedAt: string | null;
  expiresAt: string | null;
  statusAsOf: string | null;
  holder: 'not-proven';
  reasons: string[];
  licenceTypeName?: string;
  licenceTypeNameEn?: string;
  status?: ListedStatus;
  statusAgeSeconds?: number;
  /** Only in a named code, and only with a good signature. */
  maskedName?: string;
  /** Hexadecimal; for reporting the use later. */
  codeId?: string;
}

const NOTHING_KNOWN = { type: null, licenceType: null, issuedAt: null, expiresAt: null, statusAsOf: null, holder: 'not-proven' } as const;

/** Never throws for what was scanned, nor for a bad status list. */
export function verifyCodeOffline(input: OfflineInput): OfflineVerdict {
  const read = readCode(input.digits);
  if (read.kind === 'malformed') return { verdict: 'malformed', ...NOTHING_KNOWN, reasons: [read.reason] };
  if (read.kind === 'short-number') return { verdict: 'malformed', ...NOTHING_KNOWN, reasons: ['short-number-works-online-only'] };
  const { code } = read;
  const judged = judgeCode(code, input.keys.codeKeys.get(String(code.kid)), input.at, input.skewSeconds ?? CODE_SKEW_SECONDS);
  const reasons = judged.reason ? [judged.reason] : [];
  if (judged.verdict === 'unknown-key' || judged.verdict === 'forged') return { verdict: judged.verdict, ...NOTHING_KNOWN, reasons };

  const licenceType = input.keys.licenceTypes.get(code.licenceTypeNumber);
  if (!licenceType) reasons.push('licence-type-not-known');
  const status = judgeStatus(input, code.statusIndex, licenceType);
  const verdict = judged.verdict === 'valid' && status.refuses ? 'licence-not-in-force' : judged.verdict;
  return {
    verdict,
    type: code.codeType,
    licenceType: licenceType?.code ?? null,
    issuedAt: new Date(code.issuedAtSeconds * 1000).toISOString(),
    expiresAt: new Date(code.expiresAtSeconds * 1000).toISOString(),
    statusAsOf: status.asOf?.toISOString() ?? null,
    holder: 'not-proven',
    reasons: [...reasons, ...status.reasons],
    ...(licenceType ? { licenceTypeName: licenceType.name, licenceTypeNameEn: licenceType.nameEn } : {}),
    status: status.status,
    ...(status.asOf ? { statusAgeSeconds: Math.max(0, Math.floor((input.at.getTime() - status.asOf.getTime()) / 1000)) } : {}),
    ...(code.maskedName === undefined ? {} : { maskedName: code.maskedName }),
    codeId: Buffer.from(code.codeId).toString('hex'),
  };
}

interface StatusJudgement {
  status: ListedStatus;
  refuses: boolean;
  asOf?: Date;
  reasons: string[];
}

/**
 * Who gives no list asked only about the code: the status is unknown and said to be so. Who gives one relies on it, so a list
 * that is forged, too old for this licence type, or too short refuses: it must not pass for "in force".
 */
function judgeStatus(input: OfflineInput, index: number, type: CodeLicenceType | undefined): StatusJudgement {
  if (input.statusList === undefined) return { status: 'unknown', refuses: false, reasons: ['status-unknown'] };
  const token = statusListTokenOf(input.statusList);
  if (token === undefined) return { status: 'unknown', refuses: true, reasons: ['status-list-malformed'] };
  let key: VerificationKey | undefined;
  const findKey = (kid: string) => {
    key = input.keys.statusListKeys.get(kid);
    return key?.publicKey;
  };
  const list = readStatusList(token, findKey, input.keys.statusListUri);
  // A retired key, perhaps stolen since, speaks for no list of today.
  if (typeof list !== 'string' && key && !isKeyValidAt(key, list.issuedAt)) {
    return { status: 'unknown', refuses: true, reasons: ['status-list-unknown-key'] };
  }
  if (typeof list === 'string') return { status: 'unknown', refuses: true, reasons: [list] };
  const asOf = list.issuedAt;
  const maxAgeMs = (type?.maxStatusAgeSeconds ?? 0) * 1000;
  const tooOld = (type && input.at.getTime() - asOf.getTime() > maxAgeMs) || (list.expiresAt && input.at >= list.expiresAt);
  if (tooOld) return { status: 'unknown', refuses: true, asOf, reasons: ['status-too-old'] };
  const status = list.statusOf(index);
  if (status === undefined) return { status: 'unknown', refuses: true, asOf, reasons: ['status-index-out-of-range'] };
  return status === 'in-force'
    ? { status, refuses: false, asOf, reasons: [] }
    : { status, refuses: true, asOf, reasons: [`status-${status}`] };
}
