/** Looking seals up. */
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import { cutPage } from '#storage/cut-page.ts';
import type { SealRules } from './seal-rules.ts';
import type { SealStatus, StoredSealStatus } from './seal-status.ts';
import { type SealDeps, type SealRow, type SealView, sealViewOf } from './seal-view.ts';

type FindDeps = Pick<SealDeps, 'db' | 'clock'>;
const MAX_LIMIT = 100;
const MAX_USES = 1_000;

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

export interface SealQuery {
  /** Six or more digits of the number, or how the name begins. */
  text: string;
  status?: SealStatus | undefined;
  cursor?: string | undefined;
  limit: number;
}

/** Of all organisations, newest first, a page at a time. `expired` is what was in use when its time ended. */
export async function searchSeals(deps: FindDeps, query: SealQuery): Promise<{ items: SealView[]; nextCursor?: string }> {
  const { text, status, cursor } = query;
  const limit = Math.min(Math.max(1, query.limit), MAX_LIMIT);
  const now = deps.clock.now();
  const living = { in: ['made', 'active', 'suspended'] };
  const byStatus =
    status === 'expired'
      ? { status: living, validTo: { lte: now } }
      : status === 'made' || status === 'active' || status === 'suspended'
        ? { status, validTo: { gt: now } }
        : status === undefined
          ? {}
          : { status };
  const rows = await deps.db.seal.findMany({
    where: {
      ...byStatus,
      ...(text === ''
        ? {}
        : /^\d{6,14}$/.test(text)
          ? { esId: { startsWith: text } }
          : { name: { startsWith: text.replace(/[\\%_]/g, '\\$&') } }),
      ...(cursor !== undefined && isUuid(cursor) ? { id: { lt: cursor } } : {}),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  const { shown, next } = cutPage(rows, limit);
  const items = await Promise.all(shown.map((row) => sealViewOf(deps, row)));
  return { items, ...next };
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

export const SEAL_FILES = ['seal.esl', 'picture.png', 'picture.svg'] as const;

/** The seal structure (GB/T 38540, DER), or its picture. Throws Problem `not-found` for what this seal does not have. */
export async function readSealFile(
  deps: Pick<SealDeps, 'db'>,
  input: { sealId: string; file: (typeof SEAL_FILES)[number] },
): Promise<{ bytes: Uint8Array; fileName: string; mediaType: string }> {
  const row = await requireSealRow(deps, input.sealId);
  const [bytes, mediaType] = {
    'seal.esl': [row.seal, 'application/octet-stream'] as const,
    'picture.png': [row.picturePng, 'image/png'] as const,
    'picture.svg': [row.pictureSvg === null ? null : Buffer.from(row.pictureSvg), 'image/svg+xml'] as const,
  }[input.file];
  if (!bytes) throw new Problem('not-found');
  return { bytes, mediaType, fileName: `${row.esId}${input.file.slice(input.file.indexOf('.'))}` };
}

export interface SealUse {
  id: string;
  at: Date;
  actor: string;
  subject: string;
  /** Short name, when it was a licence. */
  licenceType: string | undefined;
  format: 'ofd' | 'pdf';
  /** SHA-256 of the sealed file, hexadecimal. */
  digest: string;
  /** SM3 of the sealed file, hexadecimal; the oldest entries have none. */
  sm3: string | undefined;
}

export interface SealUseQuery {
  sealId: string;
  /** From this moment on. */
  since?: Date | undefined;
  /** Before this moment. */
  until?: Date | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** What the seal was put on, newest first. */
export async function findSealUses({ db }: Pick<SealDeps, 'db'>, query: SealUseQuery): Promise<{ items: SealUse[]; nextCursor?: string }> {
  const limit = Math.min(Math.max(1, query.limit ?? 20), MAX_USES);
  const { sealId, since, until, cursor } = query;
  const rows = await db.sealUse.findMany({
    where: {
      sealId,
      ...(since || until ? { at: { ...(since ? { gte: since } : {}), ...(until ? { lt: until } : {}) } } : {}),
      ...(cursor !== undefined && isUuid(cursor) ? { id: { lt: cursor } } : {}),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  });
  const { shown, next } = cutPage(rows, limit);
  const items = shown.map(({ licenceType, format, sm3, sealId: _seal, ...use }) => ({
    ...use,
    licenceType: licenceType ?? undefined,
    format: format as SealUse['format'],
    sm3: sm3 ?? undefined,
  }));
  return { items, ...next };
}

export interface SealHistoryEntry {
  at: Date;
  actor: string;
  /** The state it went into; `rules` when only its rules changed. */
  to: StoredSealStatus | 'rules';
  reason: string | undefined;
  rules: SealRules | undefined;
}

/** What became of the seal and its rules, oldest first. */
export async function findSealHistory({ db }: Pick<SealDeps, 'db'>, sealId: string): Promise<SealHistoryEntry[]> {
  const rows = await db.sealChange.findMany({ where: { sealId }, orderBy: [{ at: 'asc' }, { id: 'asc' }], take: 1_000 });
  return rows.map(({ at, actor, to, reason, rules }) => ({
    at,
    actor,
    to: to as SealHistoryEntry['to'],
    reason: reason ?? undefined,
    rules: (rules as SealRules | null) ?? undefined,
  }));
}
