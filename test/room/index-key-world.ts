/** An installation whose blind-index key changes, and processes of it that look at the keys when they are told to. */
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { rotateIndexKey } from '#audit/rotate-index-key.ts';
import { replaceableFieldCipher } from '#crypto/field-cipher.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { changeIndexKey, type IndexChangeDeps } from '#jobs/change-index-key.ts';
import { placeOf } from '#people/person.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { uuidV7 } from '#storage/uuid-v7.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

export const BY = 'system:test';
export const SECRET = 'the secret of one installation';
let made = 0;
export const newPhone = () => `+86138${String(++made).padStart(8, '0')}`;
export const newNumber = () => {
  made += 1;
  const body = `350199199003${10 + Math.floor(made / 1000)}${String(made % 1000).padStart(3, '0')}`;
  return `${body}${citizenCheckCharacter(body)}`;
};

export async function indexKeyWorld() {
  const { db, address } = await testDatabase();
  const clock = testClock();
  const dataKeys = localDataKeys(SECRET);
  /** @param own a pool of its own, as another process has. */
  const process = async (own = db) => {
    const fields = replaceableFieldCipher(await openDataKeys(db, dataKeys, clock.now()));
    return { deps: { db: own, clock, fields }, look: async () => fields.replaceKeys(await openDataKeys(db, dataKeys, clock.now())) };
  };
  type Process = Awaited<ReturnType<typeof process>>;
  return {
    ...{ db, address, clock, dataKeys, process },
    rotate: (options: { compromised?: boolean } = {}) => rotateIndexKey({ db, clock, dataKeys }, BY, options),
    /** Steps of the worker until there is nothing to do just now; answers how many. */
    async work({ deps }: { deps: IndexChangeDeps }) {
      let steps = 0;
      while (await changeIndexKey(deps)) steps++;
      return steps;
    },
    /** People in bulk, as `registerPerson` would store them. */
    async people({ deps: { fields } }: Process, count: number) {
      const people = Array.from({ length: count }, () => ({ id: uuidV7(), phone: newPhone() }));
      await db.person.createMany({
        data: people.map(({ id, phone }) => ({
          ...{ id, createdAt: clock.now(), updatedAt: clock.now() },
          ...{ phone: fields.seal(placeOf('phone', id), phone), phoneIndex: fields.blindIndex('phone', phone) },
        })),
      });
      return people;
    },
    versions: () => db.dataKey.findMany({ where: { purpose: 'index' }, orderBy: { version: 'asc' } }),
  };
}
