/** Acting for organisations: those I represent and whom I let act for them, the mandates I hold, and the certificates for it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { endMandate } from '#certificates/end-mandate.ts';
import { MIN_PERSON_LEVEL } from '#certificates/enrolment-limits.ts';
import { requireCertain } from '#certificates/request-person-certificate.ts';
import { requireMaskedPerson, requirePerson } from '#people/find-person.ts';
import { grantMandate, isInForce, listMandates, type Mandate } from '#people/mandates.ts';
import { organisationIdentifier, requireOrganisation } from '#people/organisations.ts';
import { listRepresented } from '#people/representatives.ts';
import { Problem } from '#problem.ts';
import { acrLevel } from '#sign-in/acr.ts';
import { certificateWords } from '#web/certificate-words.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireSession } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { isFreshEnough } from './fresh-sign-in.ts';
import { MY_SECTIONS } from './sections.ts';

const PAGE = '/my/organisations';
/** Each looks a number up. */
const GRANTS_PER_HOUR = 20;

const needed = 'Fill this in. / 请填写。';
const MandateForm = z.object({
  name: z.string().trim().min(1, needed).max(60),
  citizenNumber: z.string().trim().min(1, needed).max(32),
  scope: z.string().trim().min(1, needed).max(200),
  until: z.iso.date({ error: 'Give a day. / 请填写日期。' }),
});

export function registerMyOrganisationRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function describeMandate(mandate: Mandate) {
    const [agent, organisation] = await Promise.all([
      requireMaskedPerson(context, mandate.agentId),
      organisationName(context, mandate.organisationId),
    ]);
    return { ...mandate, agentName: agent.displayName, organisation, inForce: isInForce(mandate, context.clock.now()) };
  }

  async function page(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined, of = '') {
    const session = requireSession(request);
    const { personId } = session;
    const [person, masked, represented, held] = await Promise.all([
      requirePerson(context, personId),
      requireMaskedPerson(context, personId),
      listRepresented(context, personId),
      listMandates(context, { agentId: personId }),
    ]);
    const organisations = await Promise.all(
      represented.map(async (organisationId) => {
        const [organisation, mandates] = await Promise.all([
          requireOrganisation(context, organisationId),
          listMandates(context, { organisationId }),
        ]);
        const code = organisationIdentifier(organisation);
        return { ...organisation, code, mandates: await Promise.all(mandates.map(describeMandate)) };
      }),
    );
    const hindrance = person.assuranceLevel < MIN_PERSON_LEVEL ? 'level' : isFreshEnough(context, session) ? undefined : 'fresh';
    if (refusal) reply.code(refusal.status);
    return reply.page('my/organisations', {
      ...{ sections: MY_SECTIONS, words: certificateWords, masked, organisations, hindrance, refusal, of },
      mandates: await Promise.all(held.map(describeMandate)),
      values: request.body ?? {},
    });
  }

  server.get(PAGE, options, async (request, reply) => page(request, reply));

  server.post(`${PAGE}/:id/mandates`, options, async (request, reply) => {
    const { personId, acr, authTime } = requireSession(request);
    const organisationId = requireUuid((request.params as { id: string }).id);
    const { data, faults } = parseForm(MandateForm, request.body);
    if (!data) return page(request, reply, refusalOfFaults(faults), organisationId);
    try {
      const tries = await context.ephemeral.increment(`grant-mandate:${personId}`, 3_600);
      if (tries > GRANTS_PER_HOUR) throw new Problem('too-many-requests', { retryAfterSeconds: 3_600 });
      await requireCertain(context, personId, { acrLevel: acrLevel(acr) ?? 1, authTime });
      const { name, citizenNumber, scope, until } = data;
      // The whole of the last day, by the clock on the wall.
      const validUntil = new Date(`${until}T23:59:59+08:00`);
      await grantMandate(context, { organisationId, agent: { name, citizenNumber }, scope, validUntil, by: personId });
    } catch (error) {
      return page(request, reply, refusalOf(error), organisationId);
    }
    return reply.redirect(PAGE, 303);
  });

  server.post(`${PAGE}/mandates/:id/withdraw`, options, async (request, reply) => {
    const { personId } = requireSession(request);
    try {
      await endMandate(context, { id: requireUuid((request.params as { id: string }).id), by: personId });
    } catch (error) {
      return page(request, reply, refusalOf(error));
    }
    return reply.redirect(PAGE, 303);
  });
}
