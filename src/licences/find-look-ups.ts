/** The log of look-ups: for the holder, who looked, when and what for; for a counter, its own history without the holder. */
import { ROLES } from '#access/staff.ts';
import { isUuid } from '#people/is-uuid.ts';
import { findOrganisation } from '#people/organisations.ts';
import { cutPage } from '#storage/cut-page.ts';
import { type ActingParty, type LicenceDeps, requireActing } from './licence-deps.ts';
import { requireLicenceType } from './licence-types.ts';
import { purposeInWords } from './purposes.ts';
import type { LookUpRow } from './receipt.ts';

export interface LookUp {
  id: string;
  at: Date;
  kind: 'code' | 'offline-code' | 'file';
  organisationName: string;
  purpose: { zh: string; en: string };
  licenceId: string;
  licenceTypeName: string;
  licenceTypeNameEn: string;
  licenceIdentifier: string;
  verdict: string;
  licenceStatus: string;
  via: 'code' | 'short-number' | null;
  /** An offline use of a code that had been used already. */
  secondUse: boolean;
  /** When an offline use is said to have happened. */
  claimedAt: Date | null;
}

export interface Page<T> {
  items: T[];
  /** Give it back for the page after this one. */
  nextCursor?: string;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

type Paging = { cursor?: string | undefined; limit?: number | undefined };
type LookUpDeps = Pick<LicenceDeps, 'db'>;

/** Everything anybody saw of this holder's licences, newest first. */
export async function findLookUps(deps: LookUpDeps, input: { personId: string } & Paging): Promise<Page<LookUp>> {
  return pageOf(deps, { holderId: input.personId }, input);
}

/** The same for an organisation that holds licences, for its staff. Throws Problem `not-allowed`. */
export async function findLookUpsOfOrganisation(
  deps: LookUpDeps,
  input: { organisationId: string; by: ActingParty } & Paging,
): Promise<Page<LookUp>> {
  await requireActing(deps, input.by, { organisationId: input.organisationId, role: ROLES });
  return pageOf(deps, { holderId: input.organisationId }, input);
}

/** What this counter itself looked at. The licence is not named again: the counter saw it once, for one purpose. */
export async function findLookUpsByStaff(
  deps: LookUpDeps,
  input: { by: ActingParty; organisationId?: string | undefined } & Paging,
): Promise<Page<Omit<LookUp, 'licenceId' | 'licenceIdentifier'>>> {
  const { actor } = await requireActing(deps, input.by, { organisationId: input.organisationId, role: 'counter' });
  const page = await pageOf(deps, { actor }, input);
  return { ...page, items: page.items.map(({ licenceId: _id, licenceIdentifier: _identifier, ...item }) => item) };
}

async function pageOf(deps: LookUpDeps, where: { holderId: string } | { actor: string }, paging: Paging): Promise<Page<LookUp>> {
  const limit = Math.min(Math.max(1, paging.limit ?? DEFAULT_LIMIT), MAX_LIMIT);
  const after = paging.cursor !== undefined && isUuid(paging.cursor) ? { id: { lt: paging.cursor } } : {};
  // Ids are UUIDs of version 7: their order is that of time.
  const rows = await deps.db.lookUp.findMany({ where: { ...where, ...after }, orderBy: { id: 'desc' }, take: limit + 1 });
  const { shown, next } = cutPage(rows, limit);
  return { items: await lookUpsOf(deps, shown), ...next };
}

async function lookUpsOf(deps: LookUpDeps, rows: LookUpRow[]): Promise<LookUp[]> {
  const licences = await deps.db.licence.findMany({
    where: { id: { in: rows.map((row) => row.licenceId) } },
    select: { id: true, identifier: true, typeKey: true },
  });
  const licenceById = new Map(licences.map((licence) => [licence.id, licence]));
  const names = new Map<string, string>();
  for (const id of new Set(rows.map((row) => row.organisationId))) names.set(id, (await findOrganisation(deps, id))?.name ?? '');
  return rows.map((row) => {
    const licence = licenceById.get(row.licenceId);
    const type = licence ? requireLicenceType(licence.typeKey) : undefined;
    return {
      id: row.id,
      at: row.at,
      kind: row.kind as LookUp['kind'],
      organisationName: names.get(row.organisationId) ?? '',
      purpose: purposeInWords(row.purpose),
      licenceId: row.licenceId,
      licenceTypeName: type?.name.zh ?? '',
      licenceTypeNameEn: type?.name.en ?? '',
      licenceIdentifier: licence?.identifier ?? '',
      verdict: row.verdict,
      licenceStatus: row.licenceStatus,
      via: row.via as LookUp['via'],
      secondUse: (row.useNumber ?? 1) > 1,
      claimedAt: row.claimedAt,
    };
  });
}
