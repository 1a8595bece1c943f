/** Proving the real name: name and citizen number against the population register, once, for the signed-in person. */
import type { FastifyInstance } from 'fastify';
import { findPerson } from '#people/find-person.ts';
import { proveRealName } from '#people/prove-real-name.ts';
import { stepUpSession } from '#sign-in/sessions.ts';
import { requireSession, sessionTokenOf, setSessionCookie } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { field } from './form-field.ts';
import { HIDDEN } from './hidden.ts';
import { returnPathOf } from './login-place.ts';
import { mendable, showLoginPage } from './show-login-page.ts';

const INTERACTION_PATH = /^\/login\/[A-Za-z0-9_-]{10,64}$/;

export function registerRealNameRoutes(server: FastifyInstance, context: WebContext): void {
  server.get('/login/real-name', HIDDEN, async (request, reply) => {
    const session = requireSession(request);
    const returnTo = returnPathOf(request);
    const person = await findPerson(context, session.personId);
    const asIs = INTERACTION_PATH.test(returnTo) ? `${returnTo}/as-is` : undefined;
    return showLoginPage(
      reply,
      'real-name',
      { base: '/login', returnTo, wantedAcr: [] },
      { level: person?.assuranceLevel, name: person?.name, asIs },
    );
  });

  server.post('/login/real-name', HIDDEN, async (request, reply) => {
    const session = requireSession(request);
    const { personId, amr, acr, authTime } = session;
    const returnTo = returnPathOf(request);
    const asIs = INTERACTION_PATH.test(returnTo) ? `${returnTo}/as-is` : undefined;
    try {
      const [name, citizenNumber] = [field(request, 'name', 100), field(request, 'citizenNumber', 32)];
      await proveRealName(context, { personId, name, citizenNumber, by: `person:${personId}` });
      // The same sign-in, of a person who is now better known.
      const lifted = await stepUpSession(context, { token: sessionTokenOf(request) ?? '', proof: { personId, amr, acr, at: authTime } });
      setSessionCookie(reply, context, lifted.token);
      return reply.redirect(returnTo, 303);
    } catch (error) {
      const shown = mendable(reply, error);
      const typed = { name: request.body && (request.body as Record<string, unknown>)['name'] };
      return showLoginPage(reply, 'real-name', { base: '/login', returnTo, wantedAcr: [] }, { ...typed, asIs, ...shown });
    }
  });
}
