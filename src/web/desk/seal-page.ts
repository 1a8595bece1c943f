/** One seal: what it is, who may use it, what became of it, and what those who look after it can do. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Role, Staff } from '#access/staff.ts';
import { Problem } from '#problem.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { activateSeal, cancelSeal, resumeSeal, suspendSeal } from '#seals/change-seal-status.ts';
import { decideSealChange } from '#seals/decide-seal-change.ts';
import { findSeal, findSealUses } from '#seals/find-seals.ts';
import { makeSeal } from '#seals/make-seal.ts';
import { requestSealDestruction } from '#seals/request-seal-change.ts';
import type { SealView } from '#seals/seal-view.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sealWords } from '#web/seal-words.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { sealFacts } from './seal-facts.ts';
import { useDescriber } from './seal-log.ts';
import { DESK_SECTIONS } from './sections.ts';

const LATEST_USES = 5;
export const SEAL_ROLES = ['seal-admin', 'approver', 'issuer'] as const;

const reason = z.string().trim().max(200).default('');
const ReasonForm = z.object({ reason });
const DecisionForm = z.object({
  decision: z.enum(['approve', 'reject'], { error: 'Decide. / 请选择批准或驳回。' }),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  reason,
});

/** The seal of this address, when it is the organisation's. Throws Problem `not-found`. */
export async function requireOwnSeal(context: WebContext, request: FastifyRequest, staff: Staff): Promise<SealView> {
  const seal = await findSeal(context, requireUuid((request.params as { id: string }).id));
  if (seal?.organisationId !== staff.organisationId) throw new Problem('not-found');
  return seal;
}

export function registerSealPage(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function sealPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const staff = requireStaff(request, SEAL_ROLES);
    const seal = await requireOwnSeal(context, request, staff);
    const { items } = await findSealUses(context, { sealId: seal.id, limit: LATEST_USES });
    const facts = await sealFacts(context, seal);
    if (refusal) reply.code(refusal.status);
    const uses = await Promise.all(items.map(useDescriber(context)));
    return reply.page('desk/seal', { sections: DESK_SECTIONS, words: sealWords, seal, ...facts, uses, refusal });
  }

  server.get('/desk/seals/:id', options, async (request, reply) => sealPage(request, reply));

  type Act = { role: Role | readonly Role[]; run(sealId: string, personId: string, reason: string): Promise<unknown> };
  const decide = (decision: 'approve' | 'reject'): Act => ({
    role: 'approver',
    run: (sealId, personId, reason) => approveSeal(context, { sealId, by: { personId }, decision, ...(reason ? { reason } : {}) }),
  });
  /** Each act with the role it takes; the seals room checks it again. */
  const acts: Record<string, Act> = {
    approve: decide('approve'),
    reject: decide('reject'),
    make: { role: 'seal-admin', run: (sealId, personId) => makeSeal(context, { sealId, by: { personId } }) },
    activate: { role: 'seal-admin', run: (sealId, personId) => activateSeal(context, { sealId, by: { personId } }) },
    // Whoever looks after seals stops one at once; starting it again is the keeper's.
    suspend: {
      role: ['seal-admin', 'approver'],
      run: (sealId, personId, reason) => suspendSeal(context, { sealId, by: { personId }, reason }),
    },
    resume: { role: 'seal-admin', run: (sealId, personId, reason) => resumeSeal(context, { sealId, by: { personId }, reason }) },
    cancel: { role: 'seal-admin', run: (sealId, personId, reason) => cancelSeal(context, { sealId, by: { personId }, reason }) },
    destroy: {
      role: 'seal-admin',
      run: (sealId, personId, reason) => requestSealDestruction(context, { sealId, by: { personId }, reason }),
    },
  };

  server.post<{ Params: { id: string; act: string } }>('/desk/seals/:id/:act', options, async (request, reply) => {
    const act = Object.hasOwn(acts, request.params.act) ? acts[request.params.act] : undefined;
    if (!act) throw new Problem('not-found');
    const staff = requireStaff(request, act.role);
    const { id } = await requireOwnSeal(context, request, staff);
    const { data, faults } = parseForm(ReasonForm, request.body);
    if (!data) return sealPage(request, reply, refusalOfFaults(faults));
    try {
      await act.run(id, staff.personId, data.reason);
    } catch (error) {
      return sealPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/desk/seals/${id}`, 303);
  });

  server.post<{ Params: { id: string; approval: string } }>('/desk/seals/:id/changes/:approval', options, async (request, reply) => {
    const staff = requireStaff(request, 'approver');
    const { id } = await requireOwnSeal(context, request, staff);
    const approvalId = requireUuid(request.params.approval);
    const { data, faults } = parseForm(DecisionForm, request.body);
    if (!data) return sealPage(request, reply, refusalOfFaults(faults));
    try {
      await decideSealChange(context, { sealId: id, approvalId, by: { personId: staff.personId }, ...data });
    } catch (error) {
      return sealPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/desk/seals/${id}`, 303);
  });
}
