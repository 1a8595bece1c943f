/** The form with which a seal's keeper asks for other rules. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { requestSealRules } from '#seals/request-seal-change.ts';
import { MAX_DAILY_LIMIT } from '#seals/seal-rules.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { listSealUsers } from './seal-facts.ts';
import { requireOwnSeal } from './seal-page.ts';
import { DESK_SECTIONS } from './sections.ts';

const oneOrMany = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const RulesForm = z.object({
  licenceTypes: oneOrMany,
  users: oneOrMany,
  dailyLimit: z
    .string()
    .trim()
    .regex(/^\d{0,7}$/, `A whole number from 1 to ${MAX_DAILY_LIMIT}, or empty. / 请填写 1 至 ${MAX_DAILY_LIMIT} 的整数，或不填。`)
    .default('')
    .transform((digits) => (digits === '' ? null : Number(digits))),
  reason: z.string().trim().max(200).default(''),
});

export function registerSealRulesRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function rulesPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const staff = requireStaff(request, 'seal-admin');
    const seal = await requireOwnSeal(context, request, staff);
    if (refusal) reply.code(refusal.status);
    const asked = refusal ? (request.body as Record<string, string | string[] | undefined>) : undefined;
    const values = asked
      ? { ...asked, licenceTypes: [asked.licenceTypes ?? []].flat(), users: [asked.users ?? []].flat() }
      : { licenceTypes: seal.licenceTypes, users: seal.users, dailyLimit: seal.dailyLimit ?? '', reason: '' };
    const mayUse = await listSealUsers(context, seal.organisationId);
    return reply.page('desk/seal-rules', { sections: DESK_SECTIONS, seal, mayUse, types: listLicenceTypes(), values, refusal });
  }

  server.get('/desk/seals/:id/rules', options, async (request, reply) => rulesPage(request, reply));

  server.post('/desk/seals/:id/rules', options, async (request, reply) => {
    const staff = requireStaff(request, 'seal-admin');
    const { id, organisationId } = await requireOwnSeal(context, request, staff);
    const { data, faults } = parseForm(RulesForm, request.body);
    if (!data) return rulesPage(request, reply, refusalOfFaults(faults));
    const { reason, ...rules } = data;
    try {
      const offered = new Set((await listSealUsers(context, organisationId)).map(({ value }) => value));
      const users = rules.users.map((user) => (offered.has(user) ? user : ''));
      await requestSealRules(context, { sealId: id, by: { personId: staff.personId }, rules: { ...rules, users }, reason });
    } catch (error) {
      return rulesPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/desk/seals/${id}`, 303);
  });
}
