import type Provider from 'oidc-provider';
import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import type { Database } from '#storage/database.ts';
import { isClaimName, isSensitive, isSensitiveScope } from './claims.ts';
import { findConsent } from './consents.ts';
import { type GrantContent, openGrant } from './grants.ts';

type Grant = InstanceType<Provider['Grant']>;

/** What this authorization request asks for. */
export interface Asked {
  scopes: readonly string[];
  claims: readonly string[];
}

/**
 * The grant for this app in this session. When the session already has one that covers the request, that is all there is to it:
 * single sign-on costs one read. Otherwise it is made from the consent; the city's own apps also get what their registration
 * allows, except sensitive claims. A session whose grant was revoked meanwhile simply gets a new one, or is asked again.
 */
export async function loadGrant(db: Database, ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { oidc } = ctx;
  const { session, client, account, provider } = oidc;
  if (!session || !client || !account) return undefined;
  const asked: Asked = { scopes: [...oidc.requestParamOIDCScopes], claims: [...oidc.requestParamClaims] };
  const grantId = session.grantIdFor(client.clientId);
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (existing && !oidc.result?.consent && covers(existing, asked)) return existing;

  const consent = await findConsent(db, account.accountId, client.clientId);
  const content = decideContent({
    consent,
    asked,
    firstParty: client['first_party'] === true,
    before: existing ? { scopes: existing.getOIDCScope().split(' ').filter(Boolean), claims: existing.getOIDCClaims() } : undefined,
  });
  if (content.scopes.length === 0) return existing;
  const { payload, sid } = await openGrant(db, {
    sessionUid: session.uid,
    clientId: client.clientId,
    personId: account.accountId,
    content,
  });
  session.sidFor(client.clientId, sid);
  return instantiate(provider, payload);
}

/** Pure: what the grant shall hold. */
export function decideContent(input: {
  consent: GrantContent | undefined;
  asked: Asked;
  firstParty: boolean;
  before: { scopes: readonly string[]; claims: readonly string[] } | undefined;
}): GrantContent {
  const { consent, asked, firstParty, before } = input;
  const own = firstParty
    ? {
        scopes: [...(before?.scopes ?? []), ...asked.scopes.filter((scope) => !isSensitiveScope(scope))],
        claims: [...(before?.claims ?? []), ...asked.claims.filter((claim) => !isClaimName(claim) || !isSensitive(claim))],
      }
    : { scopes: [], claims: [] };
  const scopes = [...new Set([...own.scopes, ...(consent?.scopes ?? [])])];
  const claims = [...new Set([...own.claims, ...(consent?.claims ?? [])])];
  return {
    scopes,
    claims,
    rejectedScopes: (consent?.rejectedScopes ?? []).filter((scope) => !own.scopes.includes(scope)),
    rejectedClaims: (consent?.rejectedClaims ?? []).filter((claim) => !own.claims.includes(claim)),
  };
}

function covers(grant: Grant, asked: Asked): boolean {
  const scopes = new Set(grant.getOIDCScopeEncountered().split(' '));
  const claims = new Set(grant.getOIDCClaimsEncountered());
  return asked.scopes.every((scope) => scopes.has(scope)) && asked.claims.every((claim) => claims.has(claim));
}

/** `instantiate` is how the engine itself builds what it read from a store. */
function instantiate(provider: Provider, payload: AdapterPayload): Grant {
  return (provider.Grant as unknown as { instantiate(payload: AdapterPayload): Grant }).instantiate(payload);
}
