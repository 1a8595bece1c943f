/** Systems that call `/api`: client credentials with a signed assertion, short JWTs, scopes per operation. */
import { randomUUID } from 'node:crypto';
import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { setClientActive } from '#oidc/clients.ts';
import { registerClient } from '#oidc/register-client.ts';
import { testDatabase } from '#test/test-database.ts';
import { discover, testApp } from './test-app.ts';
import { testProvider } from './test-provider.ts';

const { db } = await testDatabase();
let systems = 0;

async function setUp(scopes = ['licences:issue', 'licences:read']) {
  const provider = await testProvider(db);
  const keys = await generateKeyPair('ES256');
  const id = `system-${++systems}`;
  await registerClient(provider.deps, {
    id,
    kind: 'system',
    name: { zh: '市场监管局业务系统', en: 'Market regulation system' },
    operator: { zh: '市场监管局', en: 'Market regulation' },
    purpose: { zh: '签发营业执照', en: 'To issue business licences' },
    scopes,
    authMethod: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256', kid: 'k1' }] },
    by: 'system:test',
  });
  const config = await discover(provider, id, client.PrivateKeyJwt({ key: keys.privateKey, kid: 'k1' }));
  const assertion = (
    changes: { aud?: string | string[]; exp?: number; iat?: number; sub?: string; jti?: string } = {},
    key = keys.privateKey,
  ) => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: id, sub: id, aud: provider.oidc.issuer, jti: randomUUID(), iat: now, exp: now + 60, ...changes })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(key);
  };
  const ask = (client_assertion: string, extra: Record<string, string> = {}) =>
    fetch(`${provider.oidc.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: scopes.join(' '),
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion,
        ...extra,
      }),
    });
  return { provider, id, config, assertion, ask };
}

test('a system gets a short JWT for /api, and each operation checks its scope', async () => {
  const { provider, id, config } = await setUp();
  const tokens = await client.clientCredentialsGrant(config, { scope: 'licences:issue' });
  expect(tokens.expires_in).toBe(300);
  expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
  expect(await provider.oidc.verifyAccessToken(tokens.access_token, 'licences:issue')).toEqual({
    clientId: id,
    scopes: ['licences:issue'],
    actor: `client:${id}`,
  });
  await expect(provider.oidc.verifyAccessToken(tokens.access_token, 'licences:read')).rejects.toMatchObject({ code: 'not-allowed' });
});

test('the API learns for whom the system acts', async () => {
  const { provider, id, config } = await setUp();
  const organisationId = '01890000-0000-7000-8000-000000000001';
  await db.oidcClient.update({ where: { id }, data: { organisationId } });
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'licences:read' });
  expect(await provider.oidc.verifyAccessToken(token, 'licences:read')).toMatchObject({ clientId: id, organisationId });
});

test('a scope it was not registered for is not given, another resource is refused', async () => {
  const { ask, assertion } = await setUp();
  const reply = (await (await ask(await assertion(), { scope: 'licences:issue audit:read' })).json()) as { scope: string };
  expect(reply.scope).toBe('licences:issue');
  const elsewhere = await ask(await assertion(), { resource: 'https://other.example/api' });
  expect([elsewhere.status, ((await elsewhere.json()) as { error: string }).error]).toEqual([400, 'invalid_target']);
});

test('a token of any other kind, changed, foreign, or of a suspended system is refused', async () => {
  const { provider, id, config } = await setUp();
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'licences:issue' });
  const [header, payload = '', signature] = token.split('.');
  const raised = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('licences:issue', 'audit:read')).toString('base64url');
  const stranger = await generateKeyPair('ES256');
  const own = await new SignJWT({ client_id: id, scope: 'licences:issue' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
    .setIssuer(provider.oidc.issuer)
    .setAudience(provider.oidc.apiResource)
    .setExpirationTime('5m')
    .sign(stranger.privateKey);
  for (const bad of ['', 'x', `${header}.${raised}.${signature}`, own, `${token}x`]) {
    await expect(provider.oidc.verifyAccessToken(bad, 'licences:issue'), bad).rejects.toMatchObject({ code: 'not-signed-in' });
  }
  await setClientActive(provider.deps, { id, active: false, by: 'system:test' });
  await expect(provider.oidc.verifyAccessToken(token, 'licences:issue')).rejects.toMatchObject({ code: 'client-not-active' });
});

test("a person's access or ID token is not a token for /api", async () => {
  const { provider } = await setUp();
  const app = await testApp(provider, `api-app-${systems}`);
  const { authorize, exchange } = await import('./test-app.ts');
  const { TestBrowser } = await import('./test-browser.ts');
  const tokens = await exchange(app, await authorize(new TestBrowser(), app));
  for (const token of [tokens.access_token, tokens.id_token ?? '']) {
    await expect(provider.oidc.verifyAccessToken(token, 'licences:read')).rejects.toMatchObject({ code: 'not-signed-in' });
  }
  await expect(client.clientCredentialsGrant(app.config, {})).rejects.toMatchObject({
    error: expect.stringMatching(/invalid_request|unauthorized_client/),
  });
});

test.each([
  ['for another audience', { aud: 'https://elsewhere.example' }],
  ['without a subject', { sub: '' }],
  ['that is over', { exp: Math.floor(Date.now() / 1000) - 300 }],
  ['from the future', { iat: Math.floor(Date.now() / 1000) + 300 }],
])('an assertion %s is refused', async (_which, changes) => {
  const { ask, assertion } = await setUp();
  const reply = await ask(await assertion(changes));
  expect([reply.status, ((await reply.json()) as { error: string }).error]).toEqual([401, 'invalid_client']);
});

test('an assertion by another key is refused', async () => {
  const { ask, assertion } = await setUp();
  expect((await ask(await assertion({}, (await generateKeyPair('ES256')).privateKey))).status).toBe(401);
});

test('of ten parallel uses of one assertion one succeeds, and later ones fail', async () => {
  const { ask, assertion } = await setUp();
  const one = await assertion();
  const replies = await Promise.all(Array.from({ length: 10 }, () => ask(one)));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  expect((await ask(one)).status).toBe(401);
});
