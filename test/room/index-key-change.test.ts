/** The blind-index key changes while people register, sign in and move house: nobody is lost, nobody is there twice. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test, vi } from 'vitest';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { type FieldCipher, fieldCipher } from '#crypto/field-cipher.ts';
import { indexProgress } from '#jobs/change-index-key.ts';
import { publicTokenIndexes } from '#licences/licence-content.ts';
import { licencesByIndex } from '#licences/reindex-licences.ts';
import { changePhone } from '#people/change-phone.ts';
import { findPersonIdByCitizenNumber, findPersonIdByPhone } from '#people/find-person.ts';
import { placeOf } from '#people/person.ts';
import { proveRealName } from '#people/prove-real-name.ts';
import { registerPerson } from '#people/register-person.ts';
import { peopleByIndex } from '#people/reindex-people.ts';
import { closeIndexVersions } from '#storage/admit-index-writer.ts';
import { openDatabase } from '#storage/database.ts';
import { stepIndexPass } from '#storage/index-pass.ts';
import { DATA_KEY_LEAD_MS, openDataKeys } from '#storage/open-data-keys.ts';
import { uuidV7 } from '#storage/uuid-v7.ts';
import { memoryEphemeralStore } from '#test/fakes/memory-ephemeral-store.ts';
import { BY, indexKeyWorld, newNumber, newPhone, SECRET } from './index-key-world.ts';
import type { Orders } from './reindex-and-die.ts';
import { outcomes } from './sign-in-deps.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
let world: Awaited<ReturnType<typeof indexKeyWorld>>;
beforeEach(async () => {
  world = await indexKeyWorld();
});

/** Whose number or phone this is, asked of the sealed values alone. */
async function holders(value: string): Promise<string[]> {
  const { fields } = (await world.process()).deps;
  const rows = await world.db.person.findMany();
  const open = (field: 'citizen-number' | 'phone', id: string, sealed: Uint8Array | null) =>
    sealed && fields.openText(placeOf(field, id), sealed);
  return rows
    .filter((row) => open('citizen-number', row.id, row.citizenNumber) === value || open('phone', row.id, row.phone) === value)
    .map(({ id }) => id);
}

test('a change from the first step to the last: found at every moment, by whoever knows it and whoever does not yet', async () => {
  const { clock, db } = world;
  const quick = await world.process();
  const slow = await world.process();
  const number = newNumber();
  const phone = newPhone();
  const { id } = await registerPerson(quick.deps, { name: '林晓梅', citizenNumber: number, phone, by: BY });
  const many = await world.people(quick, 1_203);
  const first = many[0]?.phone ?? '';
  const found = async () => {
    for (const { deps } of [quick, slow]) {
      expect(await findPersonIdByCitizenNumber(deps, number)).toBe(id);
      expect(await findPersonIdByPhone(deps, phone)).toBe(id);
      expect(await findPersonIdByPhone(deps, first)).toBe(many[0]?.id);
    }
  };
  const identifier = () => Buffer.from(quick.deps.fields.lastingIdentifier('a', 'b')).toString('hex');
  const lasting = identifier();

  const { version, usedFrom } = await world.rotate();
  expect({ version, usedFrom }).toEqual({ version: 2, usedFrom: new Date(clock.now().getTime() + DATA_KEY_LEAD_MS) });
  await expect(world.rotate()).rejects.toMatchObject({ code: 'key-succession-running' });
  await quick.look();
  expect(quick.deps.fields.indexVersions).toEqual([1, 2]);
  expect(await world.work(quick)).toBe(0);
  await found();

  // One process writes with the new version already, another with the old one still: each finds what the other writes.
  await slow.look();
  clock.advance(DATA_KEY_LEAD_MS);
  await quick.look();
  expect([quick, slow].map(({ deps }) => deps.fields.indexVersions)).toEqual([
    [2, 1],
    [1, 2],
  ]);
  const [theirs, ours] = [newPhone(), newPhone()];
  const late = await registerPerson(slow.deps, { phone: theirs, by: BY });
  const early = await registerPerson(quick.deps, { phone: ours, by: BY });
  expect(await findPersonIdByPhone(quick.deps, theirs)).toBe(late.id);
  expect(await findPersonIdByPhone(slow.deps, ours)).toBe(early.id);
  expect(await world.work(quick)).toBe(0);
  await found();

  clock.advance(MINUTE);
  await slow.look();
  // Batches of 500 over 1,206 people: closing, three batches, three that find nothing, and one look at no licences.
  expect(await world.work(quick)).toBe(8);
  await found();
  const progress = await indexProgress(world, 2);
  expect(progress).toEqual([
    { target: 'person', looked: 1_206, left: 0, moved: 1_205, isClean: true },
    { target: 'licence', looked: 0, left: 0, moved: 0, isClean: true },
  ]);

  // Locks and limits count for a day; so does the old version.
  clock.advance(DAY - 2 * MINUTE);
  expect(await world.work(quick)).toBe(0);
  clock.advance(MINUTE);
  expect(await world.work(quick)).toBe(1);
  await quick.look();
  expect(quick.deps.fields.indexVersions).toEqual([2]);
  await found();
  expect((await world.versions()).map(({ wrapped }) => wrapped.length > 0)).toEqual([true, true]);
  clock.advance(DATA_KEY_LEAD_MS);
  expect(await world.work(quick)).toBe(1);
  expect((await world.versions()).map(({ wrapped, erasedAt }) => [wrapped.length > 0, erasedAt !== null])).toEqual([
    [false, true],
    [true, false],
  ]);
  await slow.look();
  await found();
  expect((await world.process()).deps.fields.indexVersions).toEqual([2]);
  expect(identifier()).toBe(lasting);
  const events = await db.auditEvent.findMany({ where: { subject: { startsWith: 'data-key:index' } }, orderBy: { id: 'asc' } });
  expect(events.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
    'index-key-made data-key:index-2',
    'index-key-retired data-key:index-1',
    'index-key-erased data-key:index-1',
  ]);
  // And again: the third version follows the second.
  expect((await world.rotate()).version).toBe(3);
});

test('fifty at once register one number and change to one phone, under both versions and while everything is indexed anew: one has it', async () => {
  const { clock, db } = world;
  const before = await world.process();
  const taken = await Promise.all(
    Array.from({ length: 6 }, async () => ({ number: newNumber(), phone: newPhone() })).map(async (making) => {
      const values = await making;
      await registerPerson(before.deps, { name: '林晓梅', citizenNumber: values.number, phone: values.phone, by: BY });
      return values;
    }),
  );
  const movers = await world.people(before, 700);
  await world.rotate();
  const old = await world.process(openDatabase(world.address));
  clock.advance(DATA_KEY_LEAD_MS);
  const fresh = await world.process();
  expect([old.deps.fields.indexVersions[0], fresh.deps.fields.indexVersions[0]]).toEqual([1, 2]);
  const either = (turn: number) => (turn % 2 ? old : fresh).deps;
  const step = () => stepIndexPass(db, peopleByIndex(fresh.deps), 2, clock.now());
  const free = Array.from({ length: 6 }, () => ({ number: newNumber(), phone: newPhone() }));

  for (const [round, { number, phone }] of [...taken, ...free].entries()) {
    const registering = () =>
      Array.from({ length: 50 }, (_, turn) =>
        registerPerson(either(turn), { name: '林晓梅', citizenNumber: number, phone: newPhone(), by: BY }),
      );
    const changing = () =>
      movers.slice(round * 50, round * 50 + 50).map(({ id }, turn) => changePhone(either(turn), { personId: id, phone, by: BY }));
    const isFree = round >= taken.length;
    const [registered] = await Promise.all([outcomes(registering()), step()]);
    expect(registered).toEqual(isFree ? { ok: 1, 'citizen-number-taken': 49 } : { 'citizen-number-taken': 50 });
    const [changed] = await Promise.all([outcomes(changing()), step()]);
    expect(changed).toEqual(isFree ? { ok: 1, 'phone-taken': 49 } : { 'phone-taken': 50 });
    expect(await holders(number)).toHaveLength(1);
    expect(await holders(phone)).toHaveLength(1);
  }
  // Passes count from the closing on, as the job makes them: what the process with the old version wrote behind one is found by the next.
  await db.$transaction((tx) => closeIndexVersions(tx, [1], clock.now()));
  await db.blindIndexPass.deleteMany();
  while (await step());
  await old.deps.db.$disconnect();
  const moved = (await holders(free[0]?.phone ?? ''))[0];
  expect(
    await findPersonIdByPhone({ db, fields: onlyNewest(await openDataKeys(db, world.dataKeys, clock.now())) }, free[0]?.phone ?? ''),
  ).toBe(moved);
}, 120_000);

const onlyNewest = (keys: Awaited<ReturnType<typeof openDataKeys>>) => fieldCipher({ ...keys, indexKeys: keys.indexKeys.slice(0, 1) });

test('a process that stood still does not write: neither before it knows the new version nor once the old one is closed', async () => {
  const { clock } = world;
  const asleep = await world.process();
  const phone = newPhone();
  await world.rotate();
  const knows = await world.process();
  expect(await outcomes([registerPerson(asleep.deps, { phone: newPhone(), by: BY })])).toEqual({ ok: 1 });
  clock.advance(DATA_KEY_LEAD_MS);
  const awake = await world.process();
  await registerPerson(awake.deps, { phone, by: BY });
  expect(await outcomes([registerPerson(asleep.deps, { phone, by: BY })])).toEqual({ unavailable: 1 });
  expect(await outcomes([registerPerson(knows.deps, { phone, by: BY })])).toEqual({ 'phone-taken': 1 });
  clock.advance(MINUTE);
  await world.work(awake);
  expect(await outcomes([registerPerson(knows.deps, { phone: newPhone(), by: BY })])).toEqual({ unavailable: 1 });
  await asleep.look();
  await knows.look();
  expect(await outcomes([registerPerson(asleep.deps, { phone, by: BY })])).toEqual({ 'phone-taken': 1 });
  expect(await outcomes([registerPerson(knows.deps, { phone: newPhone(), by: BY })])).toEqual({ ok: 1 });
});

test('who changes phone while their row is indexed anew keeps the change', async () => {
  const { clock, db } = world;
  const before = await world.process();
  const [person] = await world.people(before, 3);
  if (!person) throw new Error('nobody');
  await world.rotate();
  clock.advance(DATA_KEY_LEAD_MS);
  const { deps } = await world.process();
  const phone = newPhone();
  let stepping: Promise<boolean> | undefined;
  await db.$transaction(async (tx) => {
    const data = { phone: deps.fields.seal(placeOf('phone', person.id), phone), phoneIndex: deps.fields.blindIndex('phone', phone) };
    await tx.person.update({ where: { id: person.id }, data });
    // The batch read the row as it was, and waits for this change before it writes.
    stepping = stepIndexPass(db, peopleByIndex(deps), 2, clock.now());
    await vi.waitFor(async () => {
      const [{ waiting } = { waiting: 0 }] = await db.$queryRaw<{ waiting: number }[]>`
        SELECT count(*)::int AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE person%'`;
      expect(waiting).toBe(1);
    });
  });
  await stepping;
  expect(await findPersonIdByPhone(deps, phone)).toBe(person.id);
  expect(await findPersonIdByPhone(deps, person.phone)).toBeUndefined();
  expect(await indexProgress(world, 2)).toEqual([expect.objectContaining({ moved: 2, left: 0 })]);
});

test('a real name is proved again under the new version, and a number of somebody under the old one is refused', async () => {
  const { clock } = world;
  const before = await world.process();
  const [own, theirs] = [newNumber(), newNumber()];
  const { id } = await registerPerson(before.deps, { name: '林晓梅', citizenNumber: own, phone: newPhone(), by: BY });
  await registerPerson(before.deps, { name: '王建国', citizenNumber: theirs, by: BY });
  const nameless = await registerPerson(before.deps, { phone: newPhone(), by: BY });
  await world.rotate();
  clock.advance(DATA_KEY_LEAD_MS);
  const { deps } = await world.process();
  const registry = simulatedPopulationRegistry([
    { name: '林晓梅', citizenNumber: own },
    { name: '王建国', citizenNumber: theirs },
  ]);
  const prove = (personId: string, name: string, citizenNumber: string) =>
    proveRealName({ ...deps, registry, ephemeral: memoryEphemeralStore(clock) }, { personId, name, citizenNumber, by: BY });
  expect(await prove(id, '林晓梅', own)).toBe(3);
  expect(await findPersonIdByCitizenNumber(deps, own)).toBe(id);
  expect(await outcomes([prove(nameless.id, '王建国', theirs)])).toEqual({ 'citizen-number-taken': 1 });
  expect(await holders(theirs)).toHaveLength(1);
});

test('a worker killed in the middle of a batch has done that batch not at all; the next goes on behind the last', async () => {
  const { clock, db, address } = world;
  const before = await world.process();
  const people = await world.people(before, 1_300);
  await world.rotate();
  clock.advance(DATA_KEY_LEAD_MS);
  const after = await world.process();
  clock.advance(MINUTE);
  await db.$transaction((tx) => closeIndexVersions(tx, [1], clock.now()));
  const orders: Orders = { address, secret: SECRET, now: clock.now().toISOString(), version: 2, dieIn: 2 };
  const child = spawn(process.execPath, [fileURLToPath(new URL('./reindex-and-die.ts', import.meta.url)), JSON.stringify(orders)]);
  expect(await new Promise((done) => child.on('close', (_code, signal) => done(signal)))).toBe('SIGKILL');
  const newest = onlyNewest(await openDataKeys(db, world.dataKeys, clock.now()));
  const underNewest = async () =>
    db.person.count({ where: { phoneIndex: { in: people.map(({ phone }) => newest.blindIndex('phone', phone)) } } });
  // The server rolls back when it notices that nobody is there any more.
  await vi.waitFor(async () => expect(await db.blindIndexPass.findFirst()).toMatchObject({ looked: 500, moved: 500 }));
  expect(await underNewest()).toBe(500);
  for (const { id, phone } of people.filter((_, place) => place % 97 === 0)) expect(await findPersonIdByPhone(after.deps, phone)).toBe(id);
  // Two workers at once take turns.
  const other = await world.process();
  await Promise.all([world.work(after), world.work(other)]);
  expect(await underNewest()).toBe(1_300);
  expect(await indexProgress(world, 2)).toEqual([
    { target: 'person', looked: 1_300, left: 0, moved: 1_300, isClean: true },
    { target: 'licence', looked: 0, left: 0, moved: 0, isClean: true },
  ]);
});

test('after a compromise nothing waits for a day; a second compromise in the middle begins a third version', async () => {
  const { clock, db } = world;
  const before = await world.process();
  const [person] = await world.people(before, 1);
  if (!person) throw new Error('nobody');
  await world.rotate();
  clock.advance(10_000);
  // The one that waits for its hour is hastened.
  expect(await world.rotate({ compromised: true })).toEqual({
    version: 2,
    before: [1],
    usedFrom: new Date(clock.now().getTime() + 35_000),
  });
  clock.advance(35_000);
  const second = await world.process();
  expect(second.deps.fields.indexVersions).toEqual([2, 1]);
  expect(await world.rotate({ compromised: true })).toMatchObject({ version: 3, before: [2, 1] });
  clock.advance(45_000);
  const third = await world.process();
  expect(third.deps.fields.indexVersions).toEqual([3, 2, 1]);
  clock.advance(45_000);
  expect(await world.work(second)).toBe(0);
  expect(await world.work(third)).toBeGreaterThan(2);
  await third.look();
  expect(third.deps.fields.indexVersions).toEqual([3]);
  expect(await findPersonIdByPhone(third.deps, person.phone)).toBe(person.id);
  clock.advance(DATA_KEY_LEAD_MS);
  await world.work(third);
  expect((await world.versions()).map(({ wrapped }) => wrapped.length > 0)).toEqual([false, false, true]);
  expect(await db.auditEvent.count({ where: { kind: 'key-compromised' } })).toBe(2);
});

test('what cannot be indexed anew keeps the old version counting, and is tried again every hour', async () => {
  const { clock, db } = world;
  const before = await world.process();
  const [damaged, twice, double] = await world.people(before, 3);
  if (!damaged || !twice || !double) throw new Error('nobody');
  await world.rotate();
  clock.advance(DATA_KEY_LEAD_MS);
  const after = await world.process();
  const { fields } = after.deps;
  const whole = (await db.person.findUniqueOrThrow({ where: { id: damaged.id } })).phone;
  await db.person.update({ where: { id: damaged.id }, data: { phone: Uint8Array.of(1, 2, 3) } });
  // Two rows with one phone, as a faulty restore could leave them.
  const phone = fields.seal(placeOf('phone', double.id), twice.phone);
  await db.person.update({ where: { id: double.id }, data: { phone, phoneIndex: fields.blindIndex('phone', twice.phone) } });
  clock.advance(MINUTE);
  await world.work(after);
  const person = async () => (await indexProgress(world, 2)).find(({ target }) => target === 'person');
  expect(await person()).toMatchObject({ left: 2, moved: 0, isClean: false });
  clock.advance(2 * DAY);
  expect((await world.process()).deps.fields.indexVersions).toEqual([2, 1]);
  expect(await findPersonIdByPhone(after.deps, damaged.phone)).toBe(damaged.id);

  await db.person.update({ where: { id: damaged.id }, data: { phone: whole } });
  await db.person.update({ where: { id: double.id }, data: { phone: null, phoneIndex: null } });
  await world.work(after);
  clock.advance(60 * MINUTE);
  await world.work(after);
  expect(await person()).toMatchObject({ left: 0, moved: 2, isClean: true });
  expect((await world.process()).deps.fields.indexVersions).toEqual([2]);
});

test('licences whose printed token was indexed with the key are found before, during and after', async () => {
  const { clock, db } = world;
  const before = await world.process();
  const token = 'AbCdEfGhIjKlMnOpQrStUv';
  const id = uuidV7();
  await db.licence.create({
    data: {
      ...{ id, identifier: 'x', typeKey: 'x', typeCode: 'x', issuerCode: 'x', serial: 'x', version: 1 },
      ...{ issuerOrganisationId: uuidV7(), holderKind: 'natural', holderId: uuidV7(), status: 'preparing', statusIndex: 1n },
      ...{ statusChangedAt: clock.now(), validFrom: clock.now(), preparedAt: clock.now(), preparedBy: BY, content: Uint8Array.of(1) },
      publicToken: before.deps.fields.seal(`licence.public-token:${id}`, token),
      publicTokenIndex: before.deps.fields.blindIndex('licence.public-token', token),
    },
  });
  const find = async (fields: FieldCipher = before.deps.fields) =>
    (await db.licence.findFirst({ where: { publicTokenIndex: { in: publicTokenIndexes(fields, token) } } }))?.id;
  expect(await find()).toBe(id);
  await world.rotate();
  clock.advance(DATA_KEY_LEAD_MS);
  const after = await world.process();
  expect(await find(after.deps.fields)).toBe(id);
  while (await stepIndexPass(db, licencesByIndex(after.deps), 2, clock.now()));
  expect(await find(before.deps.fields)).toBe(id);
  expect(await find(after.deps.fields)).toBe(id);
  // No key is needed any more: a stranger's cipher finds it as well.
  const strange = fieldCipher({
    ...(await openDataKeys(db, world.dataKeys, clock.now())),
    indexKeys: [{ version: 9, key: new Uint8Array(32) }],
  });
  expect(await find(strange)).toBe(id);
});
