/** NIST PKITS: the published path validation suite, with initial policies, delta and indirect lists. Prints its score. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DerError } from '#crypto/der.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import type { PolicyInput } from '#pki/policy-graph.ts';
import { type PathResult, validatePath } from '#pki/validate-path.ts';

interface PkitsCase {
  id: string;
  name: string;
  leaf: string;
  intermediates: string[];
  crls: string[];
  valid: boolean;
  policies?: PolicyInput;
}

const { cases, files } = JSON.parse(readFileSync(new URL('../vectors/x509/pkits.json', import.meta.url), 'utf8')) as {
  cases: PkitsCase[];
  files: Record<string, string>;
};
const AT = new Date('2012-01-01T00:00:00Z');
/** Cases where we answer otherwise than the suite, with the reason; the test fails when one is missing here, and when one is here for nothing. */
const DEVIATIONS: Record<string, string> = {};

/** What cannot be read takes no part; that alone must then decide the case. */
function readAll<T>(names: readonly string[], parse: (der: Uint8Array) => T): T[] {
  return names.flatMap((name) => {
    try {
      return files[name] ? [parse(Buffer.from(files[name], 'base64'))] : [];
    } catch (error) {
      if (error instanceof DerError) return [];
      throw error;
    }
  });
}

/** Two cases are about DSA, which `acceptWeak` alone admits. */
function judge(item: PkitsCase, acceptWeak = true): PathResult | undefined {
  const [leaf] = readAll<Certificate>([item.leaf], parseCertificate);
  return (
    leaf &&
    validatePath({
      leaf,
      intermediates: readAll<Certificate>(item.intermediates, parseCertificate),
      anchors: readAll<Certificate>(['TrustAnchorRootCertificate.crt'], parseCertificate),
      at: AT,
      crls: readAll<Crl>([...item.crls, 'TrustAnchorRootCRL.crl'], parseCrl),
      requireRevocation: true,
      acceptWeak,
      ...(item.policies ? { policies: item.policies } : {}),
    })
  );
}

const judged = cases.map((item) => ({ item, result: judge(item) }));

test('every case is answered as the suite says, but for those in the table', () => {
  const wrong = judged.filter(({ item, result }) => (result?.valid ?? false) !== item.valid);
  console.log(`PKITS: ${cases.length - wrong.length} of ${cases.length} cases agree`);
  const names = wrong.map(({ item, result }) => `${item.id} ${item.name}: ${result?.reasons.join(', ') || 'accepted'}`);
  expect(names.filter((name) => !((name.split(' ')[0] as string) in DEVIATIONS))).toEqual([]);
  expect(Object.keys(DEVIATIONS).filter((id) => !wrong.some(({ item }) => item.id === id))).toEqual([]);
});

test('every refusal names the certificate it is about', () => {
  for (const { item, result } of judged) {
    if (!result || result.valid) continue;
    expect(result.findings.length, item.name).toBeGreaterThan(0);
    for (const { index } of result.findings) expect(result.path[index], item.name).toBeDefined();
  }
});

/** What the refusal must be for: the numbers are chapters of the suite. */
test.each<[string, RegExp, string[]]>([
  ['signatures', /^401/, ['bad-signature', 'no-path-to-anchor']],
  ['validity', /^402/, ['expired', 'not-yet-valid']],
  ['names that do not chain', /^403/, ['no-path-to-anchor', 'revocation-unknown']],
  ['basic constraints', /^406/, ['not-a-ca', 'path-too-long']],
  ['key usage', /^407/, ['wrong-key-usage', 'revocation-unknown']],
  ['policies', /^408/, ['policy-not-acceptable']],
  ['explicit policies', /^409/, ['policy-not-acceptable']],
  ['policy mappings', /^410/, ['policy-not-acceptable', 'malformed-extension']],
  ['inhibited mappings', /^411/, ['policy-not-acceptable']],
  ['inhibited any-policy', /^412/, ['policy-not-acceptable']],
  ['name constraints', /^413/, ['name-not-permitted']],
  ['distribution points', /^414/, ['revoked', 'revocation-unknown']],
  ['delta lists', /^415/, ['revoked', 'revocation-unknown']],
  ['unknown extensions', /^416/, ['unknown-critical-extension']],
])('refusals of the chapter on %s are for that', (_chapter, ids, reasons) => {
  const refused = judged.filter(({ item, result }) => ids.test(item.id) && result && !result.valid);
  const others = refused.filter(({ result }) => !result?.reasons.some((reason) => reasons.includes(reason)));
  expect(others.map(({ item, result }) => `${item.id} ${item.name}: ${result?.reasons.join(', ')}`)).toEqual([]);
});

test('DSA is refused unless it is asked for, and nothing else changes', () => {
  const changed = judged.filter(({ item, result }) => result?.valid && !judge(item, false)?.valid);
  expect(changed.map(({ item }) => item.name)).toEqual(['valid_dsa_signatures_test4', 'valid_dsa_parameter_inheritance_test5']);
});
