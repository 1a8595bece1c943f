/** Searching the audit: who did what to what, and whether the row is already in the chain. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { searchEvents } from '#audit/search-events.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const PAGE_SIZE = 50;
const word = z.string().trim().max(120).default('');
/** A day on the wall calendar of a Chinese office. */
const day = z
  .union([z.literal(''), z.iso.date()])
  .default('')
  .transform((date) => (date ? new Date(`${date}T00:00:00+08:00`) : undefined));
const Filter = z.object({ kind: word, actor: word, subject: word, since: day, until: day });
const DAY_MS = 24 * 3600 * 1000;

export function registerAuditRoutes(server: FastifyInstance, context: WebContext): void {
  server.get<{ Querystring: Record<string, string> }>('/admin/audit', { schema: { hide: true } }, async (request, reply) => {
    requireStaff(request, ['auditor', 'operator']);
    const { data, faults } = parseForm(Filter, request.query);
    const filter = data ?? { kind: '', actor: '', subject: '', since: undefined, until: undefined };
    const cursor = cursorOf(request.query);
    const page = await searchEvents(context, {
      ...(filter.kind ? { kind: filter.kind } : {}),
      ...(filter.actor ? { actor: filter.actor } : {}),
      ...(filter.subject ? { subject: filter.subject } : {}),
      ...(filter.since ? { since: filter.since } : {}),
      ...(filter.until ? { until: new Date(filter.until.getTime() + DAY_MS) } : {}),
      ...(cursor ? { cursor } : {}),
      limit: PAGE_SIZE,
    });
    const { cursor: _left, ...query } = request.query;
    return reply.page('admin/audit', {
      sections: ADMIN_SECTIONS,
      ...page,
      faults,
      first: cursor === undefined,
      values: query,
      query: new URLSearchParams(query).toString(),
    });
  });
}
