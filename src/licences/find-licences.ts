/** A holder's own licences. */
import { requireRole } from '#access/require-role.ts';
import { ROLES } from '#access/staff.ts';
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import { isHolder, type LicenceDeps } from './licence-deps.ts';
import { type LicenceView, licenceViewOf } from './licence-view.ts';
import type { LicenceRow } from './make-licence-files.ts';

const SHOWN_AT_MOST = 200;

/** Newest first, those that ended as well. Never one still being made. */
export async function findLicencesOf(deps: LicenceDeps, personId: string): Promise<LicenceView[]> {
  return findOfHolder(deps, { holderKind: 'natural', holderId: personId });
}

/** An organisation's licences, for its staff. Throws Problem `not-allowed`. */
export async function findLicencesOfOrganisation(
  deps: LicenceDeps,
  input: { organisationId: string; byPersonId: string },
): Promise<LicenceView[]> {
  await requireRole(deps, { personId: input.byPersonId, organisationId: input.organisationId, role: ROLES });
  return findOfHolder(deps, { holderKind: 'legal', holderId: input.organisationId });
}

async function findOfHolder(deps: LicenceDeps, holder: { holderKind: string; holderId: string }): Promise<LicenceView[]> {
  const rows = await deps.db.licence.findMany({
    where: { ...holder, status: { not: 'preparing' } },
    orderBy: { issuedAt: 'desc' },
    take: SHOWN_AT_MOST,
  });
  return rows.map((row) => licenceViewOf(deps, row));
}

/** The licence, for its holder only; for anyone else it is not there. Throws Problem `licence-not-found`. */
export async function requireOwnLicence(deps: LicenceDeps, input: { licenceId: string; personId: string }): Promise<LicenceRow> {
  const row = await findIssued(deps, input.licenceId);
  if (!row || !(await isHolder(deps, row, input.personId))) throw new Problem('licence-not-found');
  return row;
}

/** As `requireOwnLicence`, ready for a page. */
export async function requireLicence(deps: LicenceDeps, input: { licenceId: string; personId: string }): Promise<LicenceView> {
  return licenceViewOf(deps, await requireOwnLicence(deps, input));
}

/** A licence that exists: one still being made does not. */
export async function findIssued({ db }: Pick<LicenceDeps, 'db'>, licenceId: string): Promise<LicenceRow | undefined> {
  const row = isUuid(licenceId) ? await db.licence.findUnique({ where: { id: licenceId } }) : null;
  return row && row.status !== 'preparing' ? row : undefined;
}
