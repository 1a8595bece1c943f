/**
 * Whether several files show one and the same licence: each of ours carries, under its seal, the licence's identifier and the digest
 * of its canonical data. Only what a genuine file says counts: anybody can write an identifier into a file of his own, and a citizen
 * can sign it, so files must also be equally official and be sealed by one organisation.
 */
import type { Verification } from './verdict.ts';

export type SameLicence = 'same' | 'different' | 'not-proven';

export interface LicenceComparison {
  verdict: SameLicence;
  /**
   * `other-licence`, `other-data`, `file-not-genuine`, `file-not-official`, `sealed-by-another`, `no-licence-identifier`,
   * `no-licence-data-digest`. Empty for `same`.
   */
  reasons: string[];
}

/**
 * `different` when two genuine files name two licences, or one licence with different data (another version of it);
 * `not-proven` when a file is not genuine or does not say. Takes two files or more.
 */
export function compareLicences(verifications: readonly Verification[]): LicenceComparison {
  const genuine = verifications.filter(({ report }) => report.verdict === 'genuine');
  const identifiers = new Set(genuine.flatMap(({ licenceIdentifier }) => licenceIdentifier ?? []));
  const digests = new Set(genuine.flatMap(({ licenceDataDigest }) => licenceDataDigest ?? []));
  if (identifiers.size > 1) return { verdict: 'different', reasons: ['other-licence'] };
  if (digests.size > 1) return { verdict: 'different', reasons: ['other-data'] };
  const reasons: string[] = [];
  if (genuine.length < verifications.length) reasons.push('file-not-genuine');
  if (genuine.some(({ report }) => report.official) && genuine.some(({ report }) => !report.official)) reasons.push('file-not-official');
  if (!haveCommonSealer(genuine)) reasons.push('sealed-by-another');
  if (genuine.some(({ licenceIdentifier }) => !licenceIdentifier)) reasons.push('no-licence-identifier');
  if (genuine.some(({ licenceDataDigest }) => !licenceDataDigest)) reasons.push('no-licence-data-digest');
  return { verdict: reasons.length > 0 ? 'not-proven' : 'same', reasons };
}

function haveCommonSealer(verifications: readonly Verification[]): boolean {
  const [first, ...others] = verifications.map(({ report }) => organisationsOf(report.signatures));
  return first === undefined || [...first].some((organisation) => others.every((set) => set.has(organisation)));
}

function organisationsOf(signatures: Verification['report']['signatures']): Set<string> {
  const sealed = signatures.filter(({ kind, signer }) => kind !== 'timestamp' && signer?.organisation);
  return new Set(sealed.map(({ signer }) => signer?.organisation ?? ''));
}
