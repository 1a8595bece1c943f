/** What the QR printed on a licence opens: whether it is in force, and masked fields. The token in the address cannot be guessed. */
import type { FastifyInstance } from 'fastify';
import { findPublicLicence } from '#licences/find-public-licence.ts';
import { Problem } from '#problem.ts';
import type { WebContext } from '#web/web-context.ts';

const TOKEN = /^[A-Za-z0-9_-]{16,64}$/;

export function registerPublicLicenceRoutes(server: FastifyInstance, context: WebContext): void {
  server.get<{ Params: { token: string } }>('/v/:token', { schema: { hide: true } }, async (request, reply) => {
    const { token } = request.params;
    const licence = TOKEN.test(token) ? await findPublicLicence(context, token) : undefined;
    if (!licence) throw new Problem('licence-not-found');
    return reply.header('x-robots-tag', 'noindex').page('public/licence', { licence });
  });
}
