/**
 * Everything we tell the engine. What is off stays off on purpose: only the code flow, always with PKCE (S256), every cookie
 * signed, no development pages, no dynamic registration.
 */
import type Provider from 'oidc-provider';
import { type AdapterFactory, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { ACR_VALUES } from '#sign-in/acr.ts';
import { API_SCOPES } from './api-scopes.ts';
import { SCOPE_CLAIMS, SCOPES } from './claims.ts';
import { assertFreshAssertion } from './client-assertion.ts';
import { engineFetch } from './engine-fetch.ts';
import { accountOf } from './find-account.ts';
import { GRANT_DAYS } from './grants.ts';
import { ourInteractionPolicy } from './interaction-policy.ts';
import { loadGrant } from './load-grant.ts';
import type { OidcDeps } from './oidc-deps.ts';
import { askForPage } from './oidc-page.ts';
import { pairwiseSubject } from './pairwise-subject.ts';
import type { SigningKey } from './signing-keys.ts';

/** A session of the provider ends after this without use, and after SESSION_LIMIT in any case. */
const SESSION_IDLE_SECONDS = 8 * 3600;
const SESSION_LIMIT_SECONDS = 12 * 3600;
const ACCESS_TOKEN_SECONDS = 600;
/** JWTs cannot be called back, so they live shortly. */
export const API_TOKEN_SECONDS = 300;
const REFRESH_TOKEN_SECONDS = 30 * 86_400;

export interface ConfigurationInput {
  deps: OidcDeps;
  adapter: AdapterFactory;
  keys: readonly SigningKey[];
  cookieKeys: readonly string[];
  publicOrigin: string;
}

/** The resource that `/api` is, in access tokens' `aud`. */
export function apiResource(publicOrigin: string): string {
  return `${publicOrigin}/api`;
}

export function providerConfiguration(input: ConfigurationInput): Configuration {
  const { deps, publicOrigin } = input;
  const secure = publicOrigin.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  const api = apiResource(publicOrigin);
  return {
    adapter: input.adapter,
    jwks: { keys: input.keys.map(({ privateJwk }) => privateJwk) },
    acrValues: [...ACR_VALUES],
    claims: {
      ...Object.fromEntries(Object.entries(SCOPE_CLAIMS).map(([scope, claims]) => [scope, [...claims]])),
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      iss: null,
      sid: null,
    },
    scopes: [...SCOPES],
    subjectTypes: ['pairwise', 'public'],
    pairwiseIdentifier: (_ctx, personId, client) => pairwiseSubject(deps.fields, String(client['sector']), personId),
    sectorIdentifierUriValidate: () => false,
    extraClientMetadata: { properties: ['api_scope', 'first_party', 'name_en', 'sector'] },
    clientDefaults: {
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256', 'RS256'], clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'] },
    responseTypes: ['code'],
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { required: () => true },
    cookies: {
      keys: [...input.cookieKeys],
      long: cookie,
      short: cookie,
      // With the prefix no neighbour under the same domain can plant a session; interactions are bound to their path.
      names: { session: secure ? '__Host-tongren_op' : 'tongren_op', interaction: 'tongren_interaction', resume: 'tongren_resume' },
    },
    clockTolerance: 10,
    assertJwtClientAuthClaimsAndHeader: (_ctx, claims) => assertFreshAssertion(claims, Math.floor(Date.now() / 1000)),
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    revokeGrantPolicy: () => true,
    findAccount: (_ctx, personId) => accountOf(deps, personId),
    loadExistingGrant: (ctx) => loadGrant(deps.db, ctx),
    interactions: {
      policy: ourInteractionPolicy(),
      url: (_ctx, interaction) => `/${interaction.prompt.name === 'consent' ? 'consent' : 'login'}/${interaction.uid}`,
    },
    renderError: async (ctx, out) => askForPage(ctx, 'consent/oidc-error', { error: out.error, description: out.error_description ?? '' }),
    fetch: engineFetch(deps.outbound),
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? ACCESS_TOKEN_SECONDS,
      AuthorizationCode: 60,
      ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? API_TOKEN_SECONDS,
      Grant: GRANT_DAYS * 86_400,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: REFRESH_TOKEN_SECONDS,
      Session: (_ctx, session) => sessionSeconds(session.loginTs, Math.floor(Date.now() / 1000)),
    },
    features: {
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => client.clientAuthMethod !== 'none' && token.clientId === client.clientId,
      },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, _client, oneOf) => oneOf ?? (isClientCredentials(ctx) ? api : []),
        useGrantedResource: () => false,
        getResourceServerInfo: (_ctx, resource, client) => {
          if (resource !== api) throw new errors.InvalidTarget();
          return {
            scope: String(client['api_scope'] ?? '')
              .split(' ')
              .filter((scope) => Object.hasOwn(API_SCOPES, scope))
              .join(' '),
            audience: api,
            accessTokenFormat: 'jwt',
            accessTokenTTL: API_TOKEN_SECONDS,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => askForPage(ctx, 'consent/log-out', await logoutFacts(ctx, form)),
        postLogoutSuccessSource: async (ctx) => {
          ctx.status = 303;
          ctx.redirect('/logged-out');
        },
      },
      userinfo: { enabled: true },
    },
  };
}

/** The rest of the day's session: idle time, but never beyond the limit since the sign-in. */
export function sessionSeconds(loginAt: number | undefined, now: number): number {
  return Math.max(1, Math.min(SESSION_IDLE_SECONDS, (loginAt ?? now) + SESSION_LIMIT_SECONDS - now));
}

function isClientCredentials(ctx: KoaContextWithOIDC): boolean {
  return ctx.oidc.params?.['grant_type'] === 'client_credentials';
}

/** The engine's form holds its address and its guard against forgery; the page of ours needs the two values. */
async function logoutFacts(ctx: KoaContextWithOIDC, form: string) {
  const value = (name: string, pattern: RegExp) => {
    const found = pattern.exec(form)?.[1];
    if (found === undefined) throw new Error(`the log-out form has no ${name}`);
    return found;
  };
  const client = ctx.oidc.client;
  const uri = ctx.oidc.params?.['post_logout_redirect_uri'];
  return {
    action: value('action', /action="([^"]+)"/),
    xsrf: value('xsrf', /name="xsrf" value="([^"]+)"/),
    clientId: client?.clientId,
    clientName: client && { zh: client.clientName, en: client['name_en'] },
    redirectOrigin: typeof uri === 'string' && /^https?:/.test(uri) ? new URL(uri).origin : undefined,
  };
}

export type Engine = Provider;
