/** A system that calls the API: client credentials with a private key. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { registerClient } from '#oidc/register-client.ts';
import type { WebCity } from './web-city.ts';

interface ApiSystem {
  id: string;
  organisationId: string | undefined;
  scopes: string[];
}

/** Registers a system and signs it in: an access token for /api. */
export async function apiToken(city: WebCity, { id, organisationId, scopes }: ApiSystem): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', use: 'sig', alg: 'ES256' };
  const text = { zh: id, en: id };
  await registerClient(city.context, {
    id,
    kind: 'system',
    name: text,
    operator: text,
    purpose: text,
    scopes,
    authMethod: 'private_key_jwt',
    jwks: { keys: [jwk] },
    ...(organisationId ? { organisationId } : {}),
    by: 'system:test',
  });
  // The engine goes by the machine's clock.
  const now = Math.floor(Date.now() / 1000);
  const assertion = await new SignJWT({ iss: id, sub: id, aud: `${city.origin}/oidc`, jti: crypto.randomUUID(), iat: now, exp: now + 60 })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .sign(privateKey);
  const reply = await fetch(`${city.origin}/oidc/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: id,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      scope: scopes.join(' '),
      resource: `${city.origin}/api`,
    }),
  });
  const answer = (await reply.json()) as { access_token?: string };
  if (!answer.access_token) throw new Error(JSON.stringify(answer));
  return answer.access_token;
}

export async function callApi(city: WebCity, token: string, method: 'GET' | 'POST', path: string, body?: unknown) {
  const reply = await fetch(`${city.origin}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const type = reply.headers.get('content-type') ?? '';
  return { status: reply.status, headers: reply.headers, json: type.includes('json') ? await reply.json() : undefined, reply };
}
