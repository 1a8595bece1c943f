/** Which lists are to be made: missing, past half their life, or older than a change among the certificates they are about. */
import { type Authority, isRoot } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type CrlFacts, deltaScope, findCrlFacts, findNewestLists } from './find-crl.ts';
import { partScope } from './publish-parts.ts';

/** Beyond this a revocation is published by the delta alone; the complete list follows at its own time. */
export const LARGE_LIST_ENTRIES = 20_000;

/** A complete list always comes with its delta, where there are deltas. */
export type Due = 'complete' | 'delta' | 'none';

type Made = Pick<CrlFacts, 'number' | 'thisUpdate' | 'nextUpdate' | 'entries' | 'total'>;

/** How many are revoked, and when a revocation, a hold made final or a release was the last. */
interface Change {
  total: number;
  changedAt: Date | null;
}

interface Standing {
  complete: Made | undefined;
  delta: Made | undefined;
  change: Change;
  hasDeltas: boolean;
}

/** What is due of one complete list and its delta. Pure. */
export function decideDue({ complete, delta, change, hasDeltas }: Standing, now: Date): Due {
  if (!complete || isPastHalf(complete, now)) return 'complete';
  const newest = delta && delta.number > complete.number ? delta : complete;
  if (change.total !== newest.total || (change.changedAt ?? new Date(0)) > newest.thisUpdate) {
    return hasDeltas && complete.entries > LARGE_LIST_ENTRIES ? 'delta' : 'complete';
  }
  // A delta whose signing was interrupted would leave the older one to tell less than the complete list.
  const isOverdue = !delta || delta.number < complete.number || isPastHalf(delta, now);
  return hasDeltas && isOverdue ? 'delta' : 'none';
}

function isPastHalf({ thisUpdate, nextUpdate }: Made, now: Date): boolean {
  return now.getTime() >= (thisUpdate.getTime() + nextUpdate.getTime()) / 2;
}

/** Of the lists about all certificates of the authority. */
export async function findDue(deps: CertificateDeps, authority: Authority): Promise<Due> {
  const { keyName } = authority;
  const [complete, delta, [change]] = await Promise.all([
    findCrlFacts(deps, keyName, 'complete'),
    findCrlFacts(deps, keyName, 'delta'),
    deps.db.$queryRaw<Change[]>`
      SELECT count(*)::int AS total, greatest(max(greatest(revoked_at, final_at)),
        (SELECT max(released_at) FROM certificate_release WHERE issuer_key = ${keyName})) AS "changedAt"
      FROM issued_certificate WHERE issuer_key = ${keyName} AND revoked_at IS NOT NULL`,
  ]);
  const standing = { complete, delta, change: change ?? { total: 0, changedAt: null }, hasDeltas: !isRoot(authority) };
  return decideDue(standing, deps.clock.now());
}

/** Of each part of the authority where anything is due; two questions, however many parts. */
export async function findDueParts(
  { db, clock }: CertificateDeps,
  { keyName, crlPartitions }: Authority,
): Promise<{ part: number; due: Exclude<Due, 'none'> }[]> {
  if (crlPartitions === 0) return [];
  const parts = Array.from({ length: crlPartitions }, (_, part) => part);
  const scopes = parts.map(partScope).flatMap((scope) => [scope, deltaScope(scope)]);
  const wanted = scopes.map((scope) => ({ issuerKey: keyName, scope }));
  const [lists, changes] = await Promise.all([
    findNewestLists({ db }, wanted),
    db.$queryRaw<(Change & { part: number })[]>`
      SELECT part, max(total)::int AS total, max(changed_at) AS "changedAt" FROM (
        SELECT crl_partition AS part, count(*) AS total, max(greatest(revoked_at, final_at)) AS changed_at FROM issued_certificate
        WHERE issuer_key = ${keyName} AND revoked_at IS NOT NULL AND crl_partition IS NOT NULL GROUP BY crl_partition
        UNION ALL
        SELECT c.crl_partition, 0, max(r.released_at) FROM certificate_release r JOIN issued_certificate c ON c.serial_hex = r.serial_hex
        WHERE r.issuer_key = ${keyName} AND c.crl_partition IS NOT NULL GROUP BY c.crl_partition) AS both_kinds
      GROUP BY part`,
  ]);
  const newest = new Map(lists.map((list) => [list.scope, list]));
  const changed = new Map(changes.map((change) => [change.part, change]));
  return parts.flatMap((part) => {
    const scope = partScope(part);
    const change = changed.get(part) ?? { total: 0, changedAt: null };
    const due = decideDue({ complete: newest.get(scope), delta: newest.get(deltaScope(scope)), change, hasDeltas: true }, clock.now());
    return due === 'none' ? [] : [{ part, due }];
  });
}
