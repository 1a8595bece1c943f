import { withdrawMandate } from '#people/mandates.ts';
import { revokeEndedAuthority } from './acting.ts';
import type { EnrolDeps } from './enrolment.ts';

/**
 * Withdraws a mandate and revokes what was issued under it. The withdrawal holds even if revoking then fails: the worker comes back
 * to it. Throws Problem `mandate-not-found`, `mandate-not-in-force`.
 */
export async function endMandate(deps: EnrolDeps, input: { id: string; by: string }): Promise<void> {
  await withdrawMandate(deps, input);
  await revokeEndedAuthority(deps);
}
