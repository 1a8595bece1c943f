/** The legal representative of an organisation, at its page: entered by one operator, confirmed by another. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { decideRepresentative, findProposedRepresentative, proposeRepresentative } from '#access/appoint-representative.ts';
import { revokeEndedAuthority } from '#certificates/acting.ts';
import { findPersonIdByCitizenNumber, requireMaskedPerson } from '#people/find-person.ts';
import { findRepresentative } from '#people/representatives.ts';
import { faultyField } from '#problem.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeActor } from './describe-actor.ts';

const ProposalForm = z.object({
  representative: z.string().trim().max(32).default(''),
  source: z.string().trim().max(200).default(''),
});
const DecisionForm = z.object({
  approval: z.uuid(),
  decision: z.enum(['approve', 'reject']),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
type ShowPage = (request: FastifyRequest, reply: FastifyReply, refusal: Refusal) => Promise<FastifyReply>;

/** Who it is, and what waits for a second operator; names masked. */
export async function describeRepresentative(context: WebContext, organisationId: string) {
  const nameOf = async (personId: string) => (await requireMaskedPerson(context, personId)).displayName;
  const [present, proposed] = await Promise.all([
    findRepresentative(context, organisationId),
    findProposedRepresentative(context, organisationId),
  ]);
  return {
    present: present && { ...present, name: await nameOf(present.personId) },
    proposed: proposed && {
      ...{ id: proposed.approval.id, digest: proposed.approval.digest, source: proposed.source },
      ...{ requestedAt: proposed.approval.requestedAt, requestedAs: proposed.approval.requestedAs },
      name: proposed.personId ? await nameOf(proposed.personId) : undefined,
      requester: await describeActor(context, `staff:${proposed.approval.requestedAs}`),
    },
  };
}

export function registerRepresentativeRoutes(server: FastifyInstance, context: WebContext, showPage: ShowPage): void {
  const options = { schema: { hide: true } };
  const idOf = (request: FastifyRequest) => requireUuid((request.params as { id: string }).id);

  server.post('/admin/staff/:id/representative', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const organisationId = idOf(request);
    const { data, faults } = parseForm(ProposalForm, request.body);
    if (!data) return showPage(request, reply, refusalOfFaults(faults));
    try {
      const { representative, source } = data;
      const personId = representative ? await findPersonIdByCitizenNumber(context, representative) : undefined;
      if (representative && !personId) throw faultyField('/representative', 'Nobody is known by this number.', '未找到该号码对应的人员。');
      await proposeRepresentative(context, { organisationId, source, by, ...(personId ? { personId } : {}) });
    } catch (error) {
      return showPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/admin/staff/${organisationId}`, 303);
  });

  server.post('/admin/staff/:id/representative/decision', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const organisationId = idOf(request);
    const { data, faults } = parseForm(DecisionForm, request.body);
    if (!data) return showPage(request, reply, refusalOfFaults(faults));
    try {
      const { approval: id, decision, digest } = data;
      await decideRepresentative(context, { organisationId, id, decision, digest, by });
      // The worker does it too; who is looking sees it at once.
      await revokeEndedAuthority(context);
    } catch (error) {
      return showPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/admin/staff/${organisationId}`, 303);
  });
}
