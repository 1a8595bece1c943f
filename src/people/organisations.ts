/** Bodies: departments, companies, village committees. Known by their unified social credit code, or by a code of ours when they have none. */
import { recordEvent } from '#audit/record-event.ts';
import type { Clock } from '#ports/clock.ts';
import { type FieldFault, Problem } from '#problem.ts';
import { type Database, isUniqueViolation } from '#storage/database.ts';
import { isDivisionCode } from './division.ts';
import { isUuid } from './is-uuid.ts';
import { isOrganisationCode } from './organisation-code.ts';
import { normaliseUscc } from './uscc.ts';

export const ORGANISATION_KINDS = ['department', 'company', 'village-committee', 'other'] as const;
export type OrganisationKind = (typeof ORGANISATION_KINDS)[number];

export interface Organisation {
  id: string;
  name: string;
  kind: OrganisationKind;
  /** Either this … */
  uscc?: string;
  /** … or this. */
  internalCode?: string;
  organisationCode?: string;
  divisionCode?: string;
  createdAt: Date;
}

export interface NewOrganisation {
  name: string;
  kind: OrganisationKind;
  uscc?: string | undefined;
  internalCode?: string | undefined;
  organisationCode?: string | undefined;
  divisionCode?: string | undefined;
  by: string;
}

type OrganisationDeps = { db: Database; clock: Clock };

/** Throws Problem `invalid-input` with pointers, `organisation-code-taken`. */
export async function registerOrganisation({ db, clock }: OrganisationDeps, input: NewOrganisation): Promise<Organisation> {
  const at = clock.now();
  const data = parseOrganisation(input);
  try {
    const row = await db.$transaction(async (tx) => {
      const created = await tx.organisation.create({ data: { ...data, createdAt: at } });
      await recordEvent(tx, {
        kind: 'organisation-registered',
        actor: input.by,
        subject: `organisation:${created.id}`,
        at,
        detail: { kind: data.kind, code: data.uscc ?? data.internalCode },
      });
      return created;
    });
    return organisationOf(row);
  } catch (error) {
    throw isUniqueViolation(error) ? new Problem('organisation-code-taken', { cause: error }) : error;
  }
}

export async function findOrganisation({ db }: Pick<OrganisationDeps, 'db'>, id: string): Promise<Organisation | undefined> {
  const row = isUuid(id) ? await db.organisation.findUnique({ where: { id } }) : null;
  return row ? organisationOf(row) : undefined;
}

/** Names by id, of those that are there; asked at once. */
export async function organisationNames({ db }: Pick<OrganisationDeps, 'db'>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await db.organisation.findMany({ where: { id: { in: [...new Set(ids)] } }, select: { id: true, name: true } });
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Throws Problem `organisation-not-found`. */
export async function requireOrganisation(deps: Pick<OrganisationDeps, 'db'>, id: string): Promise<Organisation> {
  const organisation = await findOrganisation(deps, id);
  if (!organisation) throw new Problem('organisation-not-found');
  return organisation;
}

/** By unified social credit code or internal code. */
export async function findOrganisationByCode({ db }: Pick<OrganisationDeps, 'db'>, code: string): Promise<Organisation | undefined> {
  const uscc = normaliseUscc(code);
  const row = await db.organisation.findUnique({ where: uscc ? { uscc } : { internalCode: code.slice(0, 64) } });
  return row ? organisationOf(row) : undefined;
}

/** In the order of registration, a page at a time. */
export async function listOrganisations(
  { db }: Pick<OrganisationDeps, 'db'>,
  page: { after?: string | undefined; limit?: number | undefined } = {},
): Promise<Organisation[]> {
  const rows = await db.organisation.findMany({
    where: page.after === undefined ? {} : { id: { gt: page.after } },
    orderBy: { id: 'asc' },
    take: Math.min(page.limit ?? 100, 500),
  });
  return rows.map(organisationOf);
}

/** The code by which the outside knows the body. */
export function organisationIdentifier(organisation: Pick<Organisation, 'uscc' | 'internalCode'>): string {
  return organisation.uscc ?? organisation.internalCode ?? '';
}

function parseOrganisation(input: NewOrganisation) {
  const errors: FieldFault[] = [];
  const refuse = (pointer: string, detail: string, detailZh: string) => errors.push({ pointer, detail, detailZh });
  const name = input.name.normalize('NFC').trim();
  if (name.length < 2 || name.length > 120 || /\p{Cc}/u.test(name))
    refuse('/name', 'A name of 2 to 120 characters is needed.', '机构名称应为2至120个字符。');
  if (!ORGANISATION_KINDS.includes(input.kind)) refuse('/kind', 'This kind of body is not known.', '机构类型不正确。');
  const uscc = input.uscc === undefined ? undefined : normaliseUscc(input.uscc);
  if (input.uscc !== undefined && uscc === undefined)
    refuse('/uscc', 'This is not a unified social credit code.', '统一社会信用代码不正确。');
  if ((input.uscc === undefined) === (input.internalCode === undefined)) {
    refuse('/uscc', 'Either a unified social credit code or an internal code is needed.', '统一社会信用代码与内部编码须填写其中一项。');
  }
  if (input.internalCode !== undefined && !/^[0-9A-Z-]{4,32}$/.test(input.internalCode)) {
    refuse('/internalCode', 'An internal code has 4 to 32 of 0–9 A–Z and hyphens.', '内部编码应为4至32位数字、大写字母或连字符。');
  }
  if (input.organisationCode !== undefined && !isOrganisationCode(input.organisationCode)) {
    refuse('/organisationCode', 'This is not an organisation code.', '组织机构代码不正确。');
  }
  if (input.divisionCode !== undefined && !isDivisionCode(input.divisionCode)) {
    refuse('/divisionCode', 'A division code has 6 or 12 digits.', '行政区划代码应为6位或12位数字。');
  }
  if (errors.length > 0) throw new Problem('invalid-input', { errors });
  return {
    name,
    kind: input.kind,
    uscc: uscc ?? null,
    internalCode: input.internalCode ?? null,
    organisationCode: input.organisationCode ?? uscc?.slice(8, 17) ?? null,
    divisionCode: input.divisionCode ?? null,
  };
}

function organisationOf(row: NonNullable<Awaited<ReturnType<Database['organisation']['findUnique']>>>): Organisation {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as OrganisationKind,
    createdAt: row.createdAt,
    ...(row.uscc ? { uscc: row.uscc } : {}),
    ...(row.internalCode ? { internalCode: row.internalCode } : {}),
    ...(row.organisationCode ? { organisationCode: row.organisationCode } : {}),
    ...(row.divisionCode ? { divisionCode: row.divisionCode } : {}),
  };
}
