/**
 * Sessions of browsers in PostgreSQL. The row is found by the hash of the cookie's id and kept under its unchanging uid;
 * `authorizations`, where the engine notes each app, are rows of their own. So apps that sign in at the same moment add
 * rows instead of overwriting one document, and none is forgotten at log-out.
 */
import { isDeepStrictEqual } from 'node:util';
import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { type Database, Prisma } from '#storage/database.ts';
import { storedId } from './stored-id.ts';

interface Authorization {
  sid?: string;
  grantId?: string;
  persistsLogout?: boolean;
}

interface SessionRow {
  uid: string;
  payload: AdapterPayload;
  authorizations: Record<string, Authorization> | null;
}

/** A session in use is written again at most this often when nothing but its time changed: reading must not cost a disk write. */
const TOUCH_SECONDS = 60;

/** What a request found, so that saving knows whether anything changed. A copy: the engine changes what it was given. */
const found = new WeakMap<object, SessionRow & { id: string }>();

export function sessionAdapter(db: Database): Adapter {
  const read = async (where: Prisma.Sql): Promise<SessionRow | undefined> => {
    const rows = await db.$queryRaw<SessionRow[]>`
      SELECT s.uid, s.payload,
        (SELECT jsonb_object_agg(p.client_id, jsonb_strip_nulls(jsonb_build_object(
           'sid', p.sid, 'grantId', p.grant_id, 'persistsLogout', CASE WHEN p.persists_logout THEN true END)))
         FROM oidc_participation p WHERE p.session_uid = s.uid AND p.left_at IS NULL) AS authorizations
      FROM oidc_session s WHERE ${where} AND s.ended_at IS NULL LIMIT 1`;
    return rows[0];
  };
  const whole = (row: SessionRow | undefined, jti?: string): AdapterPayload | undefined =>
    row && { ...row.payload, uid: row.uid, ...(row.authorizations ? { authorizations: row.authorizations } : {}), ...(jti ? { jti } : {}) };

  return {
    async find(id) {
      const row = await read(Prisma.sql`s.id_hash = ${storedId(id)}`);
      const ctx = Provider.ctx;
      if (row && ctx) found.set(ctx, { ...structuredClone(row), id });
      return whole(row, id);
    },

    /** The cookie's id is known only as a hash, so what is found by uid has none; the engine asks for accounts and grants alone. */
    async findByUid(uid) {
      return whole(await read(Prisma.sql`s.uid = ${uid}`));
    },

    /**
     * Merges: never revives an ended session, never takes an app away, never puts a changed id back.
     * A session that was ended meanwhile refuses with SessionNotFound, so that no app joins it unseen.
     */
    async upsert(id, { jti: _secret, authorizations, uid, ...payload }, expiresIn) {
      const clientId = Provider.ctx?.oidc?.client?.clientId;
      const joined = clientId === undefined ? undefined : (authorizations as Record<string, Authorization> | undefined)?.[clientId];
      const before = Provider.ctx && found.get(Provider.ctx);
      // Of a sign-in just made (see `interactions.ts`).
      const portalSessionId = (Provider.ctx?.oidc?.result?.['portalSessionId'] as string | undefined) ?? null;
      if (portalSessionId === null && before && before.id === id && before.uid === uid && isUnchanged(before, payload, clientId, joined)) {
        if (await isAlive(db, uid)) return;
        throw new errors.SessionNotFound('the session has ended');
      }
      const personId = payload.accountId ?? null;
      const saved = await db.$queryRaw<{ uid: string }[]>`
        WITH saved AS (
          INSERT INTO oidc_session AS s (uid, id_hash, person_id, payload, created_at, expires_at, portal_session_id)
          VALUES (${uid}, ${storedId(id)}, ${personId}, ${JSON.stringify(payload)}::jsonb, now(), now() + ${expiresIn} * interval '1 second',
            ${portalSessionId}::uuid)
          ON CONFLICT (uid) DO UPDATE SET
            payload = EXCLUDED.payload, expires_at = EXCLUDED.expires_at, person_id = EXCLUDED.person_id,
            id_hash = coalesce(s.id_hash, EXCLUDED.id_hash),
            portal_session_id = coalesce(EXCLUDED.portal_session_id, s.portal_session_id)
          WHERE s.ended_at IS NULL AND (s.person_id IS NULL OR s.person_id = EXCLUDED.person_id)
          RETURNING s.uid
        ), joined AS (
          INSERT INTO oidc_participation AS p (session_uid, client_id, person_id, sid, grant_id, persists_logout, first_seen_at, last_seen_at)
          SELECT saved.uid, ${clientId ?? null}, ${personId}, ${joined?.sid ?? null}, ${joined?.grantId ?? null}, ${joined?.persistsLogout ?? false}, now(), now()
          FROM saved WHERE ${joined?.sid !== undefined && personId !== null}
          ON CONFLICT (session_uid, client_id) DO UPDATE SET
            sid = EXCLUDED.sid, grant_id = coalesce(EXCLUDED.grant_id, p.grant_id), last_seen_at = now(), left_at = NULL,
            persists_logout = EXCLUDED.persists_logout OR (p.persists_logout AND p.left_at IS NULL)
          RETURNING 1
        )
        SELECT uid FROM saved`;
      if (saved.length === 0) throw new errors.SessionNotFound('the session has ended');
    },

    /** The engine drops an id in two cases: before it saves the session under a new one, and at log-out (see `end-session.ts`). */
    async destroy(id) {
      await db.$executeRaw`
        UPDATE oidc_session SET id_hash = NULL WHERE id_hash = ${storedId(id)}`;
    },

    async consume() {
      throw new Error('sessions are not consumed');
    },
    async revokeByGrantId() {},
    async findByUserCode() {
      throw new Error('sessions have no user code');
    },
  };
}

/** The same but for a little more time to live. */
function isUnchanged(
  before: SessionRow,
  payload: Partial<AdapterPayload>,
  clientId: string | undefined,
  joined: Authorization | undefined,
): boolean {
  const { exp: expBefore = 0, iat: _before, ...rest } = before.payload;
  const { exp = 0, iat: _now, ...now } = payload;
  const known = clientId === undefined ? undefined : before.authorizations?.[clientId];
  return exp - expBefore < TOUCH_SECONDS && isDeepStrictEqual(now, rest) && isDeepStrictEqual(joined, known);
}

async function isAlive(db: Database, uid: string): Promise<boolean> {
  const rows = await db.$queryRaw<unknown[]>`SELECT 1 FROM oidc_session WHERE uid = ${uid} AND ended_at IS NULL AND id_hash IS NOT NULL`;
  return rows.length > 0;
}
