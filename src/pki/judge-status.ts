/**
 * Revocation by all that is at hand: lists and OCSP answers. A final revocation always counts, whoever told it and when; between
 * a hold and "good" the newer word counts; good needs one fresh source.
 */
import { judgeRevocation, type Revocation, type RevocationFault, type RevocationQuestion } from './judge-revocation.ts';
import { judgeOcsp, type OcspFault } from './ocsp-judge.ts';
import type { BasicOcspResponse } from './ocsp-response.ts';

export interface StatusQuestion extends RevocationQuestion {
  ocspResponses: readonly BasicOcspResponse[];
  /** As of `OcspQuestion`. */
  askedAt?: Date;
  spend?: () => boolean;
}

export type StatusFault = RevocationFault | `ocsp-${OcspFault}`;

export interface StatusJudgement {
  revocation: Revocation;
  /** Why sources were of no use. */
  faults: readonly StatusFault[];
}

/** Never throws for anything in lists and answers. */
export function judgeStatus(question: StatusQuestion): StatusJudgement {
  const byList = judgeRevocation(question);
  const faults = byList.status === 'unknown' ? (byList.faults ?? []) : [];
  if (question.ocspResponses.length === 0) return { revocation: byList, faults };
  const { certificate, issuer, at, askedAt, freshness, spend, acceptWeak = false, ocspResponses: responses } = question;
  const further = { ...(freshness ? { freshness } : {}), ...(askedAt ? { askedAt } : {}), ...(spend ? { spend } : {}) };
  const byAnswer = judgeOcsp({ certificate, issuer, responses, at, acceptWeak, ...further });
  return {
    revocation: newest(byList, byAnswer.revocation),
    faults: [...faults, ...byAnswer.faults.map((fault) => `ocsp-${fault}` as const)],
  };
}

function newest(a: Revocation, b: Revocation): Revocation {
  if (a.status === 'unknown') return b;
  if (b.status === 'unknown') return a;
  const final = [a, b].filter((one) => one.status === 'revoked' && one.reason !== 'certificate-hold');
  if (final.length > 0) return final.reduce((first, second) => (revokedAt(second) < revokedAt(first) ? second : first));
  if (a.asOf.getTime() === b.asOf.getTime()) return a.status === 'revoked' ? a : b;
  return a.asOf > b.asOf ? a : b;
}

function revokedAt(revocation: Revocation): number {
  return revocation.status === 'revoked' ? revocation.revokedAt.getTime() : Number.POSITIVE_INFINITY;
}
