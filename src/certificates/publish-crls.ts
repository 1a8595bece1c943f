/**
 * Revocation lists (RFC 5280 §5): each authority's complete list, those of its parts, and beside each a delta with what changed since the
 * oldest such list that still holds. Published again even if nothing changed, because a list that ran out tells a verifier nothing.
 */
import { type Authority, isRoot, listAuthorities, requireAuthority } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type Due, findDue, findDueParts, LARGE_LIST_ENTRIES } from './due-crls.ts';
import { findCrlFacts, type PublishedCrl } from './find-crl.ts';
import { makeComplete, makeDelta } from './make-crls.ts';

/** A root's list changes almost never and its key is used rarely; an issuing authority's must be fresh. */
const LIFE_DAYS = { root: 30, issuing: 7 } as const;

/** New lists of every authority. */
export async function publishCrls(deps: CertificateDeps): Promise<PublishedCrl[]> {
  const published: PublishedCrl[] = [];
  for (const authority of await publishingAuthorities(deps)) {
    published.push(await publishCrl(deps, authority.keyName));
    for (let part = 0; part < authority.crlPartitions; part++) published.push(await publishPart(deps, authority, part, 'complete'));
  }
  return published;
}

/** New lists only where the last one is missing, past half its life, or older than a revocation or release. */
export async function publishDueCrls(deps: CertificateDeps): Promise<PublishedCrl[]> {
  const published = await Promise.all(
    (await publishingAuthorities(deps)).map(async (authority): Promise<PublishedCrl[]> => {
      const due = await findDue(deps, authority);
      const parts = await publishDueParts(deps, authority);
      if (due === 'none') return parts;
      return [due === 'delta' ? await publishDelta(deps, authority.keyName) : await publishCrl(deps, authority.keyName), ...parts];
    }),
  );
  return published.flat();
}

/** After a revocation or a release: the lists of the part it is in and of all; the delta alone where the complete list is large. */
export async function publishChange(deps: CertificateDeps, keyName: string): Promise<PublishedCrl> {
  const authority = await requireAuthority(deps, keyName);
  await publishDueParts(deps, authority);
  const last = await findCrlFacts(deps, keyName, 'complete');
  return last && last.entries > LARGE_LIST_ENTRIES && !isRoot(authority) ? publishDelta(deps, keyName) : publishCrl(deps, keyName);
}

/** After many revocations: each authority's lists once. One that fails keeps none of the others from being published; then it throws. */
export async function publishChanges(deps: CertificateDeps, keyNames: Iterable<string>): Promise<void> {
  const failures: unknown[] = [];
  for (const keyName of keyNames) await publishChange(deps, keyName).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** New lists of those parts that need one: complete with its delta, or the delta alone. */
export async function publishDueParts(deps: CertificateDeps, authority: Authority): Promise<PublishedCrl[]> {
  const published: PublishedCrl[] = [];
  for (const { part, due } of await findDueParts(deps, authority)) published.push(await publishPart(deps, authority, part, due));
  return published;
}

function publishPart(deps: CertificateDeps, authority: Authority, part: number, due: Exclude<Due, 'none'>): Promise<PublishedCrl> {
  if (due === 'delta') return makeDelta(deps, authority, { part });
  return makeComplete(deps, authority, { part, lifeDays: LIFE_DAYS.issuing });
}

/** Those whose key is at hand: the list of an offline root is made where its key is. */
async function publishingAuthorities(deps: CertificateDeps): Promise<Authority[]> {
  return (await listAuthorities(deps)).filter(({ state }) => state !== 'offline');
}

/**
 * A new complete list of one authority, and its delta under the same number; `lifeDays` for a root whose key is seldom at hand.
 * Throws Problem `authority-missing`.
 */
export async function publishCrl(deps: CertificateDeps, keyName: string, lifeDays?: number): Promise<PublishedCrl> {
  const authority = await requireAuthority(deps, keyName);
  return makeComplete(deps, authority, { part: undefined, lifeDays: lifeDays ?? LIFE_DAYS[isRoot(authority) ? 'root' : 'issuing'] });
}

/** A new delta list alone. Throws Problem `authority-missing`. */
export async function publishDelta(deps: CertificateDeps, keyName: string): Promise<PublishedCrl> {
  return makeDelta(deps, await requireAuthority(deps, keyName), { part: undefined });
}
