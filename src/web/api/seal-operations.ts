/** The seals of a system's organisation, to choose one from. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { listSeals } from '#seals/find-seals.ts';
import { SEAL_STATUSES } from '#seals/seal-status.ts';
import type { WebContext } from '#web/web-context.ts';
import { authorise } from './authorise.ts';
import { refusals, tokenOrSession } from './schemas.ts';

const SealSchema = z
  .object({
    id: z.string(),
    esId: z.string().optional().describe('14 digits, from making on'),
    name: z.string(),
    kind: z.string(),
    status: z.enum(SEAL_STATUSES),
    licenceTypes: z.array(z.string()).describe('Empty: any, and other documents'),
    dailyLimit: z.int().nullable().describe('Files a day; null: no limit'),
    validFrom: z.date().optional(),
    validTo: z.date().optional(),
  })
  .meta({ id: 'Seal' });

export function registerSealOperations(server: FastifyInstance, context: WebContext): void {
  server.withTypeProvider<ZodTypeProvider>().get(
    '/api/seals',
    {
      schema: {
        tags: ['seals'],
        summary: 'Seals of this organisation, newest first',
        security: tokenOrSession('seals:read'),
        response: { 200: z.object({ items: z.array(SealSchema) }), ...refusals },
      },
    },
    async (request) => {
      const by = await authorise(context, request, { scope: 'seals:read', role: ['seal-admin', 'approver', 'issuer'] });
      return { items: await listSeals(context, { organisationId: by.organisationId }) };
    },
  );
}
