/** Fills the demo city with people, bodies and staff. Doing it again changes nothing, so a start that was cut off is simply repeated. */
import { appointStaff } from '#access/appoint-staff.ts';
import { findStaffPositions } from '#access/find-staff.ts';
import type { Staff } from '#access/staff.ts';
import { findPersonIdByPhone } from '#people/find-person.ts';
import { grantMandate } from '#people/mandates.ts';
import { findOrganisationByCode, type Organisation, registerOrganisation } from '#people/organisations.ts';
import type { PeopleDeps } from '#people/person.ts';
import { registerPerson } from '#people/register-person.ts';
import { findRepresentative, recordRepresentative } from '#people/representatives.ts';
import { hasPassword, setPassword } from '#sign-in/set-password.ts';
import { DEMO_ORGANISATIONS, DEMO_PASSWORD, DEMO_PEOPLE, type DemoOrganisation, type DemoPerson } from './demo-people.ts';

export interface DemoCity {
  organisations: Record<DemoOrganisation['key'], Organisation>;
  /** Person ids by key: lin, chen, gul, zheng, wu, huang, zhou, sun, xu, he, tang, luo. */
  personIds: Record<string, string>;
  /** Positions by the same keys. */
  staff: Record<string, Staff>;
  /** The table to print. */
  accounts: { login: string; password: string; name: string; roleZh: string; roleEn: string; path: string }[];
}

const BY = 'system:demo';

export async function seedPeople(deps: PeopleDeps): Promise<DemoCity> {
  const organisations = {} as DemoCity['organisations'];
  for (const organisation of DEMO_ORGANISATIONS) organisations[organisation.key] = await ensureOrganisation(deps, organisation);
  const personIds: DemoCity['personIds'] = {};
  const staff: DemoCity['staff'] = {};
  await Promise.all(
    DEMO_PEOPLE.map(async (person) => {
      const personId = await ensurePerson(deps, person);
      personIds[person.key] = personId;
      if (!person.position) return;
      const organisationId = organisations[person.position.organisation].id;
      const existing = (await findStaffPositions(deps, personId)).find((position) => position.organisationId === organisationId);
      staff[person.key] = existing ?? (await appointStaff(deps, { personId, organisationId, roles: person.position.roles, by: BY }));
    }),
  );
  await ensureAuthority(deps, { organisationId: organisations.teaCompany.id, boss: personIds['chen'] ?? '', agent: 'lin' });
  const accounts = DEMO_PEOPLE.map(({ phone, name, roleZh, roleEn, path }) => ({
    login: phone,
    password: DEMO_PASSWORD,
    name,
    roleZh,
    roleEn,
    path,
  }));
  return { organisations, personIds, staff, accounts };
}

/** A company with a representative, and a mandate of his, so that both can be tried. */
async function ensureAuthority(deps: PeopleDeps, input: { organisationId: string; boss: string; agent: string }): Promise<void> {
  const { organisationId, boss } = input;
  if (await findRepresentative(deps, organisationId)) return;
  const at = deps.clock.now();
  await deps.db.$transaction((tx) =>
    recordRepresentative(tx, { organisationId, personId: boss, source: '企业登记信息 demo-register', by: BY, at }),
  );
  const agent = DEMO_PEOPLE.find(({ key }) => key === input.agent);
  const validUntil = new Date(at.getTime() + 180 * 86_400_000);
  if (agent) await grantMandate(deps, { organisationId, agent, scope: '办理税务申报和社保登记', validUntil, by: boss });
}

async function ensureOrganisation(deps: PeopleDeps, organisation: DemoOrganisation): Promise<Organisation> {
  const { name, kind, uscc, internalCode, organisationCode, divisionCode } = organisation;
  const existing = await findOrganisationByCode(deps, uscc ?? internalCode ?? '');
  return existing ?? registerOrganisation(deps, { name, kind, uscc, internalCode, organisationCode, divisionCode, by: BY });
}

async function ensurePerson(deps: PeopleDeps, { name, citizenNumber, phone, position }: DemoPerson): Promise<string> {
  const evidence = position
    ? { method: 'counter' as const, source: 'demo-desk' }
    : { method: 'registry-match' as const, source: 'simulated-population-registry' };
  const id = (await findPersonIdByPhone(deps, phone)) ?? (await registerPerson(deps, { name, citizenNumber, phone, evidence, by: BY })).id;
  if (!(await hasPassword(deps, id))) await setPassword(deps, { personId: id, password: DEMO_PASSWORD, by: BY });
  return id;
}
