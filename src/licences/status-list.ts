/**
 * The status list as published: every licence that is not in force, at its random place. Made anew when a status changes and
 * when the last one grows old; readers keep it for its `ttl` and may rely on it until its `exp`.
 */

import { decodeProtectedHeader } from 'jose';
import { STATUS_LIST_KEY } from '#codes/code-key-ring.ts';
import type { CodeKeysFile } from '#codes/code-keys.ts';
import { currentCodeKeys } from '#codes/publish-keys.ts';
import type { StatusEntry } from '#codes/status-bits.ts';
import { STATUS_VALUES, signStatusList } from '#codes/status-list-token.ts';
import { Problem } from '#problem.ts';
import { currentKeyName, keyNamesOf } from '#storage/key-generations.ts';
import type { LicenceDeps } from './licence-deps.ts';
import { codeLicenceTypes } from './licence-types.ts';
import { ensureStatusListRow } from './status-places.ts';

type StatusListDeps = Pick<LicenceDeps, 'db' | 'clock' | 'keys' | 'publicOrigin'>;

export interface PublishedStatusList {
  /** JWT, `application/statuslist+jwt`. */
  token: string;
  /** For `status-list.json`. */
  json: { statusListToken: string };
  asOf: Date;
}

/** Readers fetch it again after this; we make it anew before. */
export const STATUS_LIST_TTL_SECONDS = 60;
/** Absolute end of a list's word; each licence type may want it younger. */
export const STATUS_LIST_LIFE_SECONDS = 30 * 24 * 60 * 60;
const ROW = 1;

export function statusListUriOf(publicOrigin: string): string {
  return `${publicOrigin}/api/codes/status-list`;
}

/** Makes and stores the list as it is now. Of two at once the one that saw more changes stays. */
export async function publishStatusList(deps: StatusListDeps): Promise<PublishedStatusList> {
  const { db, clock, keys, publicOrigin } = deps;
  await ensureStatusListRow(db);
  const { changes, size } = await db.statusList.findUniqueOrThrow({ where: { id: ROW } });
  const issuedAt = clock.now();
  const expiresAt = new Date(issuedAt.getTime() + STATUS_LIST_LIFE_SECONDS * 1000);
  const token = await signStatusList(
    keys,
    { ...STATUS_LIST_KEY, name: await currentKeyName(db, STATUS_LIST_KEY.name, issuedAt) },
    {
      uri: statusListUriOf(publicOrigin),
      issuedAt,
      expiresAt,
      ttlSeconds: STATUS_LIST_TTL_SECONDS,
      size: Number(size),
      entries: await listedStatuses(deps, issuedAt),
    },
  );
  await db.statusList.updateMany({
    where: { id: ROW, published: { lte: changes }, OR: [{ publishedAt: null }, { publishedAt: { lte: issuedAt } }] },
    data: { token, published: changes, publishedAt: issuedAt, expiresAt },
  });
  return { token, json: { statusListToken: token }, asOf: wholeSeconds(issuedAt) };
}

/** The list to serve: the stored one while it is young and nothing changed since, else a new one. */
export async function currentStatusList(deps: StatusListDeps): Promise<PublishedStatusList> {
  const row = await deps.db.statusList.findUnique({ where: { id: ROW } });
  const ageMs = deps.clock.now().getTime() - (row?.publishedAt?.getTime() ?? Number.NEGATIVE_INFINITY);
  const young = ageMs >= 0 && ageMs < STATUS_LIST_TTL_SECONDS * 1000;
  if (row?.token && row.publishedAt && young && row.published === row.changes && (await isByKeyThatCounts(deps.db, row.token))) {
    return { token: row.token, json: { statusListToken: row.token }, asOf: wholeSeconds(row.publishedAt) };
  }
  return publishStatusList(deps);
}

/** A list signed with a key that came into wrong hands is not served, however young it is. */
async function isByKeyThatCounts(db: StatusListDeps['db'], token: string): Promise<boolean> {
  const { kid } = decodeProtectedHeader(token);
  return kid !== undefined && (await keyNamesOf(db, STATUS_LIST_KEY.name)).includes(kid);
}

/** What verifiers keep for working without us: `code-keys.json`. */
export function codeKeysFile(deps: Pick<LicenceDeps, 'clock' | 'codes' | 'publicOrigin'>): Promise<CodeKeysFile> {
  const { publicOrigin } = deps;
  return currentCodeKeys(deps, { issuer: publicOrigin, statusListUri: statusListUriOf(publicOrigin), licenceTypes: codeLicenceTypes() });
}

async function listedStatuses({ db }: StatusListDeps, at: Date): Promise<StatusEntry[]> {
  const entries: StatusEntry[] = [];
  const ended = await db.licence.findMany({
    where: { OR: [{ status: { notIn: ['preparing', 'in-force'] } }, { status: 'in-force', validTo: { lte: at } }] },
    select: { statusIndex: true, status: true, validTo: true },
  });
  for (const { statusIndex, status, validTo } of ended) {
    const suspended = status === 'suspended' && !(validTo && validTo <= at);
    entries.push({ index: Number(statusIndex), value: suspended ? STATUS_VALUES.suspended : STATUS_VALUES.ended });
  }
  return entries;
}

function wholeSeconds(time: Date): Date {
  const seconds = Math.floor(time.getTime() / 1000);
  if (!Number.isFinite(seconds)) throw new Problem('internal');
  return new Date(seconds * 1000);
}
