import { expect, test } from 'vitest';
import { findClient, findClientMetadata, listClients } from '#oidc/clients.ts';
import { type ClientInput, changeClientAddresses, registerClient } from '#oidc/register-client.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const deps = { db, clock: testClock(), fields: testFields() };
const good: ClientInput & { by: string } = {
  id: 'good-app',
  kind: 'web',
  name: { zh: '好应用', en: 'Good app' },
  operator: { zh: '某局', en: 'Bureau' },
  purpose: { zh: '办事', en: 'Services' },
  redirectUris: ['https://app.example.gov.cn/callback'],
  scopes: ['openid', 'profile'],
  authMethod: 'client_secret_basic',
  by: 'staff:test',
};
const publicKey = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};

test('an app is registered once; its secret is shown once and stored sealed', async () => {
  const { secret, ...view } = await registerClient(deps, good);
  expect(secret).toHaveLength(43);
  expect(view).toMatchObject({ id: 'good-app', active: true, firstParty: false, scopes: ['openid', 'profile'] });
  expect(await findClient(deps, 'good-app')).toEqual(view);
  expect((await findClientMetadata(deps, 'good-app'))?.['client_secret']).toBe(secret);
  expect(JSON.stringify(await db.oidcClient.findUnique({ where: { id: 'good-app' } }))).not.toContain(secret);
  await expect(registerClient(deps, good)).rejects.toMatchObject({ code: 'client-taken' });
  expect(await listClients(deps)).toHaveLength(1);
});

test.each<[string, Partial<ClientInput>, string]>([
  ['an identifier with spaces', { id: 'Bad App' }, '/id'],
  ['an empty Chinese name', { name: { zh: ' ', en: 'x' } }, '/name/zh'],
  ['no redirect address', { redirectUris: [] }, '/redirectUris'],
  ['plain http', { redirectUris: ['http://app.example/callback'] }, '/redirectUris/0'],
  ['http on loopback in production', { redirectUris: ['http://localhost:1/callback'] }, '/redirectUris/0'],
  ['a fragment', { redirectUris: ['https://app.example/callback#x'] }, '/redirectUris/0'],
  ['a wildcard', { redirectUris: ['https://*.example/callback'] }, '/redirectUris/0'],
  ['a user name in the address', { redirectUris: ['https://user@app.example/callback'] }, '/redirectUris/0'],
  ['a script as address', { redirectUris: ['javascript:alert(1)'] }, '/redirectUris/0'],
  ['a private scheme for a web app', { redirectUris: ['cn.example.app:/callback'] }, '/redirectUris/0'],
  ['an http log-out address', { logoutUri: 'http://app.example/logout' }, '/logoutUri'],
  ['two hosts without a sector', { redirectUris: ['https://a.example/c', 'https://b.example/c'] }, '/sector'],
  ['scopes without openid', { scopes: ['profile'] }, '/scopes'],
  ['an unknown scope', { scopes: ['openid', 'everything'] }, '/scopes/1'],
  ['an API scope for an app with people', { scopes: ['openid', 'licences:issue'] }, '/scopes/1'],
  ['an unknown claim', { requiredClaims: ['shoe_size'] }, '/requiredClaims/0'],
  ['a web app without any secret', { authMethod: 'none' }, '/authMethod'],
  ['private_key_jwt without a key', { authMethod: 'private_key_jwt' }, '/jwks'],
  ['a private key', { authMethod: 'private_key_jwt', jwks: { keys: [{ ...publicKey, d: 'secret' }] } }, '/jwks'],
  ['a system with a secret', { kind: 'system', redirectUris: [], scopes: ['licences:issue'] }, '/authMethod'],
  ['an organisation nobody knows', { organisationId: '01890000-0000-7000-8000-000000000000' }, '/organisationId'],
  [
    'a system that asks for people',
    { kind: 'system', scopes: ['openid'], authMethod: 'private_key_jwt', jwks: { keys: [publicKey] } },
    '/scopes/0',
  ],
])('%s is refused, and the field is named', async (_which, change, pointer) => {
  const refused = registerClient(deps, { ...good, id: 'other-app', ...change });
  await expect(refused).rejects.toMatchObject({
    code: 'invalid-input',
    errors: expect.arrayContaining([expect.objectContaining({ pointer, detailZh: expect.any(String) })]),
  });
  expect(await findClient(deps, 'other-app')).toBeUndefined();
});

test('native apps may use loopback and private schemes; several hosts may share a sector', async () => {
  await registerClient(deps, {
    ...good,
    id: 'phone-app',
    kind: 'native',
    authMethod: 'none',
    redirectUris: ['cn.example.app:/callback', 'http://127.0.0.1/callback'],
    sector: 'phone.example',
  });
  await registerClient(deps, {
    ...good,
    id: 'two-hosts',
    redirectUris: ['https://a.example/c', 'https://b.example/c'],
    sector: 'a.example',
  });
  expect((await db.oidcClient.findUniqueOrThrow({ where: { id: 'two-hosts' } })).sector).toBe('a.example');
});

test('addresses change under the same rules, with a record', async () => {
  const to = { redirectUris: ['https://app.example.gov.cn/new'], postLogoutRedirectUris: [], by: 'staff:test' };
  await changeClientAddresses(deps, { id: 'good-app', ...to });
  expect((await findClient(deps, 'good-app'))?.redirectUris).toEqual(to.redirectUris);
  await expect(changeClientAddresses(deps, { id: 'good-app', ...to, redirectUris: ['http://x.example/'] })).rejects.toMatchObject({
    code: 'invalid-input',
  });
  await expect(changeClientAddresses(deps, { id: 'nobody', ...to })).rejects.toMatchObject({ code: 'client-not-found' });
  expect(await db.auditEvent.count({ where: { kind: 'client-addresses-changed' } })).toBe(1);
});
