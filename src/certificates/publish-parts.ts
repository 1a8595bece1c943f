/**
 * Partition lists (RFC 5280 §5.2.5): an authority with very many certificates spreads them over numbered lists, each certificate naming
 * one, so that a verifier fetches a hundredth of what the complete list has. Each has its delta, and the complete list goes on beside them
 * with everything.
 */
import { recordEvent } from '#audit/record-event.ts';
import { type Authority, forgetRecentAuthorities, isRoot, listAuthorities } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type CompleteScope, type CrlScope, deltaScope } from './find-crl.ts';

/** Beyond this lists are no shorter, only more. */
export const MAX_PARTS = 256;

export function partScope(part: number): CompleteScope {
  return `part-${part}`;
}

/** What an authority publishes: all its certificates' list and, but for a root, the delta of it; then the same of each part. */
export function scopesOf(authority: Authority): { scope: CrlScope; part?: number }[] {
  const scopes: { scope: CrlScope; part?: number }[] = [{ scope: 'complete' }];
  if (!isRoot(authority)) scopes.push({ scope: deltaScope('complete') });
  for (let part = 0; part < authority.crlPartitions; part++) {
    scopes.push({ scope: partScope(part), part }, { scope: deltaScope(partScope(part)), part });
  }
  return scopes;
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
