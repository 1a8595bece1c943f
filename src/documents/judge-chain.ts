/**
 * Whether a certificate may be relied on for a signature made at a certain time (CONTRACT, "Time"): validated as of the
 * moment of the question; a proven time replaces that moment, a claimed time excuses later expiry and nothing else.
 */
import type { AnchorConstraints } from '#pki/anchor-constraints.ts';
import type { Certificate } from '#pki/certificate.ts';
import { judgeStatus } from '#pki/judge-status.ts';
import { type PathResult, validatePath } from '#pki/validate-path.ts';
import { type Verdict, type VerifyOptions, worstVerdict } from './verdict.ts';

type ListedUse = 'seal' | 'document-signing' | 'timestamp';

const USES: Record<ChainInput['role'], ListedUse> = { signer: 'document-signing', maker: 'seal', timestamp: 'timestamp' };

export interface ChainInput {
  leaf: Certificate;
  /** In front of every reason: whose chain this is. */
  role: 'signer' | 'maker' | 'timestamp';
  /** Further certificates that came with the signature; they help to build a path and are trusted for nothing. */
  extra?: readonly Certificate[];
  claimedAt?: Date | undefined;
  provenAt?: Date | undefined;
  purpose?: 'any' | 'timestamp';
  /** What anchors of the trust list must be taken for. Default: a maker's is `seal`, a timestamp's `timestamp`, a signer's `document-signing`. */
  use?: ListedUse;
  options: VerifyOptions;
}

export interface ChainJudgement {
  verdict: Verdict;
  reasons: string[];
  /** Leaf first; the anchor last when trusted. */
  path: readonly Certificate[];
  /** The chain ends in an anchor, whatever else is wrong with it. */
  anchored: boolean;
  /** The chain ends in an official anchor. */
  official: boolean;
}

/** Never throws for anything in the certificates. */
export function judgeChain(input: ChainInput): ChainJudgement {
  const { role, options, provenAt } = input;
  const now = validateAt(input, provenAt ?? options.at);
  const result = excusedByClaim(input, now) ?? now;
  const reasons = new Set<string>(result === now ? [] : ['time-not-proven']);
  // Revocation is asked as of now: a claimed time does not excuse it.
  const isRevoked = now.reasons.includes('revoked');
  if (!result.valid || isRevoked) {
    for (const reason of result.reasons) reasons.add(reasonCode(role, reason));
    if (isRevoked) reasons.add(`${role}-revoked`);
  } else if (result.reasons.includes('revocation-unknown')) reasons.add('revocation-unknown');
  let verdict = isRevoked ? 'not-valid' : verdictOfPath(result);
  if (options.requireRevocation && (reasons.has('revocation-unknown') || !result.anchored)) {
    reasons.add('revocation-unknown');
    verdict = worstVerdict(verdict, 'not-valid');
  }
  if (provenAt && verdict === 'genuine' && wasRevokedLater(result, options)) reasons.add(`${role}-revoked-later`);
  const anchor = result.path.at(-1);
  const official = verdict === 'genuine' && anchor !== undefined && (options.officialAnchors ?? []).some((one) => same(one, anchor));
  return { verdict, reasons: [...reasons], path: result.path, anchored: result.anchored, official };
}

/** The result as of the claimed time, when expiry since then is what is wrong now. */
function excusedByClaim(input: ChainInput, now: PathResult): PathResult | undefined {
  const { claimedAt, provenAt, options } = input;
  if (now.valid || provenAt || !claimedAt || claimedAt >= options.at || !now.reasons.includes('expired')) return undefined;
  const then = validateAt(input, claimedAt);
  return then.reasons.includes('expired') ? undefined : then;
}

function validateAt(input: ChainInput, at: Date): PathResult {
  const { leaf, extra = [], options } = input;
  const use = input.use ?? USES[input.role];
  return validatePath({
    leaf,
    intermediates: [...extra, ...(options.intermediates ?? [])],
    anchors: options.anchors.filter(({ fingerprint }) => isTakenFor(options.constraints?.get(fingerprint), use)),
    constraints: limitsOf(options),
    at,
    askedAt: options.at,
    crls: options.crls ?? [],
    ocspResponses: options.ocspResponses ?? [],
    purpose: input.purpose ?? 'any',
  });
}

function isTakenFor(limits: AnchorConstraints | undefined, use: ListedUse): boolean {
  return limits?.purposes === undefined || limits.purposes.includes(use);
}

/** The limits without the purposes: those have chosen the anchors already, and the leaf's own use is judged elsewhere. */
function limitsOf({ constraints }: VerifyOptions): ReadonlyMap<string, AnchorConstraints> {
  const entries = [...(constraints ?? [])].map(([fingerprint, { purposes: _purposes, ...limits }]) => [fingerprint, limits] as const);
  return new Map(entries);
}

function verdictOfPath(result: PathResult): Verdict {
  if (result.valid) return 'genuine';
  if (!result.anchored) {
    if (result.reasons.includes('bad-signature')) return 'not-valid';
    return result.reasons.includes('unsupported-algorithm') ? 'unsupported' : 'untrusted-signer';
  }
  // The trust list does not take this authority for that time: it is then no anchor.
  if (result.reasons.some((reason) => reason === 'anchor-not-trusted-then' || reason === 'issued-after-distrust'))
    return 'untrusted-signer';
  const decisive = result.reasons.filter((reason) => reason !== 'revocation-unknown');
  return decisive.every((reason) => reason === 'unsupported-algorithm' || reason === 'work-limit') ? 'unsupported' : 'not-valid';
}

function reasonCode(role: string, reason: string): string {
  if (reason === 'revocation-unknown') return reason;
  return reason === 'no-path-to-anchor' ? `${role}-chain-untrusted` : `${role}-${reason}`;
}

function wasRevokedLater({ path }: PathResult, { crls = [], ocspResponses = [], at }: VerifyOptions): boolean {
  return path.some((certificate, index) => {
    const issuer = path[index + 1];
    return issuer !== undefined && judgeStatus({ certificate, issuer, crls, ocspResponses, at }).revocation.status === 'revoked';
  });
}

function same(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.der, b.der) === 0;
}
