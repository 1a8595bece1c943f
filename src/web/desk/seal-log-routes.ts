/** What an owner takes along: the seal's log, page by page or as a file; the seal itself and its picture. */
import type { FastifyInstance } from 'fastify';
import { staffActor } from '#access/staff.ts';
import { Problem } from '#problem.ts';
import { readSealFile, SEAL_FILES } from '#seals/find-seals.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { periodAsked, readSealLogPage, sendSealLog } from './seal-log.ts';
import { requireOwnSeal, SEAL_ROLES } from './seal-page.ts';
import { DESK_SECTIONS } from './sections.ts';

type Query = { Querystring: Record<string, string> };

export function registerSealLogRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get<Query>('/desk/seals/:id/uses', options, async (request, reply) => {
    const seal = await requireOwnSeal(context, request, requireStaff(request, SEAL_ROLES));
    const place = `/desk/seals/${seal.id}`;
    const log = await readSealLogPage(context, seal, request.query);
    return reply.page('desk/seal-uses', { sections: DESK_SECTIONS, place, surface: 'desk', ...log });
  });

  server.get<Query>('/desk/seals/:id/uses.csv', options, async (request, reply) => {
    const staff = requireStaff(request, SEAL_ROLES);
    const seal = await requireOwnSeal(context, request, staff);
    return sendSealLog(context, reply, { seal, period: periodAsked(request.query), actor: staffActor(staff) });
  });

  server.get<{ Params: { id: string; file: string } }>('/desk/seals/:id/files/:file', options, async (request, reply) => {
    const seal = await requireOwnSeal(context, request, requireStaff(request, SEAL_ROLES));
    const file = SEAL_FILES.find((name) => name === request.params.file);
    if (!file) throw new Problem('not-found');
    return sendFile(reply, await readSealFile(context, { sealId: seal.id, file }));
  });
}
