/**
 * Partition lists (RFC 5280 §5.2.5): an authority with very many certificates spreads them over numbered lists, each certificate naming
 * one, so that a verifier fetches a hundredth of what the complete list has. The complete list goes on beside them and has everything.
 */
import { recordEvent } from '#audit/record-event.ts';
import { type Authority, forgetRecentAuthorities, isRoot, listAuthorities } from './authorities.ts';
import { type CertificateDeps, crlUrl } from './certificate-deps.ts';
import type { CrlScope } from './find-crl.ts';

/** Beyond this lists are no shorter, only more. */
export const MAX_PARTS = 256;

export function partScope(part: number): CrlScope {
  return `part-${part}`;
}

/** Each part of the authority with its list's address, which the list itself names as its place. */
export function partUrl({ publicOrigin }: Pick<CertificateDeps, 'publicOrigin'>, { keyName }: Authority, part: number): string {
  return crlUrl(publicOrigin, keyName, part);
}

interface PartRow {
  scope: string;
  thisUpdate: Date;
  nextUpdate: Date;
  total: number;
}

interface PartChange {
  part: number;
  total: number;
  changedAt: Date | null;
}

/** Parts whose list is missing, past half its life, or older than a revocation, a hold made final or a release in it. */
export async function findDueParts({ db, clock }: CertificateDeps, { keyName, crlPartitions }: Authority): Promise<number[]> {
  if (crlPartitions === 0) return [];
  const [lists, changes] = await Promise.all([
    db.$queryRaw<PartRow[]>`
      SELECT DISTINCT ON (scope) scope, this_update AS "thisUpdate", next_update AS "nextUpdate", total FROM revocation_list
      WHERE issuer_key = ${keyName} AND scope LIKE 'part-%' AND digest IS NOT NULL ORDER BY scope, number DESC`,
    db.$queryRaw<PartChange[]>`
      SELECT part, max(total)::int AS total, max(changed_at) AS "changedAt" FROM (
        SELECT crl_partition AS part, count(*) AS total, max(greatest(revoked_at, final_at)) AS changed_at FROM issued_certificate
        WHERE issuer_key = ${keyName} AND revoked_at IS NOT NULL AND crl_partition IS NOT NULL GROUP BY crl_partition
        UNION ALL
        SELECT c.crl_partition, 0, max(r.released_at) FROM certificate_release r JOIN issued_certificate c ON c.serial_hex = r.serial_hex
        WHERE r.issuer_key = ${keyName} AND c.crl_partition IS NOT NULL GROUP BY c.crl_partition) AS both_kinds
      GROUP BY part`,
  ]);
  const now = clock.now().getTime();
  return Array.from({ length: crlPartitions }, (_, part) => part).filter((part) => {
    const list = lists.find(({ scope }) => scope === partScope(part));
    if (!list || now >= (list.thisUpdate.getTime() + list.nextUpdate.getTime()) / 2) return true;
    const change = changes.find((one) => one.part === part);
    return (change?.total ?? 0) !== list.total || (change?.changedAt ?? new Date(0)) > list.thisUpdate;
  });
}

/**
 * Tells the authorities of an area into how many parts their lists go; what they issue from then on names one of them. The number only
 * grows: certificates name parts, and those must be kept up.
 */
export async function setParts(deps: CertificateDeps, wanted: Readonly<Partial<Record<string, number>>>): Promise<void> {
  for (const authority of await listAuthorities(deps)) {
    const parts = wanted[authority.area] ?? 0;
    if (isRoot(authority) || authority.state !== 'current' || parts <= authority.crlPartitions) continue;
    if (parts > MAX_PARTS) throw new RangeError(`A list goes into ${MAX_PARTS} parts at most.`);
    await deps.db.$transaction(async (tx) => {
      const { count } = await tx.certificateAuthority.updateMany({
        where: { keyName: authority.keyName, crlPartitions: { lt: parts } },
        data: { crlPartitions: parts },
      });
      if (count === 0) return;
      await recordEvent(tx, {
        kind: 'crl-partitions-set',
        actor: 'system:authority',
        subject: `crl:${authority.keyName}`,
        detail: { parts },
        at: deps.clock.now(),
      });
    });
  }
  forgetRecentAuthorities(deps);
}
