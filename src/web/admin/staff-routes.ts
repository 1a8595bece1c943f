/** Organisations and who acts for them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { appointStaff, dismissStaff } from '#access/appoint-staff.ts';
import { findStaff, listStaff } from '#access/find-staff.ts';
import { ROLES, staffActor } from '#access/staff.ts';
import { findPersonIdByCitizenNumber, findPersonIdByPhone, requireMaskedPerson, requirePerson } from '#people/find-person.ts';
import { listOrganisations, organisationIdentifier, registerOrganisation, requireOrganisation } from '#people/organisations.ts';
import { faultyField, Problem } from '#problem.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeRepresentative, registerRepresentativeRoutes } from './representative-routes.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const PAGE_SIZE = 50;
/** Name and number agreed with the population register. */
const MIN_STAFF_LEVEL = 3;
const roles = z.enum(ROLES);
const AppointForm = z.object({
  person: z.string().trim().min(1, 'Fill this in. / 请填写。').max(64),
  roles: z.union([roles.transform((one) => [one]), z.array(roles).min(1)], { error: 'Choose at least one role. / 请至少选择一个岗位。' }),
});
const OrganisationForm = z.object({
  name: z.string().trim().min(1, 'Fill this in. / 请填写。').max(120),
  uscc: z.string().trim().max(40),
  divisionCode: z.string().trim().max(12).default(''),
  kind: z.enum(['department', 'company', 'village-committee', 'other']),
});

export function registerStaffRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function listPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, ['operator', 'auditor']);
    const { after } = request.query as { after?: unknown };
    const page = await listOrganisations(context, {
      limit: PAGE_SIZE,
      ...(typeof after === 'string' ? { after: requireUuid(after) } : {}),
    });
    const organisations = page.map((organisation) => ({ ...organisation, code: organisationIdentifier(organisation) }));
    if (refusal) reply.code(refusal.status);
    const nextCursor = page.length === PAGE_SIZE ? page.at(-1)?.id : undefined;
    return reply.page('admin/organisations', {
      sections: ADMIN_SECTIONS,
      organisations,
      nextCursor,
      first: after === undefined,
      refusal,
      values: request.body ?? {},
    });
  }

  server.get('/admin/staff', options, async (request, reply) => listPage(request, reply));

  server.post('/admin/staff', options, async (request, reply) => {
    const staff = requireStaff(request, 'operator');
    const { data, faults } = parseForm(OrganisationForm, request.body);
    if (!data) return listPage(request, reply, refusalOfFaults(faults));
    const { divisionCode, ...input } = data;
    try {
      const { id } = await registerOrganisation(context, { ...input, ...(divisionCode ? { divisionCode } : {}), by: staffActor(staff) });
      return reply.redirect(`/admin/staff/${id}`, 303);
    } catch (error) {
      return listPage(request, reply, refusalOf(error));
    }
  });

  async function staffPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, ['operator', 'auditor']);
    const organisationId = requireUuid((request.params as { id: string }).id);
    const organisation = await requireOrganisation(context, organisationId);
    const positions = await listStaff(context, { organisationId, limit: 100 });
    const people = await Promise.all(
      positions.map(async (position) => ({ ...position, person: await requireMaskedPerson(context, position.personId) })),
    );
    if (refusal) reply.code(refusal.status);
    const representative = await describeRepresentative(context, organisationId);
    return reply.page('admin/staff', {
      representative,
      sections: ADMIN_SECTIONS,
      organisation,
      code: organisationIdentifier(organisation),
      people,
      roles: ROLES,
      refusal,
      values: request.body ?? {},
    });
  }

  server.get<{ Params: { id: string } }>('/admin/staff/:id', options, async (request, reply) => staffPage(request, reply));

  server.post<{ Params: { id: string } }>('/admin/staff/:id', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const organisationId = requireUuid(request.params.id);
    const { data, faults } = parseForm(AppointForm, request.body);
    if (!data) return staffPage(request, reply, refusalOfFaults(faults));
    try {
      const personId = (await findPersonIdByCitizenNumber(context, data.person)) ?? (await findPersonIdByPhone(context, data.person));
      if (personId === undefined) throw faultyField('/person', 'Nobody is known by this number.', '未找到该号码对应的人员。');
      // Otherwise one operator could make up the second person that approvals need.
      if ((await requirePerson(context, personId)).assuranceLevel < MIN_STAFF_LEVEL)
        throw faultyField('/person', 'Only whose real name is proven (level 3) can be appointed.', '须完成实名认证（三级）后方可任命。');
      await appointStaff(context, { personId, organisationId, roles: data.roles, by: staffActor(by) });
    } catch (error) {
      return staffPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/admin/staff/${organisationId}`, 303);
  });

  registerRepresentativeRoutes(server, context, staffPage);

  server.post<{ Params: { id: string; staffId: string } }>('/admin/staff/:id/:staffId/dismiss', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const staffId = requireUuid(request.params.staffId);
    const position = await findStaff(context, staffId);
    if (!position || position.organisationId !== request.params.id) throw new Problem('not-found');
    await dismissStaff(context, { staffId, by: staffActor(by) });
    return reply.redirect(`/admin/staff/${position.organisationId}`, 303);
  });
}
