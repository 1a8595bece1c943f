/** Over https every cookie that speaks for somebody carries the `__Host-` prefix: a neighbour under the same domain cannot plant it. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { createOidcProvider } from '#oidc/create-oidc-provider.ts';
import { registerClient } from '#oidc/register-client.ts';
import { endSession } from '#sign-in/sessions.ts';
import { testDatabase } from '#test/test-database.ts';
import { createServer } from '#web/create-server.ts';
import { sessionCookieName } from '#web/session.ts';
import { formTo, loginWorld, PASSWORD } from './login-world.ts';

const { db } = await testDatabase();
const ORIGIN = 'https://id.example.gov.cn';

async function httpsWorld() {
  const world = await loginWorld(db);
  const portal = { cookieName: sessionCookieName(ORIGIN), endSession: async (token: string) => void (await endSession(world.deps, token)) };
  const oidc = await createOidcProvider(world.deps, { publicOrigin: ORIGIN, portal });
  const server = await createServer({ ...world.context, publicOrigin: ORIGIN, oidc }, { logger: false });
  onTestFinished(() => server.close());
  return { world, server };
}

/** Keeps cookies with their attributes. */
function browserOf(server: FastifyInstance) {
  const jar = new Map<string, { value: string; path?: string | undefined; secure?: boolean | undefined; domain?: string | undefined }>();
  const send = async (url: string, body?: URLSearchParams) => {
    const cookies = Object.fromEntries([...jar].map(([name, { value }]) => [name, value]));
    const headers = { accept: 'text/html', ...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) };
    const method = body ? 'POST' : 'GET';
    const response = await server.inject({ method, url, cookies, headers, ...(body ? { payload: body.toString() } : {}) });
    for (const { name, value, ...rest } of response.cookies) {
      if (value) jar.set(name, { value, ...rest });
      else jar.delete(name);
    }
    return response;
  };
  return { jar, send };
}

const SPEAKS = /^(?:__Host-)?tongren_(?:session|op|csrf|device|sms|registration|certificate)$/;

test('signing in at an app: no cookie that speaks for the person could come from a neighbour', async () => {
  const { world, server } = await httpsWorld();
  const { phone } = await world.person();
  const id = `https-${Math.random().toString(36).slice(2, 8)}`;
  const text = { zh: id, en: id };
  const redirectUri = 'https://app.example/callback';
  const client = {
    id,
    kind: 'web',
    name: text,
    operator: text,
    purpose: text,
    redirectUris: [redirectUri],
    scopes: ['openid'],
    firstParty: true,
  } as const;
  await registerClient(world.deps, { ...client, authMethod: 'client_secret_basic', by: 'system:test' });
  const { jar, send } = browserOf(server);
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
  const query = { client_id: id, response_type: 'code', scope: 'openid', redirect_uri: redirectUri, code_challenge: challenge };
  const arrived = await send(`/oidc/auth?${new URLSearchParams({ ...query, code_challenge_method: 'S256', state: 's', nonce: 'n' })}`);
  const place = String(arrived.headers.location);
  expect(place).toMatch(/^\/login\//);
  const { action, body } = formTo((await send(place)).body, place);
  body.set('login', phone);
  body.set('password', PASSWORD);
  let step = await send(action, body);
  for (let hop = 0; hop < 4 && String(step.headers.location).startsWith(ORIGIN); hop++) {
    step = await send(String(step.headers.location).slice(ORIGIN.length));
  }
  expect(String(step.headers.location)).toMatch(/^https:\/\/app\.example\/callback\?code=/);
  const speaking = [...jar.keys()].filter((name) => SPEAKS.test(name));
  expect(speaking.sort()).toEqual(['__Host-tongren_csrf', '__Host-tongren_device', '__Host-tongren_op', '__Host-tongren_session']);
  for (const name of speaking) expect([name, jar.get(name)]).toEqual([name, expect.objectContaining({ path: '/', secure: true })]);
  for (const name of speaking) expect([name, jar.get(name)?.domain]).toEqual([name, undefined]);

  // Signing out takes them away again.
  const out = formTo((await send('/my/account')).body, '/logout');
  expect((await send(out.action, out.body)).headers.location).toBe('/logged-out');
  expect([jar.has('__Host-tongren_session'), jar.has('__Host-tongren_op')]).toEqual([false, false]);
});

test('a session planted under the plain name is nobody’s', async () => {
  const { world, server } = await httpsWorld();
  const { phone } = await world.person();
  const stranger = browserOf(server);
  const { action, body } = formTo((await stranger.send('/login')).body, '/login');
  body.set('login', phone);
  body.set('password', PASSWORD);
  await stranger.send(action, body);
  const value = stranger.jar.get('__Host-tongren_session')?.value ?? '';
  expect(value).toHaveLength(43);
  const victim = browserOf(server);
  victim.jar.set('tongren_session', { value });
  expect((await victim.send('/my/account')).headers.location).toMatch(/^\/login/);
});
