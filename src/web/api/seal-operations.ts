/** The seals of a system's organisation, to choose one from, and what each was put on. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Problem } from '#problem.ts';
import { findSeal, findSealUses, listSeals } from '#seals/find-seals.ts';
import { SEAL_STATUSES } from '#seals/seal-status.ts';
import type { WebContext } from '#web/web-context.ts';
import { authorise } from './authorise.ts';
import { ProblemSchema, refusals, tokenOrSession } from './schemas.ts';

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

const UseSchema = z
  .object({
    id: z.string(),
    at: z.date(),
    actor: z.string().describe('`staff:<id>` or `client:<id>`'),
    subject: z.string().describe('`licence:<id>` or `seal-job:<id>`'),
    licenceType: z.string().optional(),
    format: z.enum(['ofd', 'pdf']),
    digest: z.string().describe('SHA-256 of the sealed file'),
    sm3: z.string().optional().describe('SM3 of the sealed file'),
  })
  .meta({ id: 'SealUse' });

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

  server.withTypeProvider<ZodTypeProvider>().get(
    '/api/seals/:id/uses',
    {
      schema: {
        tags: ['seals'],
        summary: 'What a seal of this organisation was put on, newest first',
        security: tokenOrSession('seals:read'),
        params: z.object({ id: z.uuid() }),
        querystring: z.object({
          since: z.iso.datetime({ offset: true }).optional(),
          until: z.iso.datetime({ offset: true }).optional().describe('Exclusive'),
          cursor: z.uuid().optional(),
          limit: z.coerce.number().int().min(1).max(1_000).default(100),
        }),
        response: { 200: z.object({ items: z.array(UseSchema), nextCursor: z.string().optional() }), ...refusals, 404: ProblemSchema },
      },
    },
    async (request) => {
      const by = await authorise(context, request, { scope: 'seals:read', role: ['seal-admin', 'approver', 'issuer'] });
      const seal = await findSeal(context, request.params.id);
      if (seal?.organisationId !== by.organisationId) throw new Problem('seal-not-found');
      const { since, until, cursor, limit } = request.query;
      const period = { ...(since ? { since: new Date(since) } : {}), ...(until ? { until: new Date(until) } : {}) };
      return findSealUses(context, { sealId: seal.id, ...period, cursor, limit });
    },
  );
}
