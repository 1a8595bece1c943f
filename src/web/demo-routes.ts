/** Pages of the demo only: what the simulated SMS gateway "sent". Production has no simulators and so no such page. */
import type { FastifyInstance } from 'fastify';
import type { WebContext } from './web-context.ts';

export function registerDemoRoutes(server: FastifyInstance, { simulators, production }: WebContext): void {
  if (!simulators || production) return;
  server.get('/demo/sms', { schema: { hide: true } }, async (_request, reply) =>
    reply.page('public/simulated-sms', { messages: simulators.smsMessages().slice(0, 50) }),
  );
}
