/** The register of an issuing organisation: what it issued, newest first, a page at a time; holders masked. */
import { recordEvent } from '#audit/record-event.ts';
import { isUuid } from '#people/is-uuid.ts';
import { Problem } from '#problem.ts';
import { findIssued } from './find-licences.ts';
import type { Page } from './find-look-ups.ts';
import { type ActingParty, type LicenceDeps, requireActing } from './licence-deps.ts';
import { LICENCE_STATUSES, type LicenceStatus } from './licence-status.ts';
import { requireLicenceType } from './licence-types.ts';
import { type LicenceView, licenceViewOf, type MaskedLicence, maskedLicenceOf } from './licence-view.ts';

export type RegistryRow = MaskedLicence & { id: string };

export interface RegistryQuery {
  organisationId: string;
  by: ActingParty;
  status?: LicenceStatus | undefined;
  /** Short name or code. */
  type?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** Throws Problem `not-allowed`, `licence-type-not-found`. */
export async function listRegistry(deps: LicenceDeps, query: RegistryQuery): Promise<Page<RegistryRow>> {
  await requireActing(deps, query.by, { organisationId: query.organisationId, role: ['issuer', 'operator', 'auditor'] });
  const limit = Math.min(Math.max(1, query.limit ?? DEFAULT_LIMIT), MAX_LIMIT);
  const before = cursorOf(query.cursor);
  const rows = await deps.db.licence.findMany({
    where: {
      issuerOrganisationId: query.organisationId,
      ...(query.type === undefined ? {} : { typeKey: requireLicenceType(query.type).slug }),
      AND: [
        query.status === undefined ? { status: { not: 'preparing' } } : statusCondition(query.status, deps.clock.now()),
        before ? { OR: [{ issuedAt: { lt: before.at } }, { issuedAt: before.at, id: { lt: before.id } }] } : {},
      ],
    },
    orderBy: [{ issuedAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
  });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map((row) => ({ ...maskedLicenceOf(deps, row), id: row.id })),
    ...(rows.length > limit && last ? { nextCursor: `${last.issuedAt?.getTime() ?? 0}.${last.id}` } : {}),
  };
}

export interface DeskLicence extends LicenceView {
  history: { at: Date; from: string; to: string; reason: string }[];
}

/** One licence in full with its history, for staff of the issuing organisation. Throws Problem `licence-not-found`, `not-allowed`. */
export async function findLicenceForDesk(deps: LicenceDeps, input: { licenceId: string; by: ActingParty }): Promise<DeskLicence> {
  const row = await findIssued(deps, input.licenceId);
  if (!row) throw new Problem('licence-not-found');
  const { actor } = await requireActing(deps, input.by, { organisationId: row.issuerOrganisationId, role: ['issuer', 'auditor'] });
  await deps.db.$transaction((tx) => recordEvent(tx, { kind: 'licence-read', actor, subject: `licence:${row.id}`, at: deps.clock.now() }));
  const changes = await deps.db.licenceStatusChange.findMany({ where: { licenceId: row.id }, orderBy: { at: 'asc' }, take: 100 });
  const history = changes.map(({ at, fromStatus, toStatus, reason }) => ({ at, from: fromStatus, to: toStatus, reason }));
  return { ...licenceViewOf(deps, row), history };
}

/** Expiry is the clock's, so the filter has to say it as well. */
function statusCondition(status: LicenceStatus, now: Date) {
  if (!LICENCE_STATUSES.includes(status)) throw new Problem('invalid-input', { errors: [{ pointer: '/status', detail: 'not a status' }] });
  if (status === 'expired') return { status: { in: ['in-force', 'suspended'] }, validTo: { lte: now } };
  if (status === 'in-force' || status === 'suspended') return { status, OR: [{ validTo: null }, { validTo: { gt: now } }] };
  return { status };
}

function cursorOf(cursor: string | undefined): { at: Date; id: string } | undefined {
  const [time = '', id = ''] = (cursor ?? '').split('.');
  return /^[0-9]{1,15}$/.test(time) && isUuid(id) ? { at: new Date(Number(time)), id } : undefined;
}
