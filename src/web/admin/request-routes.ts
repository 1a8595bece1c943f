/** Requests for certificates: what waits, what was decided, and the second operator's decision on one. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listDomainProofs } from '#certificates/check-domains.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { requireDevice } from '#certificates/devices.ts';
import type { CertificateRequestView, Holder, RequestStatus } from '#certificates/enrolment.ts';
import { listCertificateRequests, requireCertificateRequest } from '#certificates/find-certificate-request.ts';
import { certificateWords } from '#web/certificate-words.ts';
import { cursorOf, requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeActor } from './describe-actor.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const PAGE_SIZE = 30;
const READERS = ['operator', 'auditor'] as const;
const STATES = ['requested', 'approved', 'issued', 'rejected', 'cancelled', 'expired'] as const satisfies readonly RequestStatus[];

const DecisionForm = z.object({
  decision: z.enum(['approve', 'reject'], { error: 'Decide. / 请选择批准或驳回。' }),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  reason: z.string().trim().max(200).default(''),
});

export function registerRequestRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function holderName(holder: Holder): Promise<string> {
    if (holder.kind === 'person') return describeActor(context, `person:${holder.personId}`);
    const organisation = await organisationName(context, holder.organisationId);
    return holder.kind === 'device' ? `${(await requireDevice(context, holder.deviceId)).name}（${organisation}）` : organisation;
  }

  const described = async (request: CertificateRequestView) => ({
    ...request,
    holderName: await holderName(request.holder),
    requester: await describeActor(context, request.requestedBy),
    decider: request.decidedBy ? await describeActor(context, request.decidedBy) : undefined,
  });

  server.get('/admin/requests', options, async (request, reply) => {
    requireStaff(request, READERS);
    const asked = (request.query as { state?: string }).state ?? 'requested';
    const state = STATES.find((known) => known === asked);
    const cursor = cursorOf(request.query);
    const { items, nextCursor } = await listCertificateRequests(context, { status: state, cursor, limit: PAGE_SIZE });
    const rows = await Promise.all(items.map(described));
    const shown = { rows, nextCursor, first: cursor === undefined, state: state ?? 'all', states: STATES };
    return reply.page('admin/requests', { sections: ADMIN_SECTIONS, words: certificateWords, ...shown });
  });

  async function requestPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, READERS);
    const view = await requireCertificateRequest(context, requireUuid((request.params as { id: string }).id));
    if (refusal) reply.code(refusal.status);
    const [asked, domains] = await Promise.all([described(view), listDomainProofs(context, view.id)]);
    return reply.page('admin/request', { sections: ADMIN_SECTIONS, words: certificateWords, asked, domains, refusal });
  }

  server.get('/admin/requests/:id', options, async (request, reply) => requestPage(request, reply));

  server.post('/admin/requests/:id', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const id = requireUuid((request.params as { id: string }).id);
    const { data, faults } = parseForm(DecisionForm, request.body);
    if (!data) return requestPage(request, reply, refusalOfFaults(faults));
    try {
      const { decision, digest, reason } = data;
      await decideCertificateRequest(context, { id, by, decision, digest, ...(reason ? { reason } : {}) });
    } catch (error) {
      return requestPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/admin/requests/${id}`, 303);
  });
}
