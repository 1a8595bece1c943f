import type { Adapter, AdapterPayload } from 'oidc-provider';
import { findClientMetadata } from './clients.ts';
import type { OidcDeps } from './oidc-deps.ts';

/** Every request reads its client; a change shows in all processes after this at the latest. */
const FRESH_MS = 3_000;
const MAX_CACHED = 2_000;

/** Clients as registered. The engine never writes them. */
export function clientAdapter(deps: Pick<OidcDeps, 'db' | 'fields'>): Adapter {
  const cached = new Map<string, { until: number; metadata: AdapterPayload }>();
  const never = async () => {
    throw new Error('clients are registered by registerClient');
  };
  return {
    async find(id) {
      const known = cached.get(id);
      if (known && known.until > performance.now()) return known.metadata;
      cached.delete(id);
      const metadata = await findClientMetadata(deps, id);
      if (!metadata) return undefined;
      if (cached.size >= MAX_CACHED) cached.clear();
      cached.set(id, { until: performance.now() + FRESH_MS, metadata });
      return metadata;
    },
    upsert: never,
    destroy: never,
    consume: never,
    revokeByGrantId: never,
    findByUid: never,
    findByUserCode: never,
  };
}
