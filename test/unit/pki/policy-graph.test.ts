import { describe, expect, test } from 'vitest';
import { OID } from '#crypto/oids.ts';
import { judgePolicies, type PolicyCertificate } from '#pki/policy-graph.ts';

const ANY = OID.anyPolicy;
const one = (change: Partial<PolicyCertificate> = {}): PolicyCertificate => ({
  policies: [],
  policyMappings: [],
  policyConstraints: undefined,
  inhibitAnyPolicy: undefined,
  selfIssued: false,
  ...change,
});
const under = (...policies: string[]) => one({ policies });
const mapping = (policies: string[], ...pairs: [string, string][]) =>
  one({ policies, policyMappings: pairs.map(([issuerDomain, subjectDomain]) => ({ issuerDomain, subjectDomain })) });

describe('what a path is good for', () => {
  test.each<[string, PolicyCertificate[], string[]]>([
    ['the same policy all the way', [under('1.1'), under('1.1')], ['1.1']],
    ['one of several', [under('1.1', '1.2'), under('1.2', '1.3')], ['1.2']],
    ['different policies', [under('1.1'), under('1.2')], []],
    ['no policies', [under('1.1'), under()], []],
    ['any policy above a certain one', [under(ANY), under('1.1')], ['1.1']],
    ['a certain one above any policy', [under('1.1'), under(ANY)], ['1.1']],
    ['any policy all the way', [under(ANY), under(ANY)], [ANY]],
    ['a mapped policy, told in the words of the first authority', [mapping(['1.1'], ['1.1', '1.9']), under('1.9')], ['1.1']],
    ['a mapped policy under its old name', [mapping(['1.1'], ['1.1', '1.9']), under('1.1')], []],
    ['a mapping out of any policy', [mapping([ANY], ['1.1', '1.9']), under('1.9')], ['1.1']],
    ['two mapped to one', [mapping(['1.1', '1.2'], ['1.1', '1.9'], ['1.2', '1.9']), under('1.9')], ['1.1', '1.2']],
    ['one mapped to two', [mapping(['1.1'], ['1.1', '1.8'], ['1.1', '1.9']), under('1.8')], ['1.1']],
  ])('%s', (_what, path, policies) => {
    expect(judgePolicies(path).policies).toEqual(policies);
    expect(judgePolicies(path)).toMatchObject({ valid: true });
    expect(judgePolicies(path, { explicit: true }).valid).toBe(policies.length > 0);
  });
});

test('the caller’s policies narrow the outcome, and decide only when a policy is required', () => {
  const path = [under('1.1', '1.2'), under('1.1', '1.2')];
  expect(judgePolicies(path, { acceptable: ['1.2', '1.3'] })).toMatchObject({ valid: true, policies: ['1.2'] });
  expect(judgePolicies(path, { acceptable: ['1.3'] })).toMatchObject({ valid: true, policies: [] });
  expect(judgePolicies(path, { acceptable: ['1.3'], explicit: true })).toMatchObject({ valid: false });
  expect(judgePolicies([under(ANY), under(ANY)], { acceptable: ['1.3'], explicit: true })).toMatchObject({
    policies: ['1.3'],
    valid: true,
  });
});

test('requireExplicitPolicy counts down certificates that are not self-issued', () => {
  const requiring = (skip: number) => one({ policies: ['1.1'], policyConstraints: { requireExplicitPolicy: skip } });
  expect(judgePolicies([requiring(0), under()]).valid).toBe(false);
  expect(judgePolicies([requiring(1), under()]).valid).toBe(false);
  expect(judgePolicies([requiring(2), under()]).valid).toBe(true);
  expect(judgePolicies([requiring(1), one({ policies: ['1.1'], selfIssued: true }), under()]).valid).toBe(false);
  expect(judgePolicies([requiring(2), one({ selfIssued: true }), one(), one()])).toMatchObject({ valid: false, decidedAt: 3 });
  expect(judgePolicies([one(), one({ policyConstraints: { requireExplicitPolicy: 0 } })]).valid).toBe(false);
});

test('mappings and any-policy can be forbidden, by the caller, by an authority and by the anchor', () => {
  const mapped = [mapping(['1.1'], ['1.1', '1.9']), under('1.9')];
  expect(judgePolicies(mapped, { inhibitMapping: true }).policies).toEqual([]);
  expect(judgePolicies(mapped, {}, one({ policyConstraints: { inhibitPolicyMapping: 0 } })).policies).toEqual([]);
  expect(judgePolicies([under(ANY), under(ANY)], { inhibitAnyPolicy: true }).policies).toEqual([]);
  expect(judgePolicies([one({ policies: ['1.1'], inhibitAnyPolicy: 0 }), under(ANY)]).policies).toEqual([]);
  expect(judgePolicies([one({ policies: ['1.1'], inhibitAnyPolicy: 1 }), under(ANY)]).policies).toEqual(['1.1']);
  expect(judgePolicies([under('1.1')], {}, one({ inhibitAnyPolicy: 0 })).policies).toEqual(['1.1']);
  const above = one({ policies: ['1.1'], policyConstraints: { inhibitPolicyMapping: 0 } });
  expect(judgePolicies([above, ...mapped]).policies).toEqual([]);
  expect(judgePolicies([under('1.1')], {}, one({ policyConstraints: { requireExplicitPolicy: 0 } })).valid).toBe(true);
  expect(judgePolicies([under()], {}, one({ policyConstraints: { requireExplicitPolicy: 0 } })).valid).toBe(false);
});

describe('policies made to explode', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `1.3.${index}`);

  test('every policy mapped to every other, ten times over, costs the mappings and no more', () => {
    const list = many(100);
    const all = list.flatMap((from) => list.map((to): [string, string] => [from, to]));
    const path = [...Array.from({ length: 9 }, () => mapping(list, ...all)), under(...list)];
    const outcome = judgePolicies(path, { explicit: true });
    expect(outcome).toMatchObject({ valid: true });
    expect(outcome.policies).toHaveLength(100);
    // 100 nodes of 100 parents each on nine levels; a tree would have had 100^10 nodes.
    expect(outcome.steps).toBeLessThanOrEqual(9 * (100 * 100 + 100) + 200);
  });

  test('ten thousand policies on each of ten certificates', () => {
    const list = many(10_000);
    const outcome = judgePolicies(
      Array.from({ length: 10 }, () => under(...list)),
      { acceptable: ['1.3.9999'], explicit: true },
    );
    expect(outcome).toMatchObject({ valid: true, policies: ['1.3.9999'] });
    expect(outcome.steps).toBe(10 * 10_000 * 2);
  });
});
