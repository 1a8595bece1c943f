/** How an authority's lists stand: complete and delta, of all certificates and of each part, the newest signed one of each, or that there is none. */
import type { Authority } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type CrlScope, findNewestLists, type NewestList } from './find-crl.ts';
import { scopesOf } from './publish-parts.ts';

/** `ending`: three quarters of its life are over, while the next is due at half: whoever publishes is not at work. */
export type CrlState = 'current' | 'ending' | 'ended' | 'missing';

export interface CrlStanding {
  scope: CrlScope;
  /** Of the part, from 0. */
  part: number | undefined;
  state: CrlState;
  /** Undefined when it is missing. */
  list: Omit<NewestList, 'issuerKey' | 'scope' | 'total'> | undefined;
}

/** By key name; in the order complete, delta, then each part and its delta. One question, however many parts. */
export async function listCrlStandings(
  { db, clock }: Pick<CertificateDeps, 'db' | 'clock'>,
  authorities: readonly Authority[],
): Promise<Map<string, CrlStanding[]>> {
  const wanted = authorities.flatMap((authority) => scopesOf(authority).map(({ scope }) => ({ issuerKey: authority.keyName, scope })));
  const rows = await findNewestLists({ db }, wanted);
  const newest = new Map(rows.map(({ issuerKey, scope, total: _total, ...list }) => [`${issuerKey} ${scope}`, list]));
  const now = clock.now();
  return new Map(
    authorities.map((authority) => {
      const standings = scopesOf(authority).map(({ scope, part }) => {
        const list = newest.get(`${authority.keyName} ${scope}`);
        return { scope, part, list, state: stateOf(list, now) };
      });
      return [authority.keyName, standings];
    }),
  );
}

function stateOf(list: Pick<NewestList, 'thisUpdate' | 'nextUpdate'> | undefined, now: Date): CrlState {
  if (!list) return 'missing';
  if (list.nextUpdate <= now) return 'ended';
  const [from, to] = [list.thisUpdate.getTime(), list.nextUpdate.getTime()];
  return now.getTime() >= from + (3 * (to - from)) / 4 ? 'ending' : 'current';
}
