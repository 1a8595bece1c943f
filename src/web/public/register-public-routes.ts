/** Pages that anybody may open. */
import type { FastifyInstance } from 'fastify';
import type { WebContext } from '#web/web-context.ts';

export function registerPublicRoutes(server: FastifyInstance, context: WebContext): void {
  server.get('/', { schema: { hide: true } }, async (_request, reply) =>
    reply.page('public/home', { accounts: context.demo?.accounts ?? [], apps: context.demo?.apps ?? [] }),
  );
}
