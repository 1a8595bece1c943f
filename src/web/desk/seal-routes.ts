/** Seals: apply, have another person approve, make, put into use, suspend, end. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { Problem } from '#problem.ts';
import { applyForSeal } from '#seals/apply-for-seal.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { activateSeal, cancelSeal, resumeSeal, suspendSeal } from '#seals/change-seal-status.ts';
import { findSeal, findSealUses, listSeals } from '#seals/find-seals.ts';
import { makeSeal } from '#seals/make-seal.ts';
import { cursorOf, requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { DESK_SECTIONS } from './sections.ts';

const USES_PER_PAGE = 20;
const SEAL_ROLES = ['seal-admin', 'approver', 'issuer'] as const;
const KINDS = ['official', 'licence', 'contract', 'finance'] as const;

const oneOrMany = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const ApplyForm = z.object({
  kind: z.enum(KINDS, { error: 'Choose a kind. / 请选择印章种类。' }),
  name: z.string().trim().max(60).default(''),
  licenceTypes: oneOrMany,
});
const ReasonForm = z.object({ reason: z.string().trim().max(200).default('') });

export function registerSealRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function sealsPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const staff = requireStaff(request, SEAL_ROLES);
    if (refusal) reply.code(refusal.status);
    const [organisation, seals] = await Promise.all([
      organisationName(context, staff.organisationId),
      listSeals(context, { organisationId: staff.organisationId }),
    ]);
    const types = listLicenceTypes();
    return reply.page('desk/seals', {
      sections: DESK_SECTIONS,
      organisation,
      seals,
      types,
      kinds: KINDS,
      refusal,
      values: request.body ?? {},
    });
  }

  server.get('/desk/seals', options, async (request, reply) => sealsPage(request, reply));

  server.post('/desk/seals', options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'seal-admin');
    const { data, faults } = parseForm(ApplyForm, request.body);
    if (!data) return sealsPage(request, reply, refusalOfFaults(faults));
    try {
      const { kind, name, licenceTypes } = data;
      const known = licenceTypes.filter((slug) => listLicenceTypes().some((type) => type.slug === slug));
      const { sealId } = await applyForSeal(context, {
        organisationId,
        kind,
        licenceTypes: known,
        by: { personId },
        ...(name ? { name } : {}),
      });
      return reply.redirect(`/desk/seals/${sealId}`, 303);
    } catch (error) {
      return sealsPage(request, reply, refusalOf(error));
    }
  });

  async function sealPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const staff = requireStaff(request, SEAL_ROLES);
    const sealId = requireUuid((request.params as { id: string }).id);
    const seal = await findSeal(context, sealId);
    if (!seal || seal.organisationId !== staff.organisationId) throw new Problem('not-found');
    const cursor = cursorOf(request.query);
    const uses = await findSealUses(context, { sealId, limit: USES_PER_PAGE, ...(cursor ? { cursor } : {}) });
    const picture = seal.picturePng ? `data:image/png;base64,${Buffer.from(seal.picturePng).toString('base64')}` : undefined;
    if (refusal) reply.code(refusal.status);
    return reply.page('desk/seal', {
      sections: DESK_SECTIONS,
      seal,
      picture,
      uses,
      first: cursor === undefined,
      types: listLicenceTypes(),
      refusal,
    });
  }

  server.get<{ Params: { id: string } }>('/desk/seals/:id', options, async (request, reply) => sealPage(request, reply));

  /** Each act with the role it takes; the seals room checks it again. */
  const acts = {
    approve: {
      role: 'approver',
      run: (sealId, personId, reason) =>
        approveSeal(context, { sealId, by: { personId }, decision: 'approve', ...(reason ? { reason } : {}) }),
    },
    reject: {
      role: 'approver',
      run: (sealId, personId, reason) =>
        approveSeal(context, { sealId, by: { personId }, decision: 'reject', ...(reason ? { reason } : {}) }),
    },
    make: { role: 'seal-admin', run: (sealId, personId) => makeSeal(context, { sealId, by: { personId } }) },
    activate: { role: 'seal-admin', run: (sealId, personId) => activateSeal(context, { sealId, by: { personId } }) },
    suspend: { role: 'seal-admin', run: (sealId, personId, reason) => suspendSeal(context, { sealId, by: { personId }, reason }) },
    resume: { role: 'seal-admin', run: (sealId, personId, reason) => resumeSeal(context, { sealId, by: { personId }, reason }) },
    cancel: { role: 'seal-admin', run: (sealId, personId, reason) => cancelSeal(context, { sealId, by: { personId }, reason }) },
  } satisfies Record<
    string,
    { role: 'approver' | 'seal-admin'; run: (sealId: string, personId: string, reason: string) => Promise<unknown> }
  >;

  server.post<{ Params: { id: string; act: string } }>('/desk/seals/:id/:act', options, async (request, reply) => {
    const sealId = requireUuid(request.params.id);
    const act = Object.hasOwn(acts, request.params.act) ? acts[request.params.act as keyof typeof acts] : undefined;
    if (!act) throw new Problem('not-found');
    const { personId, organisationId } = requireStaff(request, act.role);
    const seal = await findSeal(context, sealId);
    if (seal?.organisationId !== organisationId) throw new Problem('not-found');
    const { data, faults } = parseForm(ReasonForm, request.body);
    if (!data) return sealPage(request, reply, refusalOfFaults(faults));
    try {
      await act.run(sealId, personId, data.reason);
    } catch (error) {
      return sealPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/desk/seals/${sealId}`, 303);
  });
}
