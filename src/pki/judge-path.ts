/** The checks of RFC 5280 §6.1 over one path whose signatures were found good, except revocation. */
import { OID } from '#crypto/oids.ts';
import { type AnchorConstraints, faultsOfAnchor, nameConstraintsOf } from './anchor-constraints.ts';
import type { Certificate } from './certificate.ts';
import { brokenRules, type CertificateRules } from './certificate-rules.ts';
import type { KeyUsage } from './extensions.ts';
import { faultOfNames, type NameBudget } from './judge-names.ts';
import { allowsPurposeBelow, allowsUsage, hasKnownKey, judgePurpose, type Purpose } from './judge-purpose.ts';
import type { NameConstraints } from './name-constraints.ts';
import type { PathFinding, PathReason } from './path-reasons.ts';
import { namesPeer, type PeerName } from './peer-name.ts';
import { judgePolicies, type PolicyInput } from './policy-graph.ts';

/** What is asked of a path besides its signatures and revocation. */
export interface PathDemands {
  at: Date;
  purpose: Purpose;
  /** Every one of these must be open to the leaf, and the extended ones left open by the authorities above it. */
  keyUsages?: readonly KeyUsage[];
  extendedUsages?: readonly string[];
  policies?: PolicyInput;
  /** The peer's names; the leaf must have each. */
  names?: readonly PeerName[];
  rules?: CertificateRules;
  /** SHA-1 signatures and RSA keys from 1024 bits count like others. */
  acceptWeak?: boolean;
  /** Authorities allowed between leaf and anchor, self-issued ones not counted (§6.1.1 and limits of the caller). */
  maxIntermediates?: number;
  anchorConstraints?: AnchorConstraints;
}

export interface PathJudgement {
  findings: PathFinding[];
  /** Policies the path is good for (user-constrained-policy-set, §6.1.6). */
  policies: readonly string[];
}

const PROCESSED: readonly string[] = [
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
  OID.nameConstraints,
  OID.subjectAltName,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
  OID.crlDistributionPoints,
];

const MIN_RSA_BITS = 2048;

/** @param path leaf first; the last is the anchor when `anchored`. Constraints of names and policies need an anchor to begin from. */
export function judgePath(path: readonly Certificate[], demands: PathDemands, anchored: boolean, budget: NameBudget): PathJudgement {
  const findings: PathFinding[] = [];
  const add = (index: number, reason: PathReason, detail?: string) => {
    if (!findings.some((known) => known.index === index && known.reason === reason && known.detail === detail)) {
      findings.push({ index, reason, ...(detail === undefined ? {} : { detail }) });
    }
  };
  // §4.1.2.5 knows whole seconds: the second in which validity ends belongs to it.
  const at = new Date(Math.floor(demands.at.getTime() / 1000) * 1000);
  let intermediatesBelow = 0;
  path.forEach((certificate, index) => {
    const isAnchor = anchored && index === path.length - 1;
    for (const [reason, detail] of judgeCommon(certificate, at, isAnchor, demands.acceptWeak ?? false)) add(index, reason, detail);
    for (const rule of brokenRules(certificate, demands.rules ?? 'path', { isLeaf: index === 0, isAnchor }))
      add(index, 'rules-broken', rule);
    if (index === 0) return;
    for (const reason of judgeIssuer(certificate, intermediatesBelow, isAnchor)) add(index, reason);
    if (!isAnchor && !allowsPurposeBelow(certificate, demands.purpose)) add(index, 'wrong-purpose');
    for (const usage of demands.extendedUsages ?? []) if (!isAnchor && !allowsUsage(certificate, usage)) add(index, 'wrong-purpose', usage);
    if (!isAnchor && !certificate.selfIssued) intermediatesBelow += 1;
  });
  const { maxIntermediates = Number.POSITIVE_INFINITY, anchorConstraints: limits } = demands;
  if (intermediatesBelow > Math.min(maxIntermediates, limits?.maxPathLength ?? maxIntermediates)) add(path.length - 1, 'path-too-long');
  const [leaf] = path;
  for (const [reason, detail] of leaf ? judgeLeaf(leaf, demands) : []) add(0, reason, detail);
  if (!anchored || !leaf) return { findings, policies: [] };
  if (limits) for (const reason of faultsOfAnchor(limits, { leaf, at, purpose: demands.purpose })) add(path.length - 1, reason);
  judgeConstrainedNames(path, limits, budget, add);
  return { findings, policies: judgePathPolicies(path, demands, budget, add) };
}

type Add = (index: number, reason: PathReason, detail?: string) => void;
type Fault = readonly [reason: PathReason, detail?: string];

function* judgeCommon(certificate: Certificate, at: Date, isAnchor: boolean, acceptWeak: boolean): Generator<Fault> {
  if (at > certificate.notAfter) yield ['expired'];
  if (at < certificate.notBefore) yield ['not-yet-valid'];
  for (const oid of certificate.faultyExtensions) yield ['malformed-extension', oid];
  for (const { oid, critical } of certificate.extensions.values()) {
    if (critical && !PROCESSED.includes(oid)) yield ['unknown-critical-extension', oid];
  }
  if (acceptWeak) return;
  // The anchor's own signature proves nothing, so its algorithm does not matter (RFC 5280 §6.1.1 d).
  if (!isAnchor && certificate.signatureAlgorithm?.digest === 'sha1') yield ['weak-algorithm', 'SHA-1'];
  if (hasWeakKey(certificate)) yield ['weak-algorithm', 'RSA'];
}

function hasWeakKey(certificate: Certificate): boolean {
  if (!hasKnownKey(certificate)) return false;
  const key = certificate.publicKey();
  return key.scheme === 'rsa' && (key.key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS;
}

/** §6.1.4 k–n. A version 1 certificate may only be an anchor: the caller put it there. */
function* judgeIssuer(issuer: Certificate, intermediatesBelow: number, isAnchor: boolean): Generator<PathReason> {
  const exempt = isAnchor && issuer.version < 3;
  // §4.1.2.6: an authority has a name.
  if (issuer.subject.attributes.length === 0) yield 'not-a-ca';
  if (!issuer.basicConstraints?.ca && !exempt) yield 'not-a-ca';
  if (issuer.keyUsage && !issuer.keyUsage.has('key-cert-sign')) yield 'wrong-key-usage';
  const limit = issuer.basicConstraints?.pathLength;
  if (limit !== undefined && intermediatesBelow > limit) yield 'path-too-long';
}

function* judgeLeaf(leaf: Certificate, { purpose, keyUsages = [], extendedUsages = [], names = [] }: PathDemands): Generator<Fault> {
  for (const reason of judgePurpose(leaf, purpose)) yield [reason];
  for (const usage of keyUsages) if (leaf.keyUsage && !leaf.keyUsage.has(usage)) yield ['wrong-key-usage', usage];
  for (const usage of extendedUsages) if (!allowsUsage(leaf, usage)) yield ['wrong-purpose', usage];
  for (const name of names) if (!namesPeer(leaf, name)) yield ['name-mismatch', name.value];
}

/** §6.1.3 b and c, from the anchor down. Self-issued certificates are exempt, but for the leaf. */
function judgeConstrainedNames(path: readonly Certificate[], limits: AnchorConstraints | undefined, budget: NameBudget, add: Add): void {
  const constraints: NameConstraints[] = [];
  const ours = limits && nameConstraintsOf(limits);
  if (ours) constraints.push(ours);
  for (let index = path.length - 1; index >= 0; index--) {
    const certificate = path[index] as Certificate;
    const isAnchor = index === path.length - 1;
    if (!isAnchor && (index === 0 || !certificate.selfIssued)) {
      const fault = faultOfNames(certificate, constraints, budget);
      if (fault) add(index, fault);
    }
    // An anchor's own constraints hold too (RFC 5937 §3).
    if (certificate.nameConstraints) constraints.push(certificate.nameConstraints);
  }
}

function judgePathPolicies(
  path: readonly Certificate[],
  { policies, anchorConstraints: limits }: PathDemands,
  budget: NameBudget,
  add: Add,
): readonly string[] {
  const below = path.slice(0, -1).reverse();
  if (below.length === 0) return [];
  const input = limits?.policies ? narrow(policies ?? {}, limits.policies) : policies;
  const outcome = judgePolicies(below, input, path.at(-1));
  // Heaps of mappings cost as heaps of names do.
  budget.comparisons -= outcome.steps;
  if (!outcome.valid) add(below.length - 1 - outcome.decidedAt, 'policy-not-acceptable', input?.acceptable?.join(' '));
  return outcome.policies;
}

/** What both the caller and our limits on the anchor accept; then one of those must hold. */
function narrow(input: PolicyInput, allowed: readonly string[]): PolicyInput {
  const { acceptable = [OID.anyPolicy] } = input;
  const both = acceptable.includes(OID.anyPolicy) ? allowed : acceptable.filter((policy) => allowed.includes(policy));
  return { ...input, acceptable: both, explicit: true };
}
