/** What an owner takes along: the seal's log, page by page or as a file; the seal itself and its picture. */
import type { FastifyInstance } from 'fastify';
import { staffActor } from '#access/staff.ts';
import { Problem } from '#problem.ts';
import { findSealUses, readSealFile, SEAL_FILES } from '#seals/find-seals.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { periodOf, SealLogFilter, sendSealLog, useDescriber } from './seal-log.ts';
import { requireOwnSeal, SEAL_ROLES } from './seal-page.ts';
import { DESK_SECTIONS } from './sections.ts';

const PAGE_SIZE = 30;
type Query = { Querystring: Record<string, string> };

export function registerSealLogRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get<Query>('/desk/seals/:id/uses', options, async (request, reply) => {
    const seal = await requireOwnSeal(context, request, requireStaff(request, SEAL_ROLES));
    const { data, faults } = parseForm(SealLogFilter, request.query);
    const cursor = cursorOf(request.query);
    const period = data ? periodOf(data) : {};
    const page = await findSealUses(context, { sealId: seal.id, ...period, cursor, limit: PAGE_SIZE });
    const { since = '', until = '' } = request.query;
    return reply.page('desk/seal-uses', {
      sections: DESK_SECTIONS,
      place: `/desk/seals/${seal.id}`,
      surface: 'desk',
      seal,
      uses: await Promise.all(page.items.map(useDescriber(context))),
      nextCursor: page.nextCursor,
      first: cursor === undefined,
      faults,
      values: { since, until },
      query: new URLSearchParams({ since, until }).toString(),
    });
  });

  server.get<Query>('/desk/seals/:id/uses.csv', options, async (request, reply) => {
    const staff = requireStaff(request, SEAL_ROLES);
    const seal = await requireOwnSeal(context, request, staff);
    const { data } = parseForm(SealLogFilter, request.query);
    return sendSealLog(context, reply, { seal, period: data ? periodOf(data) : {}, actor: staffActor(staff) });
  });

  server.get<{ Params: { id: string; file: string } }>('/desk/seals/:id/files/:file', options, async (request, reply) => {
    const seal = await requireOwnSeal(context, request, requireStaff(request, SEAL_ROLES));
    const file = SEAL_FILES.find((name) => name === request.params.file);
    if (!file) throw new Problem('not-found');
    return sendFile(reply, await readSealFile(context, { sealId: seal.id, file }));
  });
}
