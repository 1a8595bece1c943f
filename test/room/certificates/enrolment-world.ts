import { appointStaff } from '#access/appoint-staff.ts';
import type { Role } from '#access/staff.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { registerOrganisation } from '#people/organisations.ts';
import { registerPerson } from '#people/register-person.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';

const BY = 'system:test';
/** Valid by their check characters, and nobody's. */
const USCCS = ['91350100M000100Y43', '91350211M00013FQ1F'];

/** Authorities, a proved person, two companies with staff, and operators, on a database of this file's own. */
export async function enrolmentWorld(start: string | Date = '2026-06-01T08:00:00Z') {
  const { db } = await testDatabase();
  const clock = testClock(start);
  const deps = { db, clock, keys: memoryKeyStore(), fields: testFields(), publicOrigin: 'https://trust.example.cn' };
  await initialiseAuthorities(deps);
  let people = 0;
  const person = async (level: 'registry-match' | 'self-declared' = 'registry-match', name = '林晓梅') =>
    registerPerson(deps, {
      name,
      phone: `+86139${String(++people).padStart(8, '0')}`,
      evidence: { method: level, source: 'test' },
      by: BY,
    });
  const organisation = (index: number) =>
    registerOrganisation(deps, { name: `示范茶业有限公司${index}`, kind: 'company', uscc: USCCS[index] as string, by: BY });
  const staff = async (organisationId: string, ...roles: Role[]) => {
    const { id } = await person('registry-match', `职员${people}`);
    return appointStaff(deps, { personId: id, organisationId, roles, by: BY });
  };
  const [tea, other, city] = await Promise.all([
    organisation(0),
    registerOrganisation(deps, { name: '示范物流有限公司', kind: 'company', internalCode: 'LOGISTICS-1', by: BY }),
    registerOrganisation(deps, { name: '示范市数据局', kind: 'department', internalCode: 'DATA-OFFICE', by: BY }),
  ]);
  let requests = 0;
  return {
    ...{ db, clock, deps, person, staff, tea, other, city },
    session: () => ({ acrLevel: 3, authTime: clock.now() }),
    requestId: () => `request-${String(++requests).padStart(4, '0')}`,
  };
}

export type EnrolmentWorld = Awaited<ReturnType<typeof enrolmentWorld>>;

/** The code of the Problem it ends in. */
export async function problemOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
