/** Looking seals up. */
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import { type SealDeps, type SealRow, type SealView, sealViewOf } from './seal-view.ts';

type FindDeps = Pick<SealDeps, 'db' | 'clock'>;
const MAX_LIMIT = 100;

/** Newest first; of one organisation, or all. */
export async function listSeals(
  deps: FindDeps,
  query: { organisationId?: string | undefined; limit?: number | undefined } = {},
): Promise<SealView[]> {
  const rows = await deps.db.seal.findMany({
    where: query.organisationId === undefined ? {} : { organisationId: query.organisationId },
    orderBy: { id: 'desc' },
    take: Math.min(query.limit ?? MAX_LIMIT, MAX_LIMIT),
  });
  return Promise.all(rows.map((row) => sealViewOf(deps, row)));
}

export async function findSeal(deps: FindDeps, id: string): Promise<SealView | undefined> {
  const row = isUuid(id) ? await deps.db.seal.findUnique({ where: { id } }) : null;
  return row ? sealViewOf(deps, row) : undefined;
}

/** Throws Problem `seal-not-found`. */
export async function requireSealRow({ db }: Pick<SealDeps, 'db'>, id: string): Promise<SealRow> {
  const row = isUuid(id) ? await db.seal.findUnique({ where: { id } }) : null;
  if (!row) throw new Problem('seal-not-found');
  return row;
}

export interface SealUse {
  id: string;
  at: Date;
  actor: string;
  subject: string;
  format: 'ofd' | 'pdf';
  /** SHA-256 of the sealed file, hexadecimal. */
  digest: string;
}

/** What the seal was put on, newest first. */
export async function findSealUses(
  { db }: Pick<SealDeps, 'db'>,
  query: { sealId: string; cursor?: string | undefined; limit?: number | undefined },
): Promise<{ items: SealUse[]; nextCursor?: string }> {
  const limit = Math.min(Math.max(1, query.limit ?? 20), MAX_LIMIT);
  const rows = await db.sealUse.findMany({
    where: { sealId: query.sealId, ...(query.cursor !== undefined && isUuid(query.cursor) ? { id: { lt: query.cursor } } : {}) },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(({ id, at, actor, subject, format, digest }) => ({
    id,
    at,
    actor,
    subject,
    format: format as SealUse['format'],
    digest,
  }));
  return { items, ...(rows.length > limit && last ? { nextCursor: last.id } : {}) };
}
