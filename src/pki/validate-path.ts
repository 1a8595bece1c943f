/** Path validation: is there a way from this certificate to an anchor on which everything holds, and if not, why not (RFC 5280 §6). */
import { OID } from '#crypto/oids.ts';
import type { AnchorConstraints } from './anchor-constraints.ts';
import { type Chain, DEFAULT_WORK, findChains, type WorkBudget } from './build-chains.ts';
import type { Certificate } from './certificate.ts';
import type { Crl } from './crl.ts';
import { judgePath, type PathDemands } from './judge-path.ts';
import type { Purpose } from './judge-purpose.ts';
import { type Freshness, maySign, type Revocation } from './judge-revocation.ts';
import { judgeStatus } from './judge-status.ts';
import { type Name, namesEqual } from './name.ts';
import type { BasicOcspResponse } from './ocsp-response.ts';
import type { PathFinding, PathReason } from './path-reasons.ts';
import { chainSignatures, listSignatures } from './path-signatures.ts';

export type { PathFinding, PathReason, Purpose };

export interface PathQuestion extends Omit<PathDemands, 'purpose' | 'anchorConstraints'> {
  leaf: Certificate;
  intermediates: readonly Certificate[];
  /** Whom the caller trusts. Their names, keys and limits are used; nobody else is trusted, self-signed or not. */
  anchors: readonly Certificate[];
  /** Complete and delta lists, of whatever issuer. */
  crls?: readonly Crl[];
  ocspResponses?: readonly BasicOcspResponse[];
  /** When `at` lies in the past: OCSP answers made up to this time tell about it too. */
  askedAt?: Date;
  /** Default `any`: the leaf's use is not judged. */
  purpose?: Purpose;
  /**
   * Makes not knowing a refusal; otherwise `revocation-unknown` is only told. `where-listed`: for the leaf, and for each authority
   * about whose issuer there is a list at all.
   */
  requireRevocation?: boolean | 'where-listed';
  freshness?: Freshness;
  /** What we allow an anchor besides its own limits, by its fingerprint. */
  constraints?: ReadonlyMap<string, AnchorConstraints>;
  work?: Partial<WorkBudget>;
}

export interface PathResult {
  valid: boolean;
  /** Leaf first, anchor last; when invalid, the attempt that came nearest. */
  path: readonly Certificate[];
  /** Why not; `revocation-unknown` may also stand beside a valid path. */
  reasons: readonly PathReason[];
  /** The same with the certificate each belongs to, in the order found. */
  findings: readonly PathFinding[];
  /** The path ends at an anchor, whatever else is wrong with it. */
  anchored: boolean;
  /** What is known of the leaf. */
  revocation: Revocation;
  /** What is known of each certificate of the path but the last. */
  revocations: readonly Revocation[];
  /** Policies the path is good for (user-constrained-policy-set); anyPolicy among them means all that were asked for. */
  policies: readonly string[];
  /** Signatures checked and candidates tried, for those who watch the cost. */
  spent: WorkBudget;
}

/** So many bytes of a list count as one signature more. */
const BYTES_OF_A_SIGNATURE = 4 * 1024 * 1024;
/** Questions inside a question: who signed a list, and who signed the list about that one. */
const MAX_DEPTH = 2;

/** Never throws for bad certificates. The work is bounded, whatever the heap of certificates looks like. */
export function validatePath(question: PathQuestion): PathResult {
  const granted: WorkBudget = { ...DEFAULT_WORK, ...question.work };
  const work = { ...granted };
  const result = search(question, work, 0);
  const spent = {
    signatures: granted.signatures - work.signatures,
    steps: granted.steps - work.steps,
    comparisons: granted.comparisons - work.comparisons,
    paths: granted.paths - work.paths,
  };
  return { ...result, spent };
}

type Found = Omit<PathResult, 'spent'>;

function search(question: PathQuestion, work: WorkBudget, depth: number): Found {
  let nearest: Found | undefined;
  for (const chain of findChains(question, work, chainSignatures(question.acceptWeak ?? false))) {
    if (--work.paths < 0) break;
    const result = judgeChain(chain, question, work, depth);
    // What was left out for want of budget may have been the revocation.
    if (result.valid && !isExhausted(work)) return result;
    if (!nearest || distance(result) < distance(nearest)) nearest = result;
  }
  nearest ??= failure(question.leaf);
  return isExhausted(work) ? withFinding(nearest, { reason: 'work-limit', index: nearest.path.length - 1 }) : nearest;
}

function isExhausted(work: WorkBudget): boolean {
  return Object.values(work).some((left) => left < 0);
}

function failure(leaf: Certificate): Found {
  const revocation: Revocation = { status: 'unknown' };
  const findings: PathFinding[] = [{ reason: 'no-path-to-anchor', index: 0 }];
  return {
    valid: false,
    path: [leaf],
    reasons: ['no-path-to-anchor'],
    findings,
    anchored: false,
    revocation,
    revocations: [],
    policies: [],
  };
}

function withFinding(found: Found, finding: PathFinding): Found {
  if (found.reasons.includes(finding.reason)) return { ...found, valid: false };
  return { ...found, valid: false, reasons: [...found.reasons, finding.reason], findings: [...found.findings, finding] };
}

function distance({ anchored, reasons }: Found): number {
  return reasons.length + (anchored ? 0 : 100);
}

function judgeChain(chain: Chain, question: PathQuestion, work: WorkBudget, depth: number): Found {
  const { path, ending } = chain;
  const anchored = ending === 'anchor';
  const last = path.length - 1;
  const limits = question.constraints?.get(path[last]?.fingerprint ?? '');
  const demands: PathDemands = { ...question, purpose: question.purpose ?? 'any', ...(limits ? { anchorConstraints: limits } : {}) };
  const { findings, policies } = judgePath(path, demands, anchored, work);
  if (!anchored) findings.push({ reason: 'no-path-to-anchor', index: last });
  if (ending === 'bad-signature' || ending === 'unsupported-algorithm') findings.push({ reason: ending, index: last });
  if (ending === 'too-long') findings.push({ reason: 'work-limit', index: last });
  const revocations = judgeRevocations(path, question, work, depth, findings);
  const reasons = [...new Set(findings.map(({ reason }) => reason))];
  const fatal = findings.filter(({ reason, index }) => reason !== 'revocation-unknown' || mustKnow(path, index, question));
  return {
    valid: anchored && fatal.length === 0,
    path,
    reasons,
    findings,
    anchored,
    revocation: revocations[0] ?? { status: 'unknown' },
    revocations,
    policies,
  };
}

function mustKnow(path: readonly Certificate[], index: number, { requireRevocation = false, crls = [] }: PathQuestion): boolean {
  if (requireRevocation !== 'where-listed' || index === 0) return requireRevocation !== false;
  return crls.some((crl) => namesEqual(crl.issuer, path[index]?.issuer as Name));
}

/** Each certificate but the last, from the leaf up. */
function judgeRevocations(
  path: readonly Certificate[],
  question: PathQuestion,
  work: WorkBudget,
  depth: number,
  findings: PathFinding[],
): Revocation[] {
  const { at, askedAt, crls = [], ocspResponses = [], freshness, acceptWeak = false, rules } = question;
  const spend = (bytes = 0) => {
    work.signatures -= 1 + Math.floor(bytes / BYTES_OF_A_SIGNATURE);
    return work.signatures >= 0;
  };
  const isSigned = listSignatures(path, acceptWeak, spend);
  const anchor = path.at(-1) as Certificate;
  return path.slice(0, -1).map((certificate, index) => {
    const issuer = path[index + 1] as Certificate;
    const { revocation, faults } = judgeStatus({
      certificate,
      issuer,
      crls,
      at,
      isSigned,
      findSigners: (crl) => findSigners(crl, { question, issuer, anchor, isSigned, work, depth }),
      ocspResponses,
      spend,
      ...(askedAt ? { askedAt } : {}),
      ...(freshness ? { freshness } : {}),
      acceptWeak,
      strictLists: rules !== undefined && rules !== 'path',
    });
    const detail = faults.join(' ');
    if (revocation.status === 'revoked') findings.push({ reason: 'revoked', index, detail: revocation.reason });
    if (revocation.status === 'unknown' && !certificate.extensions.has(OID.ocspNoCheck)) {
      findings.push({ reason: 'revocation-unknown', index, ...(detail ? { detail } : {}) });
    }
    return revocation;
  });
}

interface SignerSearch {
  question: PathQuestion;
  issuer: Certificate;
  anchor: Certificate;
  isSigned: (crl: Crl, signer: Certificate) => boolean;
  work: WorkBudget;
  depth: number;
}

/**
 * §6.3.3 f: who else signed the list, with a path to the same anchor. The list itself does not count on that path, as it cannot
 * vouch for its own signer; not knowing whether the signer was revoked is borne, as §6.3 leaves such circles open.
 */
function findSigners(crl: Crl, { question, issuer, anchor, isSigned, work, depth }: SignerSearch): Certificate[] {
  if (depth >= MAX_DEPTH) return [];
  const candidates = [anchor, ...question.intermediates].filter((candidate) => namesEqual(candidate.subject, crl.issuer));
  return candidates.filter((candidate) => {
    if (candidate.fingerprint === issuer.fingerprint || !maySign(crl, candidate) || !isSigned(crl, candidate)) return false;
    if (candidate.fingerprint === anchor.fingerprint) return true;
    const { names: _names, keyUsages: _usages, extendedUsages: _extended, policies: _policies, ...same } = question;
    const crls = (question.crls ?? []).filter((list) => list !== crl);
    const inner: PathQuestion = {
      ...same,
      leaf: candidate,
      anchors: [anchor],
      crls,
      purpose: 'any',
      requireRevocation: false,
      rules: 'path',
    };
    return search(inner, work, depth + 1).valid;
  });
}
