import { expect, test } from 'vitest';
import { DEMO_ORGANISATIONS, DEMO_PASSWORD, DEMO_POPULATION } from '#demo/demo-people.ts';
import { seedPeople } from '#demo/seed-people.ts';
import { isCitizenNumber } from '#people/citizen-number.ts';
import { listMandates } from '#people/mandates.ts';
import { listRepresented } from '#people/representatives.ts';
import { isUscc } from '#people/uscc.ts';
import { signInWithPassword } from '#sign-in/sign-in-with-password.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';

test('the demo city is made once, and each account on its table signs in', async () => {
  const { db } = await testDatabase();
  const deps = { db, clock: testClock(), fields: testFields() };
  const first = await seedPeople(deps);
  const again = await seedPeople(deps);
  expect(again).toEqual(first);
  for (const [index, account] of first.accounts.entries()) {
    const proof = await signInWithPassword(deps, { login: account.login, password: DEMO_PASSWORD, ip: `10.0.0.${index}` });
    expect(Object.values(first.personIds)).toContain(proof.personId);
  }
  const { chen = '', lin = '' } = first.personIds;
  expect(await listRepresented(deps, chen)).toEqual([first.organisations.teaCompany.id]);
  expect(await listMandates(deps, { agentId: lin })).toHaveLength(1);
  expect(await db.person.count()).toBe(first.accounts.length);
});

test('every invented number passes its checks', () => {
  for (const { citizenNumber } of DEMO_POPULATION) expect(isCitizenNumber(citizenNumber), citizenNumber).toBe(true);
  for (const { uscc } of DEMO_ORGANISATIONS) expect(uscc === undefined || isUscc(uscc), uscc).toBe(true);
});
