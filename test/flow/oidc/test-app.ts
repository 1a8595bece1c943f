/** A relying app of the test: registered, discovered with openid-client, and with a back-channel address that counts. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as client from 'openid-client';
import { onTestFinished } from 'vitest';
import { type ClientInput, registerClient } from '#oidc/register-client.ts';
import type { TestBrowser } from './test-browser.ts';
import type { TestProvider } from './test-provider.ts';

export interface TestApp {
  id: string;
  secret: string;
  redirectUri: string;
  config: client.Configuration;
  /** Logout tokens received, in order. */
  logoutTokens: string[];
  /** Status with which the back channel answers. */
  answerWith: number;
}

export async function testApp(provider: TestProvider, id: string, overrides: Partial<ClientInput> = {}): Promise<TestApp> {
  const app = { id, logoutTokens: [] as string[], answerWith: 200 } as TestApp;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const token = new URLSearchParams(Buffer.concat(chunks).toString()).get('logout_token');
    if (token) app.logoutTokens.push(token);
    response.writeHead(app.answerWith).end();
  });
  const origin = await listen(server);
  app.redirectUri = `${origin}/callback`;
  const registered = await registerClient(provider.deps, {
    id,
    kind: 'web',
    name: { zh: `应用${id}`, en: `App ${id}` },
    operator: { zh: '某市大数据局', en: 'City data bureau' },
    purpose: { zh: '测试', en: 'Testing' },
    redirectUris: [app.redirectUri],
    postLogoutRedirectUris: [`${origin}/bye`],
    logoutUri: `${origin}/backchannel-logout`,
    scopes: ['openid', 'profile', 'phone', 'identity', 'citizen_number', 'offline_access'],
    firstParty: true,
    authMethod: 'client_secret_basic',
    by: 'system:test',
    allowLoopback: true,
    ...overrides,
  });
  app.secret = registered.secret ?? '';
  const method = overrides.authMethod === 'client_secret_post' ? client.ClientSecretPost(app.secret) : client.ClientSecretBasic(app.secret);
  app.config = await discover(provider, id, method);
  return app;
}

export function discover(provider: TestProvider, id: string, method: client.ClientAuth): Promise<client.Configuration> {
  const metadata = { id_token_signed_response_alg: 'ES256' };
  return client.discovery(new URL(provider.oidc.issuer), id, metadata, method, { execute: [client.allowInsecureRequests] });
}

/** An authorization request with everything that is required. */
export async function authorizationUrl(app: TestApp, extra: Record<string, string> = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const parameters = {
    redirect_uri: app.redirectUri,
    scope: 'openid profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...extra,
  };
  return { url: client.buildAuthorizationUrl(app.config, parameters), parameters, verifier, state, nonce };
}

/** Walks through sign-in (and consent, if asked, agreeing to `accept`) up to the redirect back to the app. */
export async function authorize(browser: TestBrowser, app: TestApp, extra: Record<string, string> = {}, accept: string[] = []) {
  const request = await authorizationUrl(app, extra);
  const back = (url: URL) => url.href.startsWith(app.redirectUri);
  let visit = await browser.go(request.url, {}, back);
  while (!visit.url.startsWith(app.redirectUri) && /\/consent\//.test(visit.url) && visit.status === 200) {
    visit = await browser.submit(visit, { accepted: accept, answer: 'agree' }, back);
  }
  return { ...request, callback: new URL(visit.url), visit };
}

export async function exchange(app: TestApp, flow: Awaited<ReturnType<typeof authorize>>) {
  return client.authorizationCodeGrant(app.config, flow.callback, {
    pkceCodeVerifier: flow.verifier,
    expectedState: flow.state,
    expectedNonce: flow.nonce,
    idTokenExpected: true,
  });
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
