/** Path validation: is there a way from this certificate to an anchor on which everything holds, and if not, why not (RFC 5280 §6). */
import { OID } from '#crypto/oids.ts';
import { type Chain, DEFAULT_WORK, findChains, type WorkBudget } from './build-chains.ts';
import type { Certificate } from './certificate.ts';
import { type Crl, isCrlSignedBy } from './crl.ts';
import { judgePath, type PathReason, type Purpose } from './judge-path.ts';
import { judgeRevocation, type Revocation } from './judge-revocation.ts';

export type { PathReason, Purpose };

export interface PathQuestion {
  leaf: Certificate;
  intermediates: readonly Certificate[];
  /** Whom the caller trusts. Only their names, keys and limits are used; nobody else is trusted, self-signed or not. */
  anchors: readonly Certificate[];
  at: Date;
  crls?: readonly Crl[];
  /** Default `any`: the leaf's use is not judged. */
  purpose?: Purpose;
  /** Makes not knowing a refusal. Otherwise `revocation-unknown` is only told. */
  requireRevocation?: boolean;
  work?: Partial<WorkBudget>;
}

export interface PathResult {
  valid: boolean;
  /** Leaf first, anchor last; when invalid, the attempt that came nearest. */
  path: readonly Certificate[];
  /** Why not; `revocation-unknown` may also stand beside a valid path. */
  reasons: readonly PathReason[];
  /** The path ends at an anchor, whatever else is wrong with it. */
  anchored: boolean;
  /** What is known of the leaf. */
  revocation: Revocation;
}

/** Never throws for bad certificates. The work is bounded, whatever the heap of certificates looks like. */
export function validatePath(question: PathQuestion): PathResult {
  const work: WorkBudget = { ...DEFAULT_WORK, ...question.work };
  const isSigned = rememberCrlChecks(work);
  let nearest: PathResult | undefined;
  for (const chain of findChains(question, work)) {
    const result = judgeChain(chain, question, isSigned);
    if (result.valid) return result;
    if (!nearest || distance(result) < distance(nearest)) nearest = result;
  }
  const exhausted = work.signatures < 0 || work.steps < 0;
  nearest ??= { valid: false, path: [question.leaf], reasons: ['no-path-to-anchor'], anchored: false, revocation: { status: 'unknown' } };
  return exhausted ? { ...nearest, reasons: [...new Set<PathReason>([...nearest.reasons, 'work-limit'])] } : nearest;
}

function distance({ anchored, reasons }: PathResult): number {
  return reasons.length + (anchored ? 0 : 100);
}

function judgeChain(chain: Chain, question: PathQuestion, isSigned: (crl: Crl, issuer: Certificate) => boolean): PathResult {
  const anchored = chain.ending === 'anchor';
  const reasons = judgePath(chain.path, question.at, question.purpose ?? 'any', anchored);
  if (!anchored) reasons.add('no-path-to-anchor');
  if (chain.ending === 'bad-signature' || chain.ending === 'unsupported-algorithm') reasons.add(chain.ending);
  if (chain.ending === 'too-long') reasons.add('work-limit');
  let ofLeaf: Revocation | undefined;
  chain.path.forEach((certificate, index) => {
    const issuer = chain.path[index + 1];
    if (!issuer) return;
    const revocation = judgeRevocation({ certificate, issuer, crls: question.crls ?? [], at: question.at, isSigned });
    if (index === 0) ofLeaf = revocation;
    if (revocation.status === 'revoked') reasons.add('revoked');
    if (revocation.status === 'unknown' && !certificate.extensions.has(OID.ocspNoCheck)) reasons.add('revocation-unknown');
  });
  const fatal = [...reasons].filter((reason) => reason !== 'revocation-unknown' || question.requireRevocation);
  return {
    valid: anchored && fatal.length === 0,
    path: chain.path,
    reasons: [...reasons],
    anchored,
    revocation: ofLeaf ?? { status: 'unknown' },
  };
}

/** A large list is hashed once for each question, not once for each path that is tried. */
function rememberCrlChecks(work: WorkBudget): (crl: Crl, issuer: Certificate) => boolean {
  const results = new Map<Crl, Map<string, boolean>>();
  return (crl, issuer) => {
    const known = results.get(crl) ?? new Map<string, boolean>();
    results.set(crl, known);
    let result = known.get(issuer.fingerprint);
    if (result === undefined) {
      result = --work.signatures >= 0 && isCrlSignedBy(crl, issuer);
      known.set(issuer.fingerprint, result);
    }
    return result;
  };
}
