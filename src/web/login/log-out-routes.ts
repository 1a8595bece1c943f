import type { FastifyInstance } from 'fastify';
import { endSession } from '#sign-in/sessions.ts';
import { sessionTokenOf, setSessionCookie } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { HIDDEN } from './hidden.ts';
import { keepProviderCookies } from './login-cookies.ts';

/** Signing out here signs out everywhere this browser went: the provider queues the calls to the apps, and a report page tells who confirmed. */
export function registerLogOutRoutes(server: FastifyInstance, context: WebContext): void {
  server.post('/logout', HIDDEN, async (request, reply) => {
    const by = request.session ? `person:${request.session.personId}` : 'anonymous';
    const ended = await context.oidc?.endBrowserSession(request.raw, reply.raw, { by });
    const token = sessionTokenOf(request);
    if (token !== undefined) await endSession(context, token);
    setSessionCookie(reply, context, undefined);
    keepProviderCookies(reply);
    return reply.redirect(ended ? '/logged-out' : '/login?signed-out=1', 303);
  });
}
