import { expect, test } from 'vitest';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { seedLicences } from '#demo/seed-licences.ts';
import { seedPeople } from '#demo/seed-people.ts';
import { findLicencesOf } from '#licences/find-licences.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { testDatabase } from '#test/test-database.ts';
import { sampleDeps } from './sample-city.ts';

const { db } = await testDatabase();

test('the demo city has its seals and licences, also after a second and a third start', { timeout: 120_000 }, async () => {
  const deps = await sampleDeps(db);
  await initialiseAuthorities(deps);
  const city = await seedPeople(deps);
  for (let start = 0; start < 3; start++) {
    await seedLicences(deps, city);
    expect(await db.licence.groupBy({ by: ['status'], _count: true })).toEqual([{ status: 'in-force', _count: 5 }]);
    expect(await db.seal.count({ where: { status: 'active' } })).toBe(2);
  }
  const own = await findLicencesOf(deps, city.personIds['lin'] ?? '');
  expect(own.map(({ typeKey }) => typeKey).sort()).toEqual(['driving-licence', 'residence-permit']);
  for (const { id } of own) {
    const { bytes } = await readLicenceFile(deps, {
      licenceId: id,
      format: 'pdf',
      reader: { as: 'holder', personId: city.personIds['lin'] ?? '' },
    });
    expect(bytes.length).toBeGreaterThan(10_000);
  }
});
