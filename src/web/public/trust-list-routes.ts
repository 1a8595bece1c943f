/** `/trust`: the list of authorities of others that this installation takes, signed, and its anchors as PEM. Public and cacheable. */
import type { FastifyInstance } from 'fastify';
import { trustListPem } from '#certificates/trust-list-anchors.ts';
import { currentTrustList } from '#certificates/trust-list-publish.ts';
import { cachePublicly } from '#web/security-headers.ts';
import type { WebContext } from '#web/web-context.ts';

const LIST_SECONDS = 60;

export function registerTrustListRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get('/trust/list.json', options, async (_request, reply) => {
    const { document } = await currentTrustList(context);
    return cachePublicly(reply, LIST_SECONDS)
      .header('access-control-allow-origin', '*')
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(document));
  });

  server.get('/trust/bundle.pem', options, async (_request, reply) => {
    const { list } = await currentTrustList(context);
    return cachePublicly(reply, LIST_SECONDS)
      .header('access-control-allow-origin', '*')
      .type('application/x-pem-file')
      .send(Buffer.from(trustListPem(list, context.clock.now()), 'utf8'));
  });
}
