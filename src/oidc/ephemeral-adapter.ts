/**
 * What lives for minutes: interactions, authorization codes, pushed requests, opaque access tokens.
 * `consume` is compare-and-set, so of any number of parallel users one wins.
 */
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import { storedId } from './stored-id.ts';

export interface EphemeralAdapterOptions {
  ephemeral: EphemeralStore;
  model: string;
  /** Told when a second use lost the race: whatever came of the grant must die (RFC 6749 §4.1.2). */
  onReuse: (payload: AdapterPayload) => Promise<void>;
  /** Called once for each grant whose tokens shall die; `undefined` for models that leave it to another. */
  revokeGrant?: (grantId: string) => Promise<void>;
}

export function ephemeralAdapter({ ephemeral, model, onReuse, revokeGrant }: EphemeralAdapterOptions): Adapter {
  const keyOf = (id: string) => `oidc:${model}:${Buffer.from(storedId(id)).toString('base64url')}`;
  const find = async (id: string) => {
    const stored = await ephemeral.get(keyOf(id));
    return stored === undefined ? undefined : { ...(JSON.parse(stored) as AdapterPayload), jti: id };
  };
  return {
    async upsert(id, { jti: _secret, ...payload }, expiresIn) {
      if (expiresIn === undefined) throw new Error(`${model} must expire`);
      await ephemeral.set(keyOf(id), JSON.stringify(payload), expiresIn);
    },
    find,
    async consume(id) {
      const key = keyOf(id);
      const stored = await ephemeral.get(key);
      const payload = stored === undefined ? undefined : (JSON.parse(stored) as AdapterPayload);
      const consumed = JSON.stringify({ ...payload, consumed: Math.floor(Date.now() / 1000) });
      if (stored !== undefined && !payload?.consumed && (await ephemeral.replace(key, stored, consumed, 60))) return;
      if (payload) await onReuse(payload);
      throw refusal(model);
    },
    async destroy(id) {
      await ephemeral.remove(keyOf(id));
    },
    async revokeByGrantId(grantId) {
      await revokeGrant?.(grantId);
    },
    async findByUid() {
      throw new Error(`${model} has no uid`);
    },
    async findByUserCode() {
      throw new Error(`${model} has no user code`);
    },
  };
}

function refusal(model: string): Error {
  if (model === 'PushedAuthorizationRequest') return new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
  return new errors.InvalidGrant('already used');
}
