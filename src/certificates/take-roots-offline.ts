/**
 * Roots that were online leave the key store: from now on they count as offline, and their lists last until the key comes out again.
 * That the keys are safe elsewhere, and are destroyed in the store afterwards, is the caller's.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { Authority } from './authorities.ts';
import { requireAuthority } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { publishRootCrl } from './hold-ceremony.ts';

/** `deps.keys` must sign for them. Idempotent: after a failure in the middle it is done again. Answers the roots as they are now. */
export async function takeRootsOffline(deps: CertificateDeps, roots: readonly Authority[], by: string): Promise<Authority[]> {
  const { db, clock } = deps;
  const taken: Authority[] = [];
  for (const { keyName } of roots) {
    await db.$transaction(async (tx) => {
      const { count } = await tx.certificateAuthority.updateMany({
        where: { keyName, area: 'root', state: 'current' },
        data: { state: 'offline' },
      });
      if (count > 0) await recordEvent(tx, { kind: 'root-taken-offline', actor: by, subject: `key:${keyName}`, at: clock.now() });
    });
    const root = await requireAuthority(deps, keyName);
    await publishRootCrl(deps, root);
    taken.push(root);
  }
  return taken;
}
