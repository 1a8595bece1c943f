/** Who looked at my licences, when, and what for. */
import type { FastifyInstance } from 'fastify';
import { findLookUps } from '#licences/find-look-ups.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { requireSession } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { MY_SECTIONS } from './sections.ts';

const PAGE_SIZE = 20;

export function registerMyLookUpRoutes(server: FastifyInstance, context: WebContext): void {
  server.get('/my/look-ups', { schema: { hide: true } }, async (request, reply) => {
    const { personId } = requireSession(request);
    const cursor = cursorOf(request.query);
    const { items, nextCursor } = await findLookUps(context, { personId, cursor, limit: PAGE_SIZE });
    return reply.page('my/look-ups', { sections: MY_SECTIONS, items, nextCursor, first: cursor === undefined });
  });
}
