/** Where I am signed in, and ending it there. */
import type { FastifyInstance } from 'fastify';
import { endSession, endSessionsOf, listSessions } from '#sign-in/sessions.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { requireSession } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeDevice } from './describe-device.ts';
import { MY_SECTIONS } from './sections.ts';

export function registerMySessionRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  const devicesOf = async (personId: string) => listSessions(context, personId, (await context.oidc?.findPortalSessions(personId)) ?? []);

  server.get('/my/sessions', options, async (request, reply) => {
    const current = requireSession(request);
    const sessions = await devicesOf(current.personId);
    const rows = sessions.map((session) => ({ ...session, device: describeDevice(session.userAgent), current: session.id === current.id }));
    return reply.page('my/sessions', { sections: MY_SECTIONS, rows });
  });

  server.post<{ Params: { id: string } }>('/my/sessions/:id/end', options, async (request, reply) => {
    const { personId } = requireSession(request);
    const sessionId = requireUuid(request.params.id);
    const by = `person:${personId}`;
    if ((await devicesOf(personId)).some(({ id }) => id === sessionId)) {
      // The apps first: should the second step fail, the device is in the list still.
      await context.oidc?.endPortalSession({ personId, portalSessionId: sessionId, by });
      await endSession(context, { sessionId, personId, by });
    }
    return reply.redirect('/my/sessions', 303);
  });

  server.post('/my/sessions/end-others', options, async (request, reply) => {
    const { personId, id } = requireSession(request);
    await endSessionsOf(context, { personId, except: id, by: `person:${personId}` });
    await context.oidc?.endOtherSessions(request.raw, reply.raw, { personId, by: `person:${personId}` });
    return reply.redirect('/my/sessions', 303);
  });

  /** Leaves nothing signed in anywhere: portal and every app, which hear of it by back channel. */
  server.post('/my/sessions/end-all', options, async (request, reply) => {
    const { personId } = requireSession(request);
    await context.oidc?.endEverySession({ personId, by: `person:${personId}`, reason: 'everywhere' });
    await endSessionsOf(context, { personId, by: `person:${personId}` });
    return reply.redirect('/', 303);
  });
}
