/** Bulk sealing jobs of all organisations, for operators and auditors: how far they are and what went wrong, without files or their names. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '#problem.ts';
import { describeSealJob } from '#seals/search-seal-jobs.ts';
import { sealJobFacts, sealJobsPage, sendJobErrors } from '#web/desk/seal-job-facts.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { requireStaff } from '#web/session.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const READERS = ['operator', 'auditor'] as const;
const PLACE = '/admin/seal-jobs';
const WITHOUT_NAMES = { withNames: false };
type Query = { Querystring: Record<string, string> };

export function registerAdminSealJobRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };
  const common = { sections: ADMIN_SECTIONS, surface: 'admin', place: PLACE };

  async function requireJob(request: FastifyRequest) {
    requireStaff(request, READERS);
    const job = await describeSealJob(context, requireUuid((request.params as { id: string }).id));
    if (!job) throw new Problem('seal-job-not-found');
    return job;
  }

  server.get<Query>(PLACE, options, async (request, reply) => {
    requireStaff(request, READERS);
    return reply.page('desk/seal-jobs', { ...common, ...(await sealJobsPage(context, request.query)) });
  });

  server.get<Query>(`${PLACE}/:id`, options, async (request, reply) => {
    const facts = await sealJobFacts(context, await requireJob(request), request.query, WITHOUT_NAMES);
    return reply.page('desk/seal-job', { ...common, ...facts });
  });

  server.get(`${PLACE}/:id/errors.csv`, options, async (request, reply) =>
    sendJobErrors(context, reply, await requireJob(request), WITHOUT_NAMES),
  );
}
