/** Refresh tokens in PostgreSQL, so that a fail-over of the short-lived store lets none be used twice. */
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Database, Prisma } from '#storage/database.ts';
import { storedId } from './stored-id.ts';

export function refreshTokenAdapter(db: Database, revokeGrant: (grantId: string) => Promise<void>): Adapter {
  return {
    async upsert(id, { jti: _secret, ...payload }, expiresIn) {
      if (expiresIn === undefined) throw new Error('refresh tokens must expire');
      const now = new Date();
      await db.oidcRefreshToken.create({
        data: {
          idHash: storedId(id),
          grantId: payload.grantId ?? '',
          clientId: payload.clientId ?? '',
          personId: payload.accountId ?? '',
          payload: payload as Prisma.InputJsonObject,
          createdAt: now,
          expiresAt: new Date(now.getTime() + expiresIn * 1000),
        },
      });
    },
    async find(id) {
      const row = await db.oidcRefreshToken.findUnique({ where: { idHash: storedId(id) } });
      if (!row) return undefined;
      const consumed = row.consumedAt && { consumed: Math.floor(row.consumedAt.getTime() / 1000) };
      return { ...(row.payload as AdapterPayload), ...consumed, jti: id };
    },
    /** The guard is in the WHERE clause: of several at once one wins, and for the others the whole family dies (RFC 9700 §4.14.2). */
    async consume(id) {
      const idHash = storedId(id);
      const { count } = await db.oidcRefreshToken.updateMany({ where: { idHash, consumedAt: null }, data: { consumedAt: new Date() } });
      if (count === 1) return;
      const row = await db.oidcRefreshToken.findUnique({ where: { idHash }, select: { grantId: true } });
      if (row) await revokeGrant(row.grantId);
      throw new errors.InvalidGrant('refresh token already used');
    },
    async destroy(id) {
      await db.oidcRefreshToken.deleteMany({ where: { idHash: storedId(id) } });
    },
    async revokeByGrantId(grantId) {
      await revokeGrant(grantId);
    },
    async findByUid() {
      throw new Error('refresh tokens have no uid');
    },
    async findByUserCode() {
      throw new Error('refresh tokens have no user code');
    },
  };
}
