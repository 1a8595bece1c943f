/**
 * Finds ways from a certificate to a trust anchor (RFC 4158 in small): depth first over issuer names and key identifiers,
 * signatures checked on the way, all within a budget, so that a heap of cross-certificates cannot keep us busy.
 */
import type { Certificate } from './certificate.ts';
import { MAX_NAME_COMPARISONS } from './judge-names.ts';
import { nameKey } from './name.ts';
import type { ChainSignatures, SignatureResult } from './path-signatures.ts';

export interface WorkBudget {
  /** Signatures that may be checked. */
  signatures: number;
  /** Certificates that may be tried as an issuer. */
  steps: number;
  /** Comparisons of a name with a name constraint, and nodes and edges of policy graphs. */
  comparisons: number;
  /** Whole paths that may be judged. */
  paths: number;
}

export const DEFAULT_WORK: Readonly<WorkBudget> = { signatures: 200, steps: 1_000, comparisons: MAX_NAME_COMPARISONS, paths: 100 };
/** Certificates in one path, leaf and anchor included. */
const MAX_PATH_LENGTH = 12;

export interface Chain {
  /** Leaf first. When `ending` is `anchor`, the last one is it. */
  path: readonly Certificate[];
  ending: 'anchor' | 'no-issuer' | 'bad-signature' | 'unsupported-algorithm' | 'too-long';
}

export interface ChainSource {
  leaf: Certificate;
  intermediates: readonly Certificate[];
  anchors: readonly Certificate[];
}

/** All chains in the order tried, those that end at an anchor and dead ends too. Stops when `work` is used up (one of its counts below zero). */
export function* findChains(source: ChainSource, work: WorkBudget, signatures: ChainSignatures): Generator<Chain> {
  const bySubject = indexBySubject(source);
  const anchors = new Set(source.anchors.map(({ fingerprint }) => fingerprint));
  const results = new Map<string, SignatureResult>();

  function check(child: Certificate, parent: Certificate) {
    const key = `${child.fingerprint}<${parent.fingerprint}`;
    let result = results.get(key);
    if (!result && --work.signatures >= 0) {
      result = signatures.check(child, parent);
      results.set(key, result);
    }
    return result;
  }

  function* extend(path: readonly Certificate[]): Generator<Chain> {
    const last = path.at(-1) as Certificate;
    if (anchors.has(last.fingerprint)) {
      yield { path, ending: signatures.settle(path) ? 'anchor' : 'bad-signature' };
      return;
    }
    if (path.length >= MAX_PATH_LENGTH) {
      yield { path, ending: 'too-long' };
      return;
    }
    let ending: Chain['ending'] = 'no-issuer';
    let extended = false;
    for (const issuer of issuersOf(last, bySubject, anchors)) {
      if (--work.steps < 0) return;
      if (path.some((member) => isSameEntity(member, issuer))) continue;
      const result = check(last, issuer);
      if (result === undefined) return;
      if (result === 'good') {
        extended = true;
        yield* extend([...path, issuer]);
      } else if (result !== 'bad') {
        ending = 'unsupported-algorithm';
      } else if (!isOtherKey(last, issuer)) {
        ending = 'bad-signature';
      }
    }
    if (!extended) yield { path, ending };
  }

  yield* extend([source.leaf]);
}

function indexBySubject(source: ChainSource): Map<string, Certificate[]> {
  const index = new Map<string, Certificate[]>();
  const seen = new Set<string>();
  for (const certificate of [...source.anchors, ...source.intermediates]) {
    if (seen.has(certificate.fingerprint)) continue;
    seen.add(certificate.fingerprint);
    const key = nameKey(certificate.subject);
    index.set(key, [...(index.get(key) ?? []), certificate]);
  }
  return index;
}

/** Candidates by name: those whose key identifier fits first, anchors before others. A misfitting identifier is only a hint (RFC 5280 §4.2.1.1). */
function issuersOf(child: Certificate, bySubject: Map<string, Certificate[]>, anchors: Set<string>): Certificate[] {
  const candidates = bySubject.get(nameKey(child.issuer)) ?? [];
  const rank = (issuer: Certificate) => {
    return (isOtherKey(child, issuer) ? 2 : 0) + (anchors.has(issuer.fingerprint) ? 0 : 1);
  };
  return [...candidates].sort((a, b) => rank(a) - rank(b));
}

/** Another authority of the same name, or an older key of it: that its signature does not fit says nothing against the certificate. */
function isOtherKey(child: Certificate, issuer: Certificate): boolean {
  return child.aki !== undefined && issuer.ski !== undefined && Buffer.compare(child.aki, issuer.ski) !== 0;
}

/** The same name with the same key: going through it twice leads nowhere (RFC 4158 §5.2). */
function isSameEntity(a: Certificate, b: Certificate): boolean {
  return a.fingerprint === b.fingerprint || (Buffer.compare(a.spki, b.spki) === 0 && nameKey(a.subject) === nameKey(b.subject));
}
