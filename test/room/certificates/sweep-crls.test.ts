/** Which revocation lists go when, and that nothing anybody needs goes with them. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findAuthority } from '#certificates/find-authority.ts';
import { findCrl, findCrlFacts } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { publishCrl, publishDelta, publishDueCrls } from '#certificates/publish-crls.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { sweepCrls } from '#certificates/sweep-crls.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { isCrlSignedBy, parseCrl } from '#pki/crl.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db } = await testDatabase();
const clock = testClock('2026-06-01T08:00:00Z');
const keys = guardedKeyStore(memoryKeyStore(), { clock });
const deps = { db, clock, keys, publicOrigin: 'https://id.example.cn' };
const KEY = 'ca-persons-p256';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

beforeAll(() => initialiseAuthorities(deps));

async function sweepAll(): Promise<number> {
  let swept = 0;
  for (let round = 0; round < 1_000; round++) {
    const done = await sweepCrls(deps);
    if (done === 0) return swept;
    swept += done;
  }
  throw new Error('the sweep does not end');
}

interface Kept {
  number: bigint;
  whole: boolean;
  thisUpdate: Date;
}

async function kept(scope: 'complete' | 'delta', issuerKey = KEY): Promise<Kept[]> {
  const rows = await db.revocationList.findMany({ where: { issuerKey, scope }, orderBy: { number: 'asc' }, include: { pieces: true } });
  return rows.map(({ number, pieces, der, thisUpdate }) => ({ number, whole: pieces.length > 0 || der !== null, thisUpdate }));
}

/** What every verifier can rely on at every moment, sweep or not. */
async function expectServiceWhole(issuerKey = KEY): Promise<void> {
  const authority = (await findAuthority(deps, issuerKey)) as Certificate;
  const complete = await findCrl(deps, issuerKey);
  const crl = parseCrl(complete?.der ?? new Uint8Array());
  expect(isCrlSignedBy(crl, authority)).toBe(true);
  const delta = await findCrl(deps, issuerKey, 'delta');
  if (!delta) return;
  const parsed = parseCrl(delta.der);
  expect(isCrlSignedBy(parsed, authority)).toBe(true);
  if (delta.nextUpdate > clock.now()) {
    const base = await db.revocationList.findUnique({
      where: { issuerKey_scope_number: { issuerKey, scope: 'complete', number: parsed.baseNumber ?? 0n } },
      include: { pieces: true },
    });
    expect(base?.pieces.length).toBeGreaterThan(0);
  }
}

async function revokeOne(): Promise<string> {
  const { spki } = generateKeyPair('es256');
  const input = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, spki, days: 300, by: 'system:test' } as const;
  const { certificate } = await issueCertificate(deps, input);
  await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' });
  return certificate.serialHex;
}

describe('a month and a half of revocations, swept each day', () => {
  const events: string[] = [];
  afterEach(() => expectServiceWhole());

  test('lists in force are all kept, also where many were made in an hour; deltas are in force for a day', async () => {
    for (let n = 0; n < 6; n++) {
      clock.advance(HOUR_MS / 6);
      await revokeOne();
    }
    const before = { complete: await kept('complete'), delta: await kept('delta') };
    expect(before.complete.length).toBeGreaterThanOrEqual(7);
    expect(await sweepAll()).toBe(0);
    expect({ complete: await kept('complete'), delta: await kept('delta') }).toEqual(before);
    clock.advance(1.5 * DAY_MS);
    await publishDueCrls(deps);
    expect(await sweepAll()).toBeGreaterThan(0);
    expect(await kept('complete')).toEqual(before.complete);
    expect((await kept('delta')).map(({ whole }) => whole)).toEqual([...before.delta.slice(1).map(() => false), true, true]);
  });

  test('of those that ended the last of each day is whole, the others are known by number and digest only', async () => {
    const made = await kept('complete');
    clock.advance(2 * DAY_MS);
    await publishDueCrls(deps);
    await revokeOne();
    clock.advance(4 * DAY_MS);
    await publishDueCrls(deps);
    expect(await sweepAll()).toBeGreaterThan(0);
    const now = (await kept('complete')).slice(0, made.length);
    expect(now.map(({ number }) => number)).toEqual(made.map(({ number }) => number));
    expect(now.map(({ whole }) => whole)).toEqual([...made.slice(1).map(() => false), true]);
    const rows = await db.revocationList.findMany({ where: { issuerKey: KEY, scope: 'complete' } });
    expect(rows.every(({ digest, size }) => digest?.length === 32 && (size ?? 0) > 0)).toBe(true);
    expect(await sweepAll()).toBe(0);
  });

  test('over the weeks it stays within bounds, numbers only grow, and the newest has every revocation', async () => {
    let last = (await findCrlFacts(deps, KEY, 'complete'))?.number ?? 0n;
    const revoked: string[] = [];
    for (let day = 0; day < 45; day++) {
      clock.advance(DAY_MS);
      await publishDueCrls(deps);
      if (day % 3 === 0) revoked.push(await revokeOne(), await revokeOne());
      if (day % 5 === 0) await publishDelta(deps, KEY);
      await sweepAll();
      await expectServiceWhole();
      const { number } = (await findCrlFacts(deps, KEY, 'complete')) ?? { number: 0n };
      expect(number).toBeGreaterThanOrEqual(last);
      last = number;
    }
    const crl = parseCrl((await findCrl(deps, KEY))?.der ?? new Uint8Array());
    for (const serial of revoked) expect(crl.find(serial)?.reason).toBe('superseded');
    const ended = new Date(clock.now().getTime() - 30 * DAY_MS);
    const pieces = await db.revocationListPiece.findMany({ where: { issuerKey: KEY }, select: { scope: true, number: true } });
    const keptWhole = new Set(pieces.map(({ scope, number }) => `${scope} ${number}`));
    for (const scope of ['complete', 'delta'] as const) {
      const rows = await db.revocationList.findMany({ where: { issuerKey: KEY, scope }, orderBy: { number: 'asc' } });
      expect(rows.every(({ nextUpdate }) => nextUpdate >= ended)).toBe(true);
      const whole = rows.filter(({ number }) => keptWhole.has(`${scope} ${number}`));
      const days = whole
        .filter(({ nextUpdate }) => nextUpdate < clock.now())
        .map(({ thisUpdate }) => thisUpdate.toISOString().slice(0, 10));
      expect(days.length).toBeGreaterThan(5);
      expect(new Set(days).size).toBe(days.length);
    }
  }, 120_000);

  test('what went is on record', async () => {
    const found = await db.auditEvent.findMany({ where: { kind: { in: ['crls-removed', 'crls-emptied'] }, subject: `crl:${KEY}` } });
    events.push(...found.map(({ kind }) => kind));
    expect(new Set(events)).toEqual(new Set(['crls-removed', 'crls-emptied']));
    const removed = found.filter(({ kind }) => kind === 'crls-removed').map(({ detail }) => detail as { lists: number });
    expect(removed.every(({ lists }) => lists > 0)).toBe(true);
  });
});

test('the newest lists stay, however long ago they ended, and the next number is above theirs', async () => {
  const key = 'ca-seals-p256';
  const [complete, delta] = [await findCrlFacts(deps, key, 'complete'), await findCrlFacts(deps, key, 'delta')];
  clock.advance(400 * DAY_MS);
  await sweepAll();
  expect(await findCrlFacts(deps, key, 'complete')).toMatchObject({ number: complete?.number });
  expect(await findCrlFacts(deps, key, 'delta')).toMatchObject({ number: delta?.number });
  await expectServiceWhole(key);
  expect((await publishCrl(deps, key)).number).toBeGreaterThan(complete?.number ?? 0n);
});

test('a number that was taken and never signed is not given again, even after the sweep', async () => {
  const key = 'ca-devices-p256';
  const away = { ...deps, keys: { ...keys, sign: () => Promise.reject(new Error('signer away')) } };
  for (let n = 0; n < 3; n++) await expect(publishCrl(away, key)).rejects.toThrow('signer away');
  const taken = (await db.revocationList.findFirstOrThrow({ where: { issuerKey: key }, orderBy: { number: 'desc' } })).number;
  clock.advance(60 * DAY_MS);
  await sweepAll();
  expect(await db.revocationList.count({ where: { issuerKey: key, number: taken } })).toBeGreaterThan(0);
  clock.set(new Date(Number(taken - 10n) * 1_000));
  expect((await publishCrl(deps, key)).number).toBeGreaterThan(taken);
  clock.advance(70 * DAY_MS);
  await publishCrl(deps, key);
  await sweepAll();
  expect(await db.revocationList.count({ where: { issuerKey: key, digest: null } })).toBe(0);
});

test('a delta never begins from a list whose signing was interrupted', async () => {
  const key = 'ca-organisations-p256';
  clock.advance(400 * DAY_MS);
  const away = { ...deps, keys: { ...keys, sign: () => Promise.reject(new Error('signer away')) } };
  await expect(publishCrl(away, key)).rejects.toThrow('signer away');
  clock.advance(60_000);
  const { number } = await publishCrl(deps, key);
  expect(parseCrl((await findCrl(deps, key, 'delta'))?.der ?? new Uint8Array()).baseNumber).toBe(number);
});

test('of several sweeps at once none waits for another, and each list goes once', async () => {
  clock.advance(60 * DAY_MS);
  const before = await db.revocationList.count();
  const swept = await Promise.all([sweepCrls(deps), sweepCrls(deps), sweepCrls(deps)]);
  expect(Math.max(...swept)).toBeGreaterThan(0);
  expect(before - (await db.revocationList.count())).toBeLessThanOrEqual(swept.reduce((sum, one) => sum + one, 0));
  await sweepAll();
  for (const key of [KEY, 'ca-seals-p256', 'ca-organisations-p256']) await expectServiceWhole(key);
});
