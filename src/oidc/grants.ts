/**
 * A grant is what one app may ask for within one session. It is made from the person's consent (or, for the city's own apps,
 * from the registration) when the app first takes part, and goes with the session; the consent stays.
 * Every token names its grant, and the engine honours none whose grant is gone: deleting the row is the revocation.
 */
import { randomBytes } from 'node:crypto';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { type Database, Prisma, type Transaction } from '#storage/database.ts';

/** Offline access ends after this at the latest, however often it is renewed. */
export const GRANT_DAYS = 180;

export interface GrantContent {
  scopes: readonly string[];
  claims: readonly string[];
  rejectedScopes: readonly string[];
  rejectedClaims: readonly string[];
}

/**
 * The grant of this app in this session, made when there is none and brought up to `content` otherwise. Tabs that ask at the
 * same moment get the same one (a unique index decides), so no code of theirs is bound to a grant the session forgot.
 */
export async function openGrant(
  db: Database,
  input: { sessionUid: string; clientId: string; personId: string; content: GrantContent },
): Promise<{ payload: AdapterPayload; sid: string }> {
  const { sessionUid, clientId, personId, content } = input;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const exp = nowSeconds + GRANT_DAYS * 86_400;
  const body = {
    kind: 'Grant',
    accountId: personId,
    clientId,
    openid: { scope: content.scopes.join(' '), claims: content.claims },
    rejected: { openid: { scope: content.rejectedScopes.join(' '), claims: content.rejectedClaims } },
  };
  const rows = await db.$queryRaw<{ id: string; sid: string; payload: AdapterPayload }[]>`
    INSERT INTO oidc_grant AS g (id, session_uid, client_id, person_id, sid, payload, created_at, expires_at)
    VALUES (${randomId()}, ${sessionUid}, ${clientId}, ${personId}, ${randomId()}, ${JSON.stringify({ ...body, iat: nowSeconds, exp })}::jsonb,
      now(), to_timestamp(${exp}))
    ON CONFLICT (session_uid, client_id) DO UPDATE SET payload = g.payload || ${JSON.stringify(body)}::jsonb
    RETURNING id, sid, payload`;
  const row = rows[0];
  if (!row) throw new Error('the grant was not stored');
  return { payload: { ...row.payload, jti: row.id }, sid: row.sid };
}

/** The engine reads grants here; it makes none (see `openGrant`). */
export function grantAdapter(db: Database): Adapter {
  return {
    async find(id) {
      const row = await db.oidcGrant.findUnique({ where: { id } });
      return row ? { ...(row.payload as AdapterPayload), jti: row.id } : undefined;
    },
    async destroy(id) {
      await revokeGrants(db, Prisma.sql`id = ${id}`);
    },
    async revokeByGrantId(id) {
      await revokeGrants(db, Prisma.sql`id = ${id}`);
    },
    async upsert() {
      throw new Error('grants are made by openGrant');
    },
    async consume() {
      throw new Error('grants are not consumed');
    },
    async findByUid() {
      throw new Error('grants have no uid');
    },
    async findByUserCode() {
      throw new Error('grants have no user code');
    },
  };
}

/** Deletes the grants and with them the refresh tokens, in one statement. Answers how many grants there were. */
export async function revokeGrants(db: Database | Transaction, where: Prisma.Sql): Promise<number> {
  const rows = await db.$queryRaw<{ count: bigint }[]>`
    WITH gone AS (DELETE FROM oidc_grant WHERE ${where} RETURNING id),
         tokens AS (DELETE FROM oidc_refresh_token WHERE grant_id IN (SELECT id FROM gone) RETURNING 1)
    SELECT count(*) AS count FROM gone`;
  return Number(rows[0]?.count ?? 0);
}

function randomId(): string {
  return randomBytes(24).toString('base64url');
}
