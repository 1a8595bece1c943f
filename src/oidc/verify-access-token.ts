import { createLocalJWKSet, errors, jwtVerify } from 'jose';
import { Problem } from '#problem.ts';
import type { OidcDeps } from './oidc-deps.ts';
import type { SigningKey } from './signing-keys.ts';

/** A system that calls `/api` for itself. */
export interface ApiCaller {
  clientId: string;
  /** The organisation it acts for, as registered. */
  organisationId?: string;
  scopes: readonly string[];
  actor: `client:${string}`;
}

type Deps = Pick<OidcDeps, 'db' | 'clock'>;

/**
 * Checks an access token of ours for `/api` (RFC 9068): signature, issuer, audience, type, expiry, the scope, and that the
 * client is still active. @throws Problem `not-signed-in` for a token that does not hold, `not-allowed` for a missing scope.
 */
export async function verifyAccessToken(
  deps: Deps,
  expected: { keys: readonly SigningKey[]; issuer: string; audience: string },
  { token, scope }: { token: string; scope: string },
): Promise<ApiCaller> {
  const jwks = createLocalJWKSet({ keys: expected.keys.map(({ publicJwk }) => publicJwk) });
  const { payload } = await jwtVerify(token, jwks, {
    issuer: expected.issuer,
    audience: expected.audience,
    typ: 'at+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'client_id'],
    currentDate: deps.clock.now(),
  }).catch((error: unknown) => {
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw new Problem('not-signed-in', { cause: error });
    throw error;
  });
  const clientId = String(payload['client_id']);
  const scopes = typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : [];
  if (!scopes.includes(scope)) {
    throw new Problem('not-allowed', { detail: `The token lacks the scope ${scope}.`, detailZh: `访问令牌缺少权限 ${scope}。` });
  }
  const client = await deps.db.oidcClient.findUnique({ where: { id: clientId }, select: { active: true, organisationId: true } });
  if (!client?.active) throw new Problem('client-not-active');
  const { organisationId } = client;
  return { clientId, ...(organisationId ? { organisationId } : {}), scopes, actor: `client:${clientId}` };
}
