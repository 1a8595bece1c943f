/** Seals of all organisations, for operators and auditors: to look at, not to touch; a seal's log goes out as a file too. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { staffActor } from '#access/staff.ts';
import { Problem } from '#problem.ts';
import { findSeal, searchSeals } from '#seals/find-seals.ts';
import { SEAL_STATUSES } from '#seals/seal-status.ts';
import { sealFacts } from '#web/desk/seal-facts.ts';
import { periodAsked, readSealLogPage, sendSealLog } from '#web/desk/seal-log.ts';
import { cursorOf, requireUuid } from '#web/path-parameters.ts';
import { sealWords } from '#web/seal-words.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const PAGE_SIZE = 30;
const READERS = ['operator', 'auditor'] as const;
const Search = z.object({ text: z.string().trim().max(60).default(''), status: z.enum([...SEAL_STATUSES, '']).default('') });
type Query = { Querystring: Record<string, string> };

export function registerAdminSealRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get<Query>('/admin/seals', options, async (request, reply) => {
    requireStaff(request, READERS);
    const { data } = parseForm(Search, request.query);
    const { text, status } = data ?? { text: '', status: '' as const };
    const cursor = cursorOf(request.query);
    const page = await searchSeals(context, { text, status: status || undefined, cursor, limit: PAGE_SIZE });
    const query = new URLSearchParams({ text, status }).toString();
    const states = SEAL_STATUSES.map((value) => ({ value, ...sealWords.state(value) }));
    const shown = { values: { text, status }, query, first: cursor === undefined, states, words: sealWords };
    return reply.page('admin/seals', { sections: ADMIN_SECTIONS, ...shown, ...page });
  });

  async function requireSeal(request: FastifyRequest) {
    const seal = await findSeal(context, requireUuid((request.params as { id: string }).id));
    if (!seal) throw new Problem('seal-not-found');
    return seal;
  }

  server.get('/admin/seals/:id', options, async (request, reply) => {
    requireStaff(request, READERS);
    const seal = await requireSeal(request);
    const facts = await sealFacts(context, seal);
    return reply.page('admin/seal', { sections: ADMIN_SECTIONS, words: sealWords, seal, ...facts });
  });

  server.get<Query>('/admin/seals/:id/uses', options, async (request, reply) => {
    requireStaff(request, READERS);
    const seal = await requireSeal(request);
    const place = `/admin/seals/${seal.id}`;
    const log = await readSealLogPage(context, seal, request.query);
    return reply.page('desk/seal-uses', { sections: ADMIN_SECTIONS, place, surface: 'admin', ...log });
  });

  server.get<Query>('/admin/seals/:id/uses.csv', options, async (request, reply) => {
    const staff = requireStaff(request, READERS);
    const seal = await requireSeal(request);
    return sendSealLog(context, reply, { seal, period: periodAsked(request.query), actor: staffActor(staff) });
  });
}
