/**
 * Operators' side of enrolment: the queue of all organisations, and the decision. Systems may read the queue; only people decide, since
 * two persons stand behind a certificate, and a program that holds a token is neither.
 */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import type { CertificateRequestView } from '#certificates/enrolment.ts';
import { listCertificateRequests } from '#certificates/find-certificate-request.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import type { WebContext } from '#web/web-context.ts';
import { authorise } from './authorise.ts';
import { plainAnswer, REQUEST_STATUSES, RequestSchema } from './certificate-operations.ts';
import { ProblemSchema, refusals, tokenOrSession } from './schemas.ts';

const QueuedSchema = RequestSchema.extend({
  holder: z.object({
    kind: z.enum(['person', 'organisation', 'device']),
    organisationId: z.string().optional(),
    organisation: z.string().optional().describe('Name; a person is not named here'),
  }),
  days: z.int(),
  requestedBy: z.string().describe('Actor, as the audit names it'),
  firstApproval: z.boolean().describe('One person stands behind it already: the next approval issues it'),
}).meta({ id: 'QueuedCertificateRequest' });

const missing = { ...refusals, 404: ProblemSchema };

export function registerCertificateDecisions(server: FastifyInstance, context: WebContext): void {
  const api = server.withTypeProvider<ZodTypeProvider>();

  api.get(
    '/api/certificates/queue',
    {
      schema: {
        tags: ['certificates'],
        summary: 'Requests of all organisations, newest first; those that wait unless another status is asked for',
        security: tokenOrSession('certificates:review'),
        querystring: z.object({
          status: z.enum(REQUEST_STATUSES).default('requested'),
          cursor: z.uuid().optional(),
          limit: z.coerce.number().int().min(1).max(100).default(20),
        }),
        response: { 200: z.object({ items: z.array(QueuedSchema), nextCursor: z.string().optional() }), ...refusals },
      },
    },
    async (request) => {
      await authorise(context, request, { scope: 'certificates:review', role: ['operator', 'auditor'] });
      const { items, nextCursor } = await listCertificateRequests(context, request.query);
      return { items: await Promise.all(items.map((view) => queued(context, view))), ...(nextCursor ? { nextCursor } : {}) };
    },
  );

  api.post(
    '/api/certificates/requests/:id/decision',
    {
      schema: {
        tags: ['certificates'],
        summary: 'Approve or reject a request, as an operator who is not the one who asked',
        description:
          'Portal session only: two persons stand behind a certificate, so no token decides. A request that staff sent is issued by one ' +
          'approval, one that a system sent by the second. `digest` is that of the request as it was shown.',
        security: [{ session: [] }],
        params: z.object({ id: z.uuid() }),
        body: z.object({
          decision: z.enum(['approve', 'reject']),
          digest: z.string().regex(/^[0-9a-f]{64}$/),
          reason: z.string().trim().max(200).optional().describe('Shown to who asked; needed to reject'),
        }),
        response: { 200: QueuedSchema, 409: ProblemSchema, ...missing },
      },
    },
    async (request) => {
      const by = requireStaff(request, 'operator');
      const { decision, digest, reason } = request.body;
      const input = { id: request.params.id, by, decision, digest, ...(reason ? { reason } : {}) };
      return queued(context, await decideCertificateRequest(context, input));
    },
  );
}

async function queued(context: WebContext, view: CertificateRequestView): Promise<z.output<typeof QueuedSchema>> {
  const { holder, days, requestedBy, firstApproval } = view;
  const organisationId = holder.kind === 'person' ? undefined : holder.organisationId;
  return {
    ...plainAnswer(view),
    holder: {
      kind: holder.kind,
      ...(organisationId ? { organisationId, organisation: await organisationName(context, organisationId) } : {}),
    },
    ...{ days, requestedBy, firstApproval },
  };
}
