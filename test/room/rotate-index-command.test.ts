/** `tongren keys rotate index`, as a person at the command line meets it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listIndexKeys } from '#commands/list-index-keys.ts';
import { rotateIndex } from '#commands/rotate-index.ts';
import { findPersonIdByPhone } from '#people/find-person.ts';
import { BY, indexKeyWorld, SECRET } from './index-key-world.ts';

let world: Awaited<ReturnType<typeof indexKeyWorld>>;
beforeEach(async () => {
  world = await indexKeyWorld();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

const installation = () => ({ config: { secret: SECRET, secretBefore: undefined }, deps: { db: world.db, clock: world.clock } });
const listed = async () =>
  (await listIndexKeys(installation())).map(({ name, state, progress }) => [name, state, ...(progress ? [progress] : [])].join(' '));

/** The command waits by the clock of the installation: it is moved on until the command has ended. */
async function whileTimePasses<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => world.clock.advance(15_000), 200);
  return work.finally(() => clearInterval(timer));
}

test('it says since when the new version is used, and leaves the work to the worker; the list tells how far that is', async () => {
  const before = await world.process();
  await world.people(before, 3);
  const said = await rotateIndex(installation(), BY, { compromised: false });
  expect(said).toMatchObject({ before: 'index-1', after: 'index-2', from: new Date(world.clock.now().getTime() + 120_000).toISOString() });
  expect(await listed()).toEqual(['identifier-1 current', 'index-1 current', 'index-2 next']);
  world.clock.advance(120_000);
  expect(await listed()).toEqual(['identifier-1 current', 'index-1 leaving', 'index-2 current not begun']);
  world.clock.advance(60_000);
  await world.work(await world.process());
  expect(await listed()).toEqual([
    'identifier-1 current',
    'index-1 leaving',
    'index-2 current person: 3 indexed anew, done; licence: 0 indexed anew, done',
  ]);
  await expect(rotateIndex(installation(), BY, { compromised: false })).rejects.toMatchObject({ code: 'key-succession-running' });
});

test('after a compromise it sees the change through', async () => {
  const before = await world.process();
  const [person] = await world.people(before, 501);
  const said = await whileTimePasses(rotateIndex(installation(), BY, { compromised: true }));
  expect(said).toMatchObject({ retired: 'index-1', indexed: 'person: 501 indexed anew, done; licence: 0 indexed anew, done' });
  expect(await listed()).toEqual(['identifier-1 current', 'index-1 compromised', 'index-2 current']);
  const after = await world.process();
  expect(after.deps.fields.indexVersions).toEqual([2]);
  expect(await findPersonIdByPhone(after.deps, person?.phone ?? '')).toBe(person?.id);
});

test('what cannot be indexed anew is told, and the old key goes on counting', async () => {
  const before = await world.process();
  const [damaged] = await world.people(before, 2);
  await world.db.person.updateMany({ where: { id: damaged?.id ?? '' }, data: { phone: Uint8Array.of(1, 2, 3) } });
  await expect(whileTimePasses(rotateIndex(installation(), BY, { compromised: true }))).rejects.toThrow(
    /person: 1 indexed anew, 1 cannot be[\s\S]*goes on counting/,
  );
  const after = await world.process();
  expect(after.deps.fields.indexVersions).toEqual([2, 1]);
  expect(await findPersonIdByPhone(after.deps, damaged?.phone ?? '')).toBe(damaged?.id);
});
