import type { Adapter, AdapterFactory } from 'oidc-provider';
import { Prisma } from '#storage/database.ts';
import { clientAdapter } from './client-adapter.ts';
import { ephemeralAdapter } from './ephemeral-adapter.ts';
import { grantAdapter, revokeGrants } from './grants.ts';
import type { OidcDeps } from './oidc-deps.ts';
import { refreshTokenAdapter } from './refresh-token-adapter.ts';
import { sessionAdapter } from './session-adapter.ts';

/**
 * Where each kind of the engine's records lives: what must survive in PostgreSQL, what lives for minutes in the short-lived store.
 * Revoking a grant is one statement for all kinds: tokens whose grant is gone are honoured nowhere, wherever they lie.
 */
export function adapterFactory(deps: OidcDeps): AdapterFactory {
  const { db, ephemeral } = deps;
  const revokeGrant = async (grantId: string) => {
    await revokeGrants(db, Prisma.sql`id = ${grantId}`);
  };
  const durable: Record<string, () => Adapter> = {
    Client: () => clientAdapter(deps),
    Grant: () => grantAdapter(db),
    RefreshToken: () => refreshTokenAdapter(db, revokeGrant),
    Session: () => sessionAdapter(db),
  };
  return (model) =>
    durable[model]?.() ??
    ephemeralAdapter({
      ephemeral,
      model,
      onReuse: async ({ grantId }) => {
        if (grantId) await revokeGrant(grantId);
      },
      // The engine asks every kind in turn; once is enough.
      ...(model === 'AccessToken' ? { revokeGrant } : {}),
    });
}
