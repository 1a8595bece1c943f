/** Apps that know me: what each may see, and withdrawing it. */
import type { FastifyInstance } from 'fastify';
import { Problem } from '#problem.ts';
import { requireSession } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { MY_SECTIONS } from './sections.ts';

export function registerMyAppRoutes(server: FastifyInstance, { oidc }: WebContext): void {
  server.get('/my/apps', { schema: { hide: true } }, async (request, reply) => {
    const { personId } = requireSession(request);
    return reply.page('my/apps', { sections: MY_SECTIONS, grants: (await oidc?.findGrants(personId)) ?? [] });
  });

  server.post<{ Params: { clientId: string } }>('/my/apps/:clientId/withdraw', { schema: { hide: true } }, async (request, reply) => {
    const { personId } = requireSession(request);
    const { clientId } = request.params;
    const grants = (await oidc?.findGrants(personId)) ?? [];
    if (!grants.some((grant) => grant.clientId === clientId)) throw new Problem('not-found');
    await oidc?.revokeGrant({ personId, clientId, by: `person:${personId}` });
    return reply.redirect('/my/apps', 303);
  });
}
