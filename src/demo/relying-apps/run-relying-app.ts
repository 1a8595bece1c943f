/**
 * A demo app as a real relying party: openid-client against the provider over HTTP, sessions of its own, PKCE and pushed
 * requests, back-channel logout. It shares nothing with the provider but the addresses.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet } from 'jose';
import * as client from 'openid-client';
import { failedPage, homePage, mark, type PageContext, signedOutPage, styleSheet, welcomePage } from './app-pages.ts';
import { type AppSession, boundedMap, type PendingSignIn, randomToken } from './app-sessions.ts';
import { checkLogoutToken } from './check-logout-token.ts';
import { receiveForm } from './receive-form.ts';
import type { DemoClient } from './seed-demo-clients.ts';

export interface RelyingAppOptions extends DemoClient {
  issuer: string;
  other: PageContext['other'];
  /** Where to listen; the port of `origin` by default. */
  host?: string;
  port?: number;
  onError?: (error: unknown) => void;
}

export interface RelyingApp {
  url: string;
  /** Sessions alive: for tests and the tour. */
  sessionCount(): number;
  close(): Promise<void>;
}

type Exchange = { request: IncomingMessage; response: ServerResponse; url: URL; cookies: Map<string, string> };

const ALGORITHMS = ['ES256', 'RS256'];

export async function runRelyingApp(options: RelyingAppOptions): Promise<RelyingApp> {
  const { app, origin, issuer } = options;
  const provider = new URL(issuer).origin;
  const context: PageContext = { app, other: options.other, provider };
  const sessions = boundedMap<AppSession>();
  const pending = boundedMap<PendingSignIn>();
  const seenTokens = boundedMap<true>();
  const cookieNames = { session: `${app.id}_session`, visit: `${app.id}_visit`, asked: `${app.id}_asked` };
  let live = 0;

  /** Discovered at the first use: the provider may start later than the app. */
  let discovered: Promise<{ config: client.Configuration; jwks: ReturnType<typeof createRemoteJWKSet> }> | undefined;
  const provided = () => {
    discovered ??= discover().catch((error: unknown) => {
      discovered = undefined;
      throw error;
    });
    return discovered;
  };
  async function discover() {
    const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : [];
    const metadata = { id_token_signed_response_alg: 'ES256' };
    const config = await client.discovery(new URL(issuer), options.clientId, metadata, client.ClientSecretBasic(options.clientSecret), {
      execute,
    });
    return { config, jwks: createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? '')) };
  }

  const routes: Record<string, (exchange: Exchange) => Promise<void>> = {
    'GET /': async (exchange) => {
      const session = sessions.get(exchange.cookies.get(cookieNames.session) ?? '');
      if (session) return page(exchange, 200, homePage(context, session));
      // Once per visit we ask silently whether the person is signed in already somewhere in the city.
      if (!exchange.cookies.has(cookieNames.asked)) return startSignIn(exchange, true);
      page(exchange, 200, welcomePage(context));
    },
    'GET /sign-in': (exchange) => startSignIn(exchange, false),
    'GET /signed-in': finishSignIn,
    'POST /sign-out': async (exchange) => {
      const token = exchange.cookies.get(cookieNames.session) ?? '';
      const session = sessions.take(token);
      if (!session) return redirect(exchange, '/');
      live--;
      const { config } = await provided();
      const parameters = { id_token_hint: session.idToken, post_logout_redirect_uri: `${origin}/signed-out`, state: randomToken() };
      setCookie(exchange, cookieNames.session, '');
      redirect(exchange, client.buildEndSessionUrl(config, parameters).href);
    },
    'GET /signed-out': async (exchange) => page(exchange, 200, signedOutPage(context)),
    'POST /backchannel-logout': async (exchange) => {
      const form = await receiveForm(exchange.request);
      const { jwks } = await provided();
      try {
        const token = await checkLogoutToken(form.get('logout_token') ?? '', {
          jwks,
          issuer,
          clientId: options.clientId,
          algorithms: ALGORITHMS,
        });
        if (!seenTokens.get(token.jti)) {
          seenTokens.set(token.jti, true);
          live -= sessions.removeWhere((session) =>
            token.sid === undefined ? session.subject === token.subject : session.sid === token.sid,
          );
        }
        exchange.response.writeHead(200, { 'cache-control': 'no-store' }).end();
      } catch (error) {
        options.onError?.(error);
        exchange.response
          .writeHead(400, { 'content-type': 'application/json', 'cache-control': 'no-store' })
          .end('{"error":"invalid_request"}');
      }
    },
    'GET /style.css': async ({ response }) =>
      void response.writeHead(200, { 'content-type': 'text/css; charset=utf-8' }).end(styleSheet(app)),
    'GET /mark.svg': async ({ response }) => void response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(mark(app)),
  };

  async function startSignIn(exchange: Exchange, silent: boolean) {
    const { config } = await provided();
    const codeVerifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const visit = exchange.cookies.get(cookieNames.visit) ?? randomToken();
    pending.set(`${visit} ${state}`, { codeVerifier, nonce, silent });
    setCookie(exchange, cookieNames.visit, visit, 3600);
    setCookie(exchange, cookieNames.asked, '1', 300);
    const parameters = {
      redirect_uri: `${origin}/signed-in`,
      scope: app.scopes.join(' '),
      code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...(silent ? { prompt: 'none' } : {}),
    };
    redirect(exchange, (await client.buildAuthorizationUrlWithPAR(config, parameters)).href);
  }

  async function finishSignIn(exchange: Exchange) {
    const state = exchange.url.searchParams.get('state') ?? '';
    const started = pending.take(`${exchange.cookies.get(cookieNames.visit)} ${state}`);
    if (!started) return page(exchange, 400, failedPage(context, false));
    const error = exchange.url.searchParams.get('error');
    if (error && started.silent) return redirect(exchange, '/');
    if (error) return page(exchange, 403, failedPage(context, error === 'access_denied'));
    const { config } = await provided();
    const checks = { pkceCodeVerifier: started.codeVerifier, expectedState: state, expectedNonce: started.nonce, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(config, exchange.url, checks);
    const claims = tokens.claims();
    if (!claims) throw new Error('no ID token');
    const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    const token = randomToken();
    sessions.set(token, {
      subject: claims.sub,
      sid: typeof claims['sid'] === 'string' ? claims['sid'] : undefined,
      idToken: tokens.id_token ?? '',
      claims: { ...info, acr: claims['acr'], amr: claims['amr'] },
      signedInAt: new Date(Number(claims['auth_time'] ?? claims.iat) * 1000),
    });
    live++;
    setCookie(exchange, cookieNames.session, token, 3600);
    redirect(exchange, '/');
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', origin);
    const exchange = { request, response, url, cookies: readCookies(request) };
    const route = routes[`${request.method} ${url.pathname}`];
    if (!route) return page(exchange, 404, welcomePage(context, { zh: '没有这个页面', en: 'There is no such page' }));
    route(exchange).catch((error: unknown) => {
      options.onError?.(error);
      if (!response.headersSent) page(exchange, 502, failedPage(context, false));
    });
  });
  const secure = origin.startsWith('https:') ? '; Secure' : '';
  function setCookie({ response }: Exchange, name: string, value: string, maxAgeSeconds = 0) {
    response.appendHeader('set-cookie', `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`);
  }
  function page({ response }: Exchange, status: number, html: string) {
    response.writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' ${provider}; frame-ancestors 'none'; base-uri 'none'`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    response.end(html);
  }

  const port = options.port ?? Number(new URL(origin).port);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, options.host ?? '127.0.0.1', resolve);
  });
  return {
    url: origin || `http://localhost:${(server.address() as AddressInfo).port}`,
    sessionCount: () => live,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function redirect({ response }: Exchange, location: string): void {
  response.writeHead(303, { location, 'cache-control': 'no-store' }).end();
}

function readCookies({ headers }: IncomingMessage): Map<string, string> {
  const pairs = (headers.cookie ?? '').split(/;\s*/).map((pair): [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return new Map(pairs);
}
