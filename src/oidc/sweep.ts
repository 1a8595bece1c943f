import type { OidcDeps } from './oidc-deps.ts';
import { sweepRetiredKeys } from './signing-keys.ts';

/** Rows per round: short transactions, so that a sweep never stands in anybody's way. */
const BATCH = 1_000;
/** Reports of log-outs stay as long as logs must (six months, Cybersecurity Law). */
const KEEP_REPORTS_DAYS = 183;
/** Ended sessions stay this long for questions about a log-out. */
const KEEP_ENDED_DAYS = 30;

/** Removes what expired. Answers how many rows went, so that the caller knows whether to come back at once. */
export async function sweepExpired(deps: Pick<OidcDeps, 'db' | 'clock'>): Promise<number> {
  const { db, clock } = deps;
  const now = clock.now();
  const longAgo = new Date(now.getTime() - KEEP_ENDED_DAYS * 86_400_000);
  const counts = await Promise.all([
    db.$executeRaw`DELETE FROM oidc_refresh_token WHERE id_hash IN (SELECT id_hash FROM oidc_refresh_token WHERE expires_at < ${now} LIMIT ${BATCH})`,
    db.$executeRaw`DELETE FROM oidc_grant WHERE id IN (SELECT id FROM oidc_grant WHERE expires_at < ${now} LIMIT ${BATCH})`,
    db.$executeRaw`DELETE FROM oidc_session WHERE uid IN (
      SELECT uid FROM oidc_session WHERE (person_id IS NULL AND expires_at < ${now}) OR expires_at < ${longAgo} LIMIT ${BATCH})`,
    db.$executeRaw`DELETE FROM oidc_participation p WHERE p.ctid IN (
      SELECT q.ctid FROM oidc_participation q LEFT JOIN oidc_session s ON s.uid = q.session_uid
      WHERE s.uid IS NULL AND q.last_seen_at < ${longAgo} LIMIT ${BATCH})`,
    sweepReports(deps, new Date(now.getTime() - KEEP_REPORTS_DAYS * 86_400_000)),
    sweepRetiredKeys(deps),
  ]);
  return counts.reduce((sum, count) => sum + count, 0);
}

async function sweepReports({ db }: Pick<OidcDeps, 'db'>, before: Date): Promise<number> {
  return db.$executeRaw`
    WITH old AS (SELECT id FROM oidc_logout WHERE at < ${before} LIMIT ${BATCH}),
         gone AS (DELETE FROM oidc_logout_delivery WHERE logout_id IN (SELECT id FROM old) RETURNING 1)
    DELETE FROM oidc_logout WHERE id IN (SELECT id FROM old)`;
}
