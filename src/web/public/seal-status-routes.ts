/** Whether a seal is good, by its number: what anybody needs who looks at a sealed document. No name, nobody's use of it. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findSealStatus, PUBLIC_SEAL_STATUSES } from '#seals/find-seal-status.ts';
import { ProblemSchema } from '#web/api/schemas.ts';
import { sealWords } from '#web/seal-words.ts';
import { cachePublicly } from '#web/security-headers.ts';
import type { WebContext } from '#web/web-context.ts';

/** A destroyed seal is known as such within half a minute. */
const STATUS_SECONDS = 30;
const esId = z.string().regex(/^\d{14}$/);

export function registerSealStatusRoutes(server: FastifyInstance, context: WebContext): void {
  server.withTypeProvider<ZodTypeProvider>().get(
    '/api/seal-status/:esId',
    {
      schema: {
        tags: ['seals'],
        summary: 'Whether a seal is good, now or at the time of sealing',
        description: 'Public. `since` is when it came into this state, `at` the moment the answer is about.',
        params: z.object({ esId: esId.describe('The 14 digits of the seal') }),
        querystring: z.object({ at: z.iso.datetime({ offset: true }).optional().describe('Not later than now; default now') }),
        response: {
          200: z
            .object({
              esId: z.string(),
              status: z.enum(PUBLIC_SEAL_STATUSES),
              since: z.date(),
              at: z.date(),
              validFrom: z.date(),
              validTo: z.date(),
              replacedBy: z.string().optional().describe('Number of the seal that took its place'),
            })
            .meta({ id: 'SealStatus' }),
          404: ProblemSchema,
          422: ProblemSchema,
        },
      },
    },
    async (request, reply) => {
      const { at } = request.query;
      const status = await findSealStatus(context, { esId: request.params.esId, ...(at ? { at: new Date(at) } : {}) });
      cachePublicly(reply, STATUS_SECONDS);
      return status;
    },
  );

  server.get<{ Params: { esId: string } }>('/seals/:esId', { schema: { hide: true } }, async (request, reply) => {
    const status = await findSealStatus(context, { esId: request.params.esId });
    return reply.header('x-robots-tag', 'noindex').page('public/seal', { seal: status, words: sealWords });
  });
}
