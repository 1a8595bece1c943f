/** The department's own register: list and filter, one licence, its files, and changing its status with a reason. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { changeStatus } from '#licences/change-status.ts';
import { isTransitionAllowed, LICENCE_STATUSES, type StoredStatus } from '#licences/licence-status.ts';
import { findLicenceForDesk, listRegistry } from '#licences/list-registry.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { Problem } from '#problem.ts';
import { cursorOf, requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { DESK_SECTIONS } from './sections.ts';

const PAGE_SIZE = 25;
/** Said to the holder when the department itself reads the file again. */
const DESK_PURPOSE = '颁发机构查阅存档';

const CHANGES = ['in-force', 'suspended', 'revoked', 'punitively-revoked', 'cancelled'] as const;
const StatusForm = z.object({
  status: z.enum(CHANGES, { error: 'Choose a status. / 请选择变更后的状态。' }),
  reason: z.string().trim().min(2, 'Give a reason of 2 to 200 characters. / 请填写 2 至 200 个字的原因。').max(200),
});

export function registerRegistryRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get<{ Querystring: Record<string, unknown> }>('/desk', options, async (request, reply) => {
    const staff = requireStaff(request, ['issuer', 'seal-admin', 'approver']);
    // Who only looks after seals has their own page.
    if (!staff.roles.includes('issuer')) return reply.redirect('/desk/seals', 303);
    const status = LICENCE_STATUSES.find((known) => known === request.query['status']);
    const type = listLicenceTypes().find(({ slug }) => slug === request.query['type'])?.slug;
    const cursor = cursorOf(request.query);
    const page = await listRegistry(context, {
      organisationId: staff.organisationId,
      by: { personId: staff.personId, organisationId: staff.organisationId },
      limit: PAGE_SIZE,
      status,
      type,
      cursor,
    });
    const filter = new URLSearchParams({ ...(status ? { status } : {}), ...(type ? { type } : {}) });
    return reply.page('desk/registry', {
      sections: DESK_SECTIONS,
      organisation: await organisationName(context, staff.organisationId),
      ...page,
      first: cursor === undefined,
      filter: { status, type },
      query: filter.toString(),
      types: listLicenceTypes(),
      statuses: LICENCE_STATUSES,
    });
  });

  async function licencePage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const { personId, organisationId } = requireStaff(request, 'issuer');
    const licenceId = requireUuid((request.params as { id: string }).id);
    const licence = await findLicenceForDesk(context, { licenceId, by: { personId, organisationId } });
    if (refusal) reply.code(refusal.status);
    const from = licence.status === 'expired' ? 'in-force' : (licence.status as StoredStatus);
    const changes = CHANGES.filter((to) => isTransitionAllowed(from, to));
    const { done } = request.query as { done?: string };
    return reply.page('desk/licence', { sections: DESK_SECTIONS, licence, changes, refusal, done, values: request.body ?? {} });
  }

  server.get<{ Params: { id: string } }>('/desk/licences/:id', options, async (request, reply) => licencePage(request, reply));

  server.post<{ Params: { id: string } }>('/desk/licences/:id/status', options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'issuer');
    const licenceId = requireUuid(request.params.id);
    const { data, faults } = parseForm(StatusForm, request.body);
    if (!data) return licencePage(request, reply, refusalOfFaults(faults));
    try {
      await changeStatus(context, { ...data, licenceId, by: { personId, organisationId } });
    } catch (error) {
      return licencePage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/desk/licences/${licenceId}?done=status`, 303);
  });

  server.get<{ Params: { id: string; format: string } }>('/desk/licences/:id/licence.:format', options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'issuer');
    const { format } = request.params;
    if (format !== 'ofd' && format !== 'pdf') throw new Problem('not-found');
    const licenceId = requireUuid(request.params.id);
    const reader = { as: 'staff', by: { personId, organisationId }, purpose: DESK_PURPOSE } as const;
    return sendFile(reply, await readLicenceFile(context, { licenceId, format, reader }));
  });
}
