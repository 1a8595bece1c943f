/**
 * The provider against the bare library with its in-memory adapter: same client, same requests over HTTP, both in this process.
 * What differs is what ours adds: PostgreSQL for sessions, grants and refresh tokens, atomic use, pairwise subjects, audit.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Provider from 'oidc-provider';
import { HttpBrowser } from '#commands/tour/http-browser.ts';
import { DEMO_PASSWORD } from '#demo/demo-people.ts';
import { registerClient } from '#oidc/register-client.ts';
import { freePort } from '#test/free-port.ts';
import type { BenchApp } from './bench-app.ts';
import { compare, type Row } from './measure.ts';

const CLIENT_ID = 'bench-app';
const REDIRECT_URI = 'http://localhost:9/callback';
const CITIZEN = '13900000001';

interface Party {
  issuer: string;
  secret: string;
  browser: HttpBrowser;
}

export async function benchOidc(bench: BenchApp): Promise<Row[]> {
  const bare = await bareProvider();
  try {
    const ours = await ourParty(bench);
    const theirs: Party = { issuer: bare.issuer, secret: bare.secret, browser: new HttpBrowser() };
    await authorize(theirs);
    const name = 'bare oidc-provider, in-memory adapter';
    const rows = [
      await compare('OIDC: SSO authorize', () => authorize(ours), { name, work: () => authorize(theirs) }),
      await compare('OIDC: SSO authorize + token', () => signIn(ours), { name, work: () => signIn(theirs) }),
    ];
    const [refreshOurs, refreshTheirs] = [await refresher(ours), await refresher(theirs)];
    rows.push(await compare('OIDC: refresh with rotation', refreshOurs, { name, work: refreshTheirs }));
    return rows;
  } finally {
    bare.close();
  }
}

async function ourParty({ app, origin }: BenchApp): Promise<Party> {
  const text = { zh: '基准', en: 'Bench' };
  const { secret = '' } = await registerClient(app.context, {
    id: CLIENT_ID,
    kind: 'web',
    name: text,
    operator: text,
    purpose: text,
    redirectUris: [REDIRECT_URI],
    scopes: ['openid', 'profile', 'offline_access'],
    firstParty: true,
    authMethod: 'client_secret_basic',
    by: 'system:bench',
    allowLoopback: true,
  });
  const browser = new HttpBrowser();
  const login = await browser.open(`${origin}/login?return=/my`);
  await browser.submit(login, (form) => 'password' in form.fields, { login: CITIZEN, password: DEMO_PASSWORD });
  const party = { issuer: `${origin}/oidc`, secret, browser };
  // The first request goes through the sign-in page; what follows is single sign-on.
  const page = await browser.open(authorizationUrl(party, randomBytes(32).toString('base64url')), { stopAt: REDIRECT_URI });
  if (page.url.pathname.startsWith('/login/')) {
    await browser.submit(page, (form) => 'password' in form.fields, { login: CITIZEN, password: DEMO_PASSWORD }, { stopAt: REDIRECT_URI });
  }
  return party;
}

function authorizationUrl({ issuer }: Party, verifier: string): URL {
  const url = new URL(`${issuer}/auth`);
  url.search = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid profile offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'x'.repeat(32),
  }).toString();
  return url;
}

async function authorize(party: Party): Promise<{ code: string; verifier: string }> {
  const verifier = randomBytes(32).toString('base64url');
  const page = await party.browser.open(authorizationUrl(party, verifier), { stopAt: REDIRECT_URI });
  const code = page.url.searchParams.get('code');
  if (!code) throw new Error(`no code from ${party.issuer}: ${page.url.href} ${page.status}`);
  return { code, verifier };
}

async function token(party: Party, body: Record<string, string>): Promise<Record<string, string>> {
  const reply = await fetch(`${party.issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${party.secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(body),
  });
  const answer = (await reply.json()) as Record<string, string>;
  if (!reply.ok) throw new Error(`${party.issuer} refused: ${JSON.stringify(answer)}`);
  return answer;
}

async function signIn(party: Party): Promise<Record<string, string>> {
  const { code, verifier } = await authorize(party);
  return token(party, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier });
}

async function refresher(party: Party): Promise<() => Promise<void>> {
  let { refresh_token: current = '' } = await signIn(party);
  if (!current) throw new Error(`${party.issuer} gives no refresh token`);
  return async () => {
    const next = await token(party, { grant_type: 'refresh_token', refresh_token: current });
    current = next['refresh_token'] ?? current;
  };
}

/** The library as it comes, with the least that makes it sign somebody in. */
async function bareProvider(): Promise<{ issuer: string; secret: string; close(): void }> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const secret = randomBytes(32).toString('base64url');
  const provider = new Provider(issuer, {
    clients: [
      { client_id: CLIENT_ID, client_secret: secret, redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token'] },
    ],
    features: { devInteractions: { enabled: false } },
    ttl: { Interaction: 3600, Grant: 86_400, Session: 86_400, AccessToken: 3600, RefreshToken: 86_400, IdToken: 3600 },
    cookies: { keys: [secret] },
    findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
    issueRefreshToken: async () => true,
    rotateRefreshToken: () => true,
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      const grant = new provider.Grant({ clientId: client?.clientId, accountId: session?.accountId } as never);
      grant.addOIDCScope('openid profile offline_access');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/sign-in/')) return void callback(request, response);
    void provider.interactionFinished(request, response, { login: { accountId: 'citizen' } });
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return { issuer, secret, close: () => server.close() };
}
