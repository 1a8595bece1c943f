import { deliverDueLogouts } from '#oidc/deliver-logouts.ts';
import type { OidcDeps } from '#oidc/oidc-deps.ts';
import type { Job } from './run-jobs.ts';

export const LOGOUT_JOB = 'deliver-logouts';

/** Carries log-outs to the apps. Any number of workers may run it; wake it when a log-out was written. */
export function logoutDeliveryJob(deps: OidcDeps & { issuer: string }): Job {
  return { name: LOGOUT_JOB, everySeconds: 2, run: () => deliverDueLogouts(deps) };
}
