/** Choosing in which position one acts, for people who hold several; and the organisation's name for the top of a page. */
import type { FastifyInstance } from 'fastify';
import { findOrganisation } from '#people/organisations.ts';
import { Problem } from '#problem.ts';
import { isReturnPath, POSITION_COOKIE, requireSession } from './session.ts';
import type { WebContext } from './web-context.ts';

export async function organisationName(context: WebContext, organisationId: string): Promise<string> {
  return (await findOrganisation(context, organisationId))?.name ?? '—';
}

export function registerPositionRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get<{ Querystring: { return?: string } }>('/position', options, async (request, reply) => {
    requireSession(request);
    const positions = await Promise.all(
      request.positions.map(async ({ id, roles, organisationId }) => ({
        id,
        roles,
        organisation: await organisationName(context, organisationId),
      })),
    );
    const back = isReturnPath(request.query.return) ? request.query.return : '/counter';
    return reply.page('position', { positions, back, chosen: request.cookies[POSITION_COOKIE] });
  });

  server.post<{ Body: { position?: unknown; return?: unknown } | null }>('/position', options, async (request, reply) => {
    requireSession(request);
    const position = request.positions.find(({ id }) => id === request.body?.position);
    if (!position) throw new Problem('not-allowed');
    const secure = context.publicOrigin.startsWith('https:');
    reply.setCookie(POSITION_COOKIE, position.id, { path: '/', httpOnly: true, sameSite: 'lax', secure });
    return reply.redirect(isReturnPath(request.body?.return) ? request.body.return : '/counter', 303);
  });
}
