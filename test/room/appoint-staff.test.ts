import { expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { findStaffPositions } from '#access/find-staff.ts';
import { staffActor } from '#access/staff.ts';
import { registerOrganisation } from '#people/organisations.ts';
import { registerPerson } from '#people/register-person.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const deps = { db, clock: { now: () => new Date('2026-11-21T08:00:00Z') }, fields: testFields() };
const by = 'system:test';

test('an operator cannot make themselves issuer or approver, here or elsewhere; another operator can', async () => {
  const office = async (internalCode: string) =>
    (await registerOrganisation(deps, { name: '示范市数据局', internalCode, divisionCode: '350200', kind: 'department', by })).id;
  const [own, elsewhere] = [await office('DATA-01'), await office('DATA-02')];
  const person = async (phone: string) => (await registerPerson(deps, { phone, by })).id;
  const [first, second] = [await person('13900007001'), await person('13900007002')];
  const operator = await appointStaff(deps, { personId: first, organisationId: own, roles: ['operator'], by });
  const other = await appointStaff(deps, { personId: second, organisationId: own, roles: ['operator'], by });
  for (const organisationId of [own, elsewhere]) {
    for (const actor of [staffActor(operator), `person:${first}`]) {
      const asked = appointStaff(deps, { personId: first, organisationId, roles: ['operator', 'issuer', 'approver'], by: actor });
      await expect(asked).rejects.toMatchObject({ code: 'own-position' });
    }
  }
  expect((await findStaffPositions(deps, first)).map(({ roles }) => roles)).toEqual([['operator']]);
  await appointStaff(deps, { personId: first, organisationId: elsewhere, roles: ['issuer'], by: staffActor(other) });
  expect((await findStaffPositions(deps, first)).map(({ roles }) => roles)).toEqual([['operator'], ['issuer']]);
});
