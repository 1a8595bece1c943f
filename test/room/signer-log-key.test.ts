/** Who keeps the heads of a signer's log follows its keys: each step is on record, and what nobody vouches for changes nothing. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { logHeadOf, type SignerLogHead } from '#adapters/remote-signer.ts';
import { signerLogPin } from '#edge/trust-folder.ts';
import { parsePem, toPem } from '#pki/pem.ts';
import { keepLogHeads, type LogHeads } from '#signer/keep-log-heads.ts';
import { fingerprintOf } from '#signer/log-key-chain.ts';
import { followHeadKey, noteLogHead } from '#signer/note-log-head.ts';
import { openSignerLog } from '#signer/signer-log.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testClock } from '../fakes/test-clock.ts';
import { testDatabase } from '../test-database.ts';

const { db } = await testDatabase();
const base = mkdtempSync(join(tmpdir(), 'tongren-pin-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const clock = testClock('2026-06-01T08:00:00Z');
const QUARTER_HOUR_MS = 15 * 60_000;
let number = 0;
let folder: string;
let heads: LogHeads;
/** What the signer answers instead of its newest head. */
let instead: SignerLogHead | undefined;
let since: Date;

async function newSigner(): Promise<LogHeads> {
  const place = join(base, `signer-${++number}`);
  const log = openSignerLog({ folder: place, now: clock.now });
  return keepLogHeads({ keys: memoryKeyStore(), log, clock }, { folder: place });
}
beforeEach(async () => {
  clock.advance(QUARTER_HOUR_MS);
  since = clock.now();
  instead = undefined;
  heads = await newSigner();
  folder = join(base, `web-${number}`);
});

const signer = () => ({ logHead: async () => instead ?? logHeadOf(await heads.newest()) });
const pinFile = () => join(folder, 'trust', 'signer-log-key.pem');
const pinned = () => parsePem(readFileSync(pinFile(), 'utf8'), 'PUBLIC KEY');
const events = async (kind: string) =>
  (await db.auditEvent.findMany({ where: { kind, at: { gte: since } }, orderBy: { id: 'asc' } })).map(({ detail }) => detail);
const follow = (keys = signer()) => followHeadKey({ db, clock, keys }, signerLogPin(folder));
const rotate = async (compromised = false) => {
  clock.advance(QUARTER_HOUR_MS);
  return heads.rotate({ compromised, caller: 'operator' });
};

test('several changes at once are followed step by step, each on record, and the links are kept for commands', async () => {
  await follow();
  expect(pinned()).toHaveLength(1);
  const changes = [await rotate(), await rotate()];
  await follow();
  await follow();
  expect(pinned().map(fingerprintOf).slice(1)).toEqual(changes.map(({ fingerprint }) => fingerprint));
  expect(await events('signer-log-key-followed')).toMatchObject(
    changes.map(({ after, fingerprint, formerFingerprint, line }) => ({ name: after, key: fingerprint, former: formerFingerprint, line })),
  );
  expect(
    readFileSync(join(folder, 'trust', 'signer-log-keys.jws'), 'utf8')
      .trim()
      .split('\n'),
  ).toHaveLength(2);
});

test('a key pinned by an earlier release, alone in its file, is followed as well', async () => {
  const first = logHeadOf(await heads.newest());
  mkdirSync(join(folder, 'trust'), { recursive: true });
  writeFileSync(pinFile(), toPem('PUBLIC KEY', first.spki));
  await rotate();
  await follow();
  expect(pinned()).toHaveLength(2);
});

test('an answer of before, once the pin moved on, is refused: on record once, the pin as it was, no head noted', async () => {
  const keys = signer();
  await follow(keys);
  const old = logHeadOf(await heads.newest());
  await rotate();
  await follow(keys);
  instead = old;
  const note = () => noteLogHead({ db, clock, keys }, { pin: signerLogPin(folder) });
  for (let round = 0; round < 3; round++) await expect(note()).rejects.toThrow(/older key/);
  expect(await events('signer-log-key-refused')).toMatchObject([{ why: 'older', key: fingerprintOf(old.spki) }]);
  expect(await events('signer-log-noted')).toEqual([]);
  expect(pinned()).toHaveLength(2);
  instead = undefined;
  await note();
  expect(await events('signer-log-noted')).toHaveLength(1);
});

test('another signer, a change without endorsement, and a head that its key did not sign change nothing', async () => {
  await follow();
  const genuine = logHeadOf(await heads.newest());
  const other = await newSigner();
  instead = logHeadOf(await other.newest());
  await expect(follow()).rejects.toThrow(/not the key known here/);
  instead = { ...genuine, head: instead.head };
  await expect(follow()).rejects.toThrow(/not signed by this key/);
  instead = undefined;
  await rotate(true);
  await expect(follow()).rejects.toThrow(/signer-log trust/);
  expect((await events('signer-log-key-refused')).map((detail) => (detail as { why: string }).why)).toEqual(['unknown', 'unendorsed']);
  expect(pinned()).toEqual([genuine.spki]);
  expect(await events('signer-log-key-followed')).toEqual([]);
});

test('a pin that somebody emptied is no reason to believe whatever comes', async () => {
  await follow();
  writeFileSync(pinFile(), 'nothing here\n');
  await expect(follow()).rejects.toThrow(/holds no public key/);
});

test('what an answer says about the time before the pinned key does not change what is kept of it', async () => {
  await rotate();
  const genuine = logHeadOf(await heads.newest());
  mkdirSync(join(folder, 'trust'), { recursive: true });
  writeFileSync(pinFile(), toPem('PUBLIC KEY', genuine.spki));
  await rotate();
  await follow();
  // Only the successor joins; the first key, which this place never saw, does not.
  expect(pinned()).toEqual([genuine.spki, logHeadOf(await heads.newest()).spki]);
});
