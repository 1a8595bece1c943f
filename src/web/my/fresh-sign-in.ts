import { FRESH_SIGN_IN_SECONDS, MIN_PERSON_LEVEL } from '#certificates/enrolment-limits.ts';
import { acrLevel } from '#sign-in/acr.ts';
import type { Session } from '#sign-in/sessions.ts';
import type { WebContext } from '#web/web-context.ts';

/** Whether the sign-in is strong and young enough for a new certificate or a mandate; the use-case decides again. */
export function isFreshEnough({ clock }: Pick<WebContext, 'clock'>, { acr, authTime }: Session): boolean {
  const age = clock.now().getTime() - authTime.getTime();
  return (acrLevel(acr) ?? 1) >= MIN_PERSON_LEVEL && age <= FRESH_SIGN_IN_SECONDS * 1000;
}
