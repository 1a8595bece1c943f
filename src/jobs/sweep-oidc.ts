import type { OidcDeps } from '#oidc/oidc-deps.ts';
import { sweepExpired } from '#oidc/sweep.ts';
import type { Job } from './run-jobs.ts';

/** Removes expired sessions, grants and tokens in small batches. */
export function sweepOidcJob(deps: Pick<OidcDeps, 'db' | 'clock'>): Job {
  return { name: 'sweep-oidc', everySeconds: 300, exclusive: true, run: () => sweepExpired(deps) };
}
