import type { OidcDeps } from './oidc-deps.ts';
import { sweepRetiredKeys } from './signing-keys.ts';

/** Rows per round: short transactions, so that a sweep never stands in anybody's way. */
const BATCH = 1_000;
/** Ended sessions stay this long for questions about a log-out; reports stay with them. */
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
    sweepRetiredKeys(deps),
  ]);
  return counts.reduce((sum, count) => sum + count, 0);
}
