/** The organisation's seals, and applying for one. What is done with a seal then is on its own page (`seal-page.ts`). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { applyForSeal } from '#seals/apply-for-seal.ts';
import { listSeals } from '#seals/find-seals.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sealWords } from '#web/seal-words.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { SEAL_ROLES } from './seal-page.ts';
import { DESK_SECTIONS } from './sections.ts';

const KINDS = ['official', 'licence', 'contract', 'finance'] as const;

const oneOrMany = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const ApplyForm = z.object({
  kind: z.enum(KINDS, { error: 'Choose a kind. / 请选择印章种类。' }),
  licenceTypes: oneOrMany,
  replaces: z.union([z.literal(''), z.uuid()]).default(''),
});

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
      words: sealWords,
      refusal,
      values: request.body ?? request.query ?? {},
    });
  }

  server.get('/desk/seals', options, async (request, reply) => sealsPage(request, reply));

  server.post('/desk/seals', options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'seal-admin');
    const { data, faults } = parseForm(ApplyForm, request.body);
    if (!data) return sealsPage(request, reply, refusalOfFaults(faults));
    try {
      const { kind, licenceTypes, replaces } = data;
      const known = licenceTypes.filter((slug) => listLicenceTypes().some((type) => type.slug === slug));
      const { sealId } = await applyForSeal(context, {
        organisationId,
        kind,
        licenceTypes: known,
        by: { personId },
        ...(replaces ? { replaces } : {}),
      });
      return reply.redirect(`/desk/seals/${sealId}`, 303);
    } catch (error) {
      return sealsPage(request, reply, refusalOf(error));
    }
  });
}
