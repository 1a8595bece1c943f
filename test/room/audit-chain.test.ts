import { expect, test } from 'vitest';
import { chainEvents } from '#audit/chain-events.ts';
import { CHAIN_START, canonicalJson, chainHash, eventHash } from '#audit/chain-hash.ts';
import { type CheckpointDocument, readCheckpoint } from '#audit/checkpoint.ts';
import { ensureCheckpointKey, latestCheckpoint, writeCheckpoint } from '#audit/export-checkpoint.ts';
import { recordEvent } from '#audit/record-event.ts';
import { type ChainFault, verifyChain } from '#audit/verify-chain.ts';
import type { Database } from '#storage/database.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testClock } from '../fakes/test-clock.ts';
import { type TestDatabase, testDatabase } from '../test-database.ts';

const clock = testClock();
const keys = memoryKeyStore();

async function record(db: Database, count: number, kind = 'thing-done') {
  for (let number = 0; number < count; number++) {
    await recordEvent(db, {
      kind,
      actor: 'system:test',
      subject: `thing:${number}`,
      detail: { number, nested: { b: 1, a: [true, null] } },
      at: clock.now(),
    });
  }
}

/** A database with ten chained events and a checkpoint over them. */
async function chained(): Promise<TestDatabase & { checkpoint: CheckpointDocument; ids: string[] }> {
  const database = await testDatabase();
  await record(database.db, 10);
  expect(await chainEvents(database)).toEqual({ chained: 10, position: 10n });
  const checkpoint = await writeCheckpoint({ ...database, clock, keys });
  if (!checkpoint) throw new Error('no checkpoint');
  const links = await database.db.auditLink.findMany({ orderBy: { position: 'asc' } });
  return { ...database, checkpoint, ids: links.map(({ eventId }) => eventId) };
}

/** Somebody with full power over the database, past triggers and foreign keys. */
async function tamper(db: Database, ...statements: string[]) {
  await db.$transaction([
    db.$executeRawUnsafe("SET LOCAL session_replication_role = 'replica'"),
    ...statements.map((sql) => db.$executeRawUnsafe(sql)),
  ]);
}

const faultsOf = async (db: Database, checkpoint?: unknown): Promise<readonly ChainFault[]> =>
  (await verifyChain({ db }, checkpoint === undefined ? {} : { checkpoint })).faults;

test('an untouched chain is intact, also against its checkpoint, and tells what still waits', async () => {
  const { db, checkpoint } = await chained();
  await record(db, 3);
  expect(await verifyChain({ db }, { checkpoint })).toEqual({ intact: true, links: 10, waiting: 3, position: '10', faults: [] });
  await chainEvents({ db });
  expect(await verifyChain({ db }, { checkpoint })).toEqual({ intact: true, links: 13, waiting: 0, position: '13', faults: [] });
});

test('positions have no gap and each digest follows from the one before', async () => {
  const { db } = await chained();
  let previous = CHAIN_START;
  for (const [index, link] of (await db.auditLink.findMany({ orderBy: { position: 'asc' }, include: { event: true } })).entries()) {
    expect(link.position).toBe(BigInt(index + 1));
    expect(link.eventHash).toEqual(Uint8Array.from(eventHash(link.event)));
    previous = chainHash(previous, link.position, link.eventHash);
    expect(link.chainHash).toEqual(Uint8Array.from(previous));
  }
});

test('an event whose transaction commits late is chained once, after those that were chained meanwhile', async () => {
  const { db } = await testDatabase();
  let release = () => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  let written = () => {};
  const isWritten = new Promise<void>((done) => {
    written = done;
  });
  const late = db.$transaction(
    async (tx) => {
      await recordEvent(tx, { kind: 'late', actor: 'system:test', subject: 'thing:late', at: clock.now() });
      written();
      await held;
    },
    { timeout: 30_000 },
  );
  await isWritten;
  await record(db, 2);
  expect(await chainEvents({ db })).toEqual({ chained: 2, position: 2n });
  release();
  await late;
  expect(await chainEvents({ db })).toEqual({ chained: 1, position: 3n });
  expect(await chainEvents({ db })).toEqual({ chained: 0, position: 3n });
  const last = await db.auditLink.findFirst({ orderBy: { position: 'desc' }, include: { event: true } });
  expect(last?.event.kind).toBe('late');
  expect((await verifyChain({ db })).intact).toBe(true);
});

test('an event whose transaction is rolled back neither waits nor is chained', async () => {
  const { db } = await testDatabase();
  const failing = db.$transaction(async (tx) => {
    await recordEvent(tx, { kind: 'undone', actor: 'system:test', subject: 'thing:1', at: clock.now() });
    throw new Error('undo');
  });
  await expect(failing).rejects.toThrow('undo');
  expect(await db.auditPending.count()).toBe(0);
  expect(await chainEvents({ db })).toEqual({ chained: 0, position: 0n });
});

test('chainers that run at once while events are written chain each event exactly once', async () => {
  const { db } = await testDatabase();
  const writers = Array.from({ length: 6 }, () => record(db, 20));
  const chainers = Array.from({ length: 12 }, () => chainEvents({ db }, { batch: 7 }));
  await Promise.all([...writers, ...chainers]);
  await chainEvents({ db }, { batch: 7 });
  expect(await verifyChain({ db })).toEqual({ intact: true, links: 120, waiting: 0, position: '120', faults: [] });
});

test('a changed event is named', async () => {
  const { db, ids } = await chained();
  await tamper(db, `UPDATE audit_event SET detail = '{"number": 99}' WHERE id = '${ids[3]}'`);
  expect(await faultsOf(db)).toEqual([{ kind: 'changed', position: '4', eventId: ids[3] }]);
});

test.each(['kind', 'actor', 'subject'])('a changed %s of an event is named', async (column) => {
  const { db, ids } = await chained();
  await tamper(db, `UPDATE audit_event SET "${column}" = "${column}" || 'x' WHERE id = '${ids[9]}'`);
  expect(await faultsOf(db)).toEqual([{ kind: 'changed', position: '10', eventId: ids[9] }]);
});

test('an event and its digest in the link changed together are named', async () => {
  const { db, ids } = await chained();
  const event = await db.auditEvent.findUniqueOrThrow({ where: { id: ids[4] ?? '' } });
  const forged = Buffer.from(eventHash({ ...event, actor: 'system:nobody' })).toString('hex');
  await tamper(
    db,
    `UPDATE audit_event SET actor = 'system:nobody' WHERE id = '${ids[4]}'`,
    `UPDATE audit_link SET event_hash = '\\x${forged}' WHERE position = 5`,
  );
  expect(await faultsOf(db)).toEqual([{ kind: 'changed', position: '5', eventId: ids[4] }]);
});

test('a removed event is named', async () => {
  const { db, ids } = await chained();
  await tamper(db, `DELETE FROM audit_event WHERE id = '${ids[6]}'`);
  expect(await faultsOf(db)).toEqual([{ kind: 'removed', position: '7', eventId: ids[6] }]);
});

test('an event removed with its link leaves a gap that is named', async () => {
  const { db, ids } = await chained();
  await tamper(db, 'DELETE FROM audit_link WHERE position = 7', `DELETE FROM audit_event WHERE id = '${ids[6]}'`);
  expect(await faultsOf(db)).toEqual([{ kind: 'removed', position: '7' }]);
});

test('a gap closed by renumbering what follows is found at the first renumbered link', async () => {
  const { db, ids } = await chained();
  await tamper(
    db,
    'DELETE FROM audit_link WHERE position = 7',
    `DELETE FROM audit_event WHERE id = '${ids[6]}'`,
    'UPDATE audit_link SET position = -position WHERE position > 7',
    'UPDATE audit_link SET position = -position - 1 WHERE position < 0',
  );
  const faults = await faultsOf(db);
  expect(faults[0]).toEqual({ kind: 'changed', position: '7', eventId: ids[7] });
  expect(faults).toContainEqual({ kind: 'cut-off', position: '10' });
});

test.each([
  ['the events they point to', 'event_id'],
  ['event and digest', 'event_id, event_hash'],
  ['everything but the position', 'event_id, event_hash, chain_hash'],
])('two links that exchanged %s are both named as swapped', async (_what, columns) => {
  for (const [p, q] of [
    [3, 8],
    [4, 5],
    [8, 9],
  ] as const) {
    const { db, ids } = await chained();
    const names = columns.split(', ');
    await tamper(
      db,
      `CREATE TEMP TABLE swapped ON COMMIT DROP AS SELECT * FROM audit_link WHERE position IN (${p}, ${q})`,
      `DELETE FROM audit_link WHERE position IN (${p}, ${q})`,
      `INSERT INTO audit_link (position, event_id, event_hash, chain_hash)
       SELECT a.position, ${['event_id', 'event_hash', 'chain_hash'].map((name) => (names.includes(name) ? `b.${name}` : `a.${name}`)).join(', ')}
       FROM swapped a JOIN swapped b ON a.position <> b.position`,
    );
    expect(await faultsOf(db)).toEqual([
      { kind: 'swapped', position: String(p), eventId: ids[q - 1] },
      { kind: 'swapped', position: String(q), eventId: ids[p - 1] },
    ]);
  }
});

test('an event slipped in past the trigger is named', async () => {
  const { db } = await chained();
  const id = '019a0000-0000-7000-8000-000000000001';
  await tamper(db, `INSERT INTO audit_event (id, at, kind, actor, subject, detail) VALUES ('${id}', now(), 'forged', 'x', 'y', '{}')`);
  expect(await faultsOf(db)).toEqual([{ kind: 'inserted', eventId: id }]);
});

const cutTail = (ids: string[]) => [
  'DELETE FROM audit_link WHERE position > 8',
  `DELETE FROM audit_event WHERE id IN ('${ids[8]}', '${ids[9]}')`,
];

test('a tail cut off is shown by the checkpoint kept beside the chain', async () => {
  const { db, ids } = await chained();
  await tamper(db, ...cutTail(ids));
  expect(await faultsOf(db)).toEqual([{ kind: 'cut-off', position: '9' }]);
});

test('a tail cut off with its checkpoints is shown by a checkpoint kept elsewhere, and by nothing else', async () => {
  const { db, ids, checkpoint } = await chained();
  await tamper(db, ...cutTail(ids), 'DELETE FROM audit_checkpoint');
  expect(await faultsOf(db)).toEqual([]);
  expect(await faultsOf(db, checkpoint)).toEqual([{ kind: 'cut-off', position: '9' }]);
});

test('a chain computed anew after a change is shown by the checkpoint', async () => {
  const { db, ids, checkpoint } = await chained();
  await tamper(db, `UPDATE audit_event SET actor = 'system:nobody' WHERE id = '${ids[5]}'`);
  let previous = (await db.auditLink.findUniqueOrThrow({ where: { position: 5n } })).chainHash as Uint8Array;
  for (let position = 6n; position <= 10n; position++) {
    const link = await db.auditLink.findUniqueOrThrow({ where: { position }, include: { event: true } });
    const hash = eventHash(link.event);
    previous = chainHash(previous, position, hash);
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    await tamper(
      db,
      `UPDATE audit_link SET event_hash = '\\x${hex(hash)}', chain_hash = '\\x${hex(previous)}' WHERE position = ${position}`,
    );
  }
  await tamper(db, 'DELETE FROM audit_checkpoint');
  expect(await faultsOf(db)).toEqual([]);
  expect(await faultsOf(db, checkpoint)).toEqual([{ kind: 'checkpoint-mismatch', position: '10', eventId: ids[9] }]);
});

test('checkpoints are written only where the chain has grown, and read back with their key', async () => {
  const { db, checkpoint } = await chained();
  expect(await writeCheckpoint({ db, clock, keys })).toBeUndefined();
  expect(await latestCheckpoint({ db })).toEqual(checkpoint);
  const key = await ensureCheckpointKey({ db, keys });
  expect(readCheckpoint(JSON.parse(JSON.stringify(checkpoint)), [key.spki])).toEqual(checkpoint);
  await record(db, 1);
  await chainEvents({ db });
  expect((await writeCheckpoint({ db, clock, keys }))?.position).toBe('11');
});

test.each([
  ['another position', { position: '9' }, 'forged'],
  ['another digest', { chainHash: '0'.repeat(64) }, 'forged'],
  ['another time', { at: '2026-01-01T00:00:00.000Z' }, 'forged'],
  ['a token cut short', { token: 'a.b' }, 'forged'],
  ['no token', { token: undefined }, 'malformed'],
  ['a negative position', { position: '-1' }, 'malformed'],
])('a checkpoint with %s is not believed', async (_what, change, outcome) => {
  const { db, checkpoint } = await chained();
  expect(readCheckpoint({ ...checkpoint, ...change })).toBe(outcome);
  expect((await faultsOf(db, { ...checkpoint, ...change }))[0]).toEqual({ kind: `checkpoint-${outcome}` });
});

test('a checkpoint of a key that is not trusted is not believed', async () => {
  const { db, checkpoint } = await chained();
  const own = await ensureCheckpointKey({ db, keys });
  const strange = await ensureCheckpointKey({ db, keys: memoryKeyStore() });
  expect((await verifyChain({ db }, { checkpoint, trustedKeys: [own.spki] })).intact).toBe(true);
  expect((await verifyChain({ db }, { checkpoint, trustedKeys: [strange.spki] })).faults[0]?.kind).toBe('checkpoint-unknown-key');
});

test('canonical JSON sorts keys at every level and leaves out nothing', () => {
  expect(canonicalJson({ b: [1, { d: null, c: '"\u4e2d' }], a: undefined, A: false })).toBe('{"A":false,"b":[1,{"c":"\\"中","d":null}]}');
});
