import { fileURLToPath } from 'node:url';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import { Eta } from 'eta';
import Fastify, { type FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { inProcessStore } from '#adapters/in-process-store.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import { createOidcProvider, type Oidc } from '#oidc/create-oidc-provider.ts';
import type { OidcDeps } from '#oidc/oidc-deps.ts';
import { registerPerson } from '#people/register-person.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { freePort } from '#test/free-port.ts';
import { registerConsentRoutes } from '#web/consent/register-consent-routes.ts';
import { registerOidcRoutes } from '#web/consent/register-oidc-routes.ts';
import { keepProviderCookies } from '#web/login/login-cookies.ts';
import type { WebContext } from '#web/web-context.ts';

export interface TestProvider {
  origin: string;
  deps: OidcDeps & { issuer: string };
  oidc: Oidc;
  server: FastifyInstance;
  /** Who signs in at the test's sign-in page, and how well. */
  login: { personId: string; acr: string; amr: string[] };
  endedPortalSessions: string[];
  /** What the provider reported to the log. */
  errors: unknown[];
}

const PAGES = fileURLToPath(new URL('../../../templates/pages', import.meta.url));

export async function testProvider(
  db: Database,
  options: { ephemeral?: EphemeralStore; fields?: FieldCipher } = {},
): Promise<TestProvider> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const deps = {
    db,
    clock: { now: () => new Date() },
    fields: options.fields ?? testFields(),
    ephemeral: options.ephemeral ?? inProcessStore(),
    outbound: allowListedFetch({ hosts: [], allowLoopback: true }),
  };
  const endedPortalSessions: string[] = [];
  const errors: unknown[] = [];
  const oidc = await createOidcProvider(deps, {
    publicOrigin: origin,
    onError: (error) => errors.push(error),
    portal: { cookieName: 'tongren_session', endSession: async (token) => void endedPortalSessions.push(token) },
  });
  const person = await registerPerson(deps, { name: '林小满', phone: randomPhone(), by: 'system:test' });
  const login = { personId: person.id, acr: 'urn:tongren:acr:2', amr: ['pwd'] };
  const server = await pagesServer();
  const context = { ...deps, publicOrigin: origin, oidc } as unknown as WebContext;
  registerOidcRoutes(server, context);
  registerConsentRoutes(server, context);
  server.get('/login/:uid', async (request, reply) => {
    await oidc.findInteraction(request.raw, reply.raw);
    const url = await oidc.finishLogin(request.raw, reply.raw, { ...login, at: new Date() });
    keepProviderCookies(reply);
    return reply.redirect(url, 303);
  });
  server.post('/logout', async (request, reply) => {
    await oidc.endBrowserSession(request.raw, reply.raw, { by: `person:${login.personId}` });
    keepProviderCookies(reply);
    return reply.redirect('/logged-out', 303);
  });
  await server.listen({ port, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  return { origin, deps: { ...deps, issuer: oidc.issuer }, oidc, server, login, endedPortalSessions, errors };
}

/** The layout belongs to the web room; here the bare page will do. */
async function pagesServer(): Promise<FastifyInstance> {
  const server = Fastify();
  await server.register(cookie);
  await server.register(formbody);
  const eta = new Eta({ views: PAGES, autoEscape: true });
  eta.loadTemplate('@bare', '<%~ it.body %>');
  const readFile = eta.readFile.bind(eta);
  eta.readFile = (path) => readFile(path).replace("layout('/layout'", "layout('@bare'");
  server.decorateReply('page', function page(template, data = {}) {
    return this.type('text/html').send(eta.render(`/${template}`, { csrf: 'test', ...data }));
  });
  server.setErrorHandler((error, _request, reply) => {
    const problem = error instanceof Problem ? error : undefined;
    const status = problem?.status ?? (error as { statusCode?: number }).statusCode ?? 500;
    if (status >= 500) console.error(error);
    return reply.code(status).send({ code: problem?.code ?? 'internal' });
  });
  return server;
}

export function randomPhone(): string {
  return `139${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`;
}
