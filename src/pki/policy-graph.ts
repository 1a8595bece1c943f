/**
 * Certificate policies along a path (RFC 5280 §6.1 as RFC 9618 replaced the tree by a graph: one node for each policy and
 * depth, so that mappings made to explode cost no more than the certificates that carry them). Qualifiers are ignored.
 */
import { OID } from '#crypto/oids.ts';
import type { Certificate } from './certificate.ts';

/** What the caller asks of policies (RFC 5280 §6.1.1 c, e, f, g). */
export interface PolicyInput {
  /** user-initial-policy-set; absent: any-policy. */
  acceptable?: readonly string[];
  /** The path must be valid for at least one acceptable policy. */
  explicit?: boolean;
  inhibitMapping?: boolean;
  inhibitAnyPolicy?: boolean;
}

/** The parts of a certificate that matter here. */
export type PolicyCertificate = Pick<Certificate, 'policies' | 'policyMappings' | 'policyConstraints' | 'inhibitAnyPolicy' | 'selfIssued'>;

interface PolicyNode {
  policy: string;
  expected: ReadonlySet<string>;
  parents: readonly PolicyNode[];
}

/** Nodes of one depth, by policy. */
type Level = Map<string, PolicyNode>;

export interface PolicyOutcome {
  valid: boolean;
  /** user-constrained-policy-set: what the path is good for; may hold anyPolicy. */
  policies: readonly string[];
  /** Index, counted from below the anchor, of the certificate where nothing acceptable was left; the last one when valid. */
  decidedAt: number;
  /** Nodes and edges made: what it cost. */
  steps: number;
}

const ANY = OID.anyPolicy;

/**
 * @param certificates from the one below the anchor to the leaf.
 * @param anchor its constraints narrow the beginning (RFC 5937 §3.2); its own policies say nothing.
 */
export function judgePolicies(
  certificates: readonly PolicyCertificate[],
  input: PolicyInput = {},
  anchor?: PolicyCertificate,
): PolicyOutcome {
  const n = certificates.length;
  const state = {
    explicit: Math.min(input.explicit ? 0 : n + 1, anchor?.policyConstraints?.requireExplicitPolicy ?? n + 1),
    mapping: Math.min(input.inhibitMapping ? 0 : n + 1, anchor?.policyConstraints?.inhibitPolicyMapping ?? n + 1),
    any: Math.min(input.inhibitAnyPolicy ? 0 : n + 1, anchor?.inhibitAnyPolicy ?? n + 1),
  };
  const steps = { count: 0 };
  let levels: Level[] = [new Map([[ANY, { policy: ANY, expected: new Set([ANY]), parents: [] }]])];
  for (const [index, certificate] of certificates.entries()) {
    const last = index === n - 1;
    const anyAllowed = state.any > 0 || (!last && certificate.selfIssued);
    levels = certificate.policies.length === 0 ? [] : extend(levels, certificate.policies, anyAllowed, steps);
    if (state.explicit === 0 && levels.length === 0) return { valid: false, policies: [], decidedAt: index, steps: steps.count };
    if (!last) {
      if (certificate.policyMappings.length > 0) levels = applyMappings(levels, certificate, state.mapping > 0);
      if (!certificate.selfIssued) countDown(state);
      const { requireExplicitPolicy, inhibitPolicyMapping } = certificate.policyConstraints ?? {};
      state.explicit = Math.min(state.explicit, requireExplicitPolicy ?? state.explicit);
      state.mapping = Math.min(state.mapping, inhibitPolicyMapping ?? state.mapping);
      state.any = Math.min(state.any, certificate.inhibitAnyPolicy ?? state.any);
    }
  }
  // §6.1.5 a and b.
  if (state.explicit > 0) state.explicit -= 1;
  if (certificates.at(-1)?.policyConstraints?.requireExplicitPolicy === 0) state.explicit = 0;
  const policies = userConstrained(authorityConstrained(levels), input.acceptable ?? [ANY]);
  return { valid: state.explicit > 0 || policies.length > 0, policies, decidedAt: n - 1, steps: steps.count };
}

function countDown(state: { explicit: number; mapping: number; any: number }): void {
  state.explicit = Math.max(0, state.explicit - 1);
  state.mapping = Math.max(0, state.mapping - 1);
  state.any = Math.max(0, state.any - 1);
}

/** §6.1.3 d: one more depth. An empty answer is the NULL graph. */
function extend(levels: Level[], policies: readonly string[], anyAllowed: boolean, steps: { count: number }): Level[] {
  const above = levels.at(-1);
  if (!above) return [];
  const expecting = new Map<string, PolicyNode[]>();
  for (const node of above.values()) {
    for (const policy of node.expected) {
      const nodes = expecting.get(policy);
      if (nodes) nodes.push(node);
      else expecting.set(policy, [node]);
    }
  }
  const anyAbove = above.get(ANY);
  const level: Level = new Map();
  const add = (policy: string, parents: readonly PolicyNode[]) => {
    steps.count += 1 + parents.length;
    level.set(policy, { policy, expected: new Set([policy]), parents });
  };
  for (const policy of policies) {
    if (policy === ANY) continue;
    const parents = expecting.get(policy) ?? (anyAbove ? [anyAbove] : []);
    if (parents.length > 0) add(policy, parents);
  }
  if (anyAllowed && policies.includes(ANY)) {
    for (const [policy, parents] of expecting) if (!level.has(policy)) add(policy, parents);
  }
  return prune([...levels, level]);
}

/** §6.1.4 b. */
function applyMappings(levels: Level[], certificate: PolicyCertificate, allowed: boolean): Level[] {
  const level = levels.at(-1);
  if (!level) return [];
  const targets = new Map<string, Set<string>>();
  for (const { issuerDomain, subjectDomain } of certificate.policyMappings) {
    const set = targets.get(issuerDomain);
    if (set) set.add(subjectDomain);
    else targets.set(issuerDomain, new Set([subjectDomain]));
  }
  for (const [policy, expected] of targets) {
    const node = level.get(policy);
    if (!allowed) level.delete(policy);
    else if (node) level.set(policy, { ...node, expected });
    else {
      const any = level.get(ANY);
      // The new node hangs where anyPolicy hangs: under the anyPolicy of the depth above.
      if (any) level.set(policy, { policy, expected, parents: any.parents });
    }
  }
  return prune(levels);
}

/** §6.1.3 d 3: nodes above the last depth that lead nowhere go; when the last depth is empty, everything does. */
function prune(levels: Level[]): Level[] {
  if (levels.at(-1)?.size === 0) return [];
  for (let depth = levels.length - 1; depth > 0; depth--) {
    const kept = new Set<PolicyNode>();
    for (const node of levels[depth]?.values() ?? []) for (const parent of node.parents) kept.add(parent);
    const above = levels[depth - 1] as Level;
    for (const [policy, node] of above) if (!kept.has(node)) above.delete(policy);
  }
  return levels;
}

/** RFC 9618 §5.5: policies whose line goes up through anyPolicy alone, and anyPolicy if it reached the end. */
function authorityConstrained(levels: readonly Level[]): Set<string> {
  const found = new Set<string>();
  for (const level of levels) {
    for (const { policy, parents } of level.values()) {
      if (policy !== ANY && parents.length === 1 && parents[0]?.policy === ANY) found.add(policy);
    }
  }
  if (levels.at(-1)?.has(ANY)) found.add(ANY);
  return found;
}

function userConstrained(authority: ReadonlySet<string>, acceptable: readonly string[]): string[] {
  if (acceptable.includes(ANY)) return [...authority];
  if (authority.has(ANY)) return [...acceptable];
  return acceptable.filter((policy) => authority.has(policy));
}
