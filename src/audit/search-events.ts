/** Searching the audit, newest first, a page at a time. Event ids grow with time, so the id is also the cursor. */

import { cutPage } from '#storage/cut-page.ts';
import type { Database, Prisma } from '#storage/database.ts';

export interface EventQuery {
  /** Each exactly as recorded, for example `licence-issued`, `staff:<id>`, `licence:<id>`. */
  kind?: string | undefined;
  actor?: string | undefined;
  subject?: string | undefined;
  /** From this moment on. */
  since?: Date | undefined;
  /** Before this moment. */
  until?: Date | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

export interface FoundEvent {
  id: string;
  at: Date;
  kind: string;
  actor: string;
  subject: string;
  detail: Prisma.JsonValue;
  /** False for the few seconds until the chainer has come by. */
  chained: boolean;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

export async function searchEvents({ db }: { db: Database }, query: EventQuery): Promise<{ items: FoundEvent[]; nextCursor?: string }> {
  const limit = Math.min(Math.max(1, query.limit ?? DEFAULT_LIMIT), MAX_LIMIT);
  const { kind, actor, subject, since, until, cursor } = query;
  const rows = await db.auditEvent.findMany({
    where: {
      ...(kind === undefined ? {} : { kind }),
      ...(actor === undefined ? {} : { actor }),
      ...(subject === undefined ? {} : { subject }),
      ...(since || until ? { at: { ...(since ? { gte: since } : {}), ...(until ? { lt: until } : {}) } } : {}),
      ...(cursor !== undefined && UUID.test(cursor) ? { id: { lt: cursor } } : {}),
    },
    include: { link: { select: { position: true } } },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  const { shown, next } = cutPage(rows, limit);
  const items = shown.map(({ link, ...event }) => ({ ...event, chained: link !== null }));
  return { items, ...next };
}
