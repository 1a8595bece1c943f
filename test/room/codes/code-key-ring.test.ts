import { describe, expect, test } from 'vitest';
import { codeKeyRing } from '#codes/code-key-ring.ts';
import { parseCodeKeys } from '#codes/code-keys.ts';
import { mintCode } from '#codes/mint-code.ts';
import { currentCodeKeys } from '#codes/publish-keys.ts';
import { readCode } from '#codes/read-code.ts';
import { ensureCodeKeys, rotateCodeKey } from '#codes/rotate-code-key.ts';
import { verifyCodeOffline } from '#codes/verify-code-offline.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryEphemeralStore } from '#test/fakes/memory-ephemeral-store.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const keys = guardedKeyStore(memoryKeyStore(), { clock, limits: {} });
const deps = { db, clock, keys, ephemeral: memoryEphemeralStore(clock) };
const about = { issuer: 'https://id.example', statusListUri: 'https://id.example/list', licenceTypes: [] };
const input = { licenceTypeNumber: 1, statusIndex: 5 };

test('minting before there is a key is refused as unavailable', async () => {
  await expect(mintCode({ ...deps, codes: codeKeyRing(deps) }, input)).rejects.toMatchObject({ code: 'unavailable' });
});

test('five processes that start at once agree on one key of each suite', async () => {
  await Promise.all(Array.from({ length: 5 }, () => ensureCodeKeys(deps)));
  const rows = await db.codeKey.findMany({ orderBy: { kid: 'asc' } });
  expect(rows.map(({ suite }) => suite).sort()).toEqual(['es256', 'sm2-sm3']);
  expect(new Set(rows.map(({ kid }) => kid)).size).toBe(2);
});

describe.each(['es256', 'sm2-sm3'] as const)('a ring of %s', (suite) => {
  test('mints codes that verify with the published file', async () => {
    const codes = codeKeyRing(deps, { suite });
    const { digits } = await mintCode({ ...deps, codes }, { ...input, maskedName: '张*' });
    const set = parseCodeKeys(JSON.stringify(await currentCodeKeys({ clock, codes }, about)));
    expect(verifyCodeOffline({ digits, keys: set, at: clock.now() })).toMatchObject({
      verdict: 'valid',
      type: 'named-licence',
      maskedName: '张*',
    });
  });
});

test('a rotation: the new key is published at once, signs from its time on, and the old one keeps what it signed', async () => {
  const codes = codeKeyRing(deps);
  const mint = () => mintCode({ ...deps, codes }, input);
  const kidOf = (digits: string) => {
    const read = readCode(digits);
    return read.kind === 'code' ? read.code.kid : 0;
  };
  const published = async () => parseCodeKeys(await currentCodeKeys({ clock, codes }, about));
  const before = await mint();
  const { kid, keyName } = await rotateCodeKey(deps, { suite: 'es256', by: 'staff:x', leadSeconds: 3_600 });
  expect(keyName).toBe(`code-p256-${kid}`);
  codes.refresh();
  expect((await published()).codeKeys.has(String(kid))).toBe(true);
  await expect(rotateCodeKey(deps, { suite: 'es256', by: 'staff:x', leadSeconds: 3_600 })).rejects.toMatchObject({
    code: 'code-key-rotation-running',
  });

  clock.advance(3_600_000 - 1);
  const last = await mint();
  expect(kidOf(last.digits)).toBe(kidOf(before.digits));
  clock.advance(1);
  const first = await mint();
  expect(kidOf(first.digits)).toBe(kid);

  const set = await published();
  for (const { digits } of [last, first]) expect(verifyCodeOffline({ digits, keys: set, at: clock.now() }).verdict).toBe('valid');
});

test('who steals a retired key cannot make codes of today with it', async () => {
  const thief = memoryKeyStore();
  const stolen = await thief.create('code-p256-40', 'es256', ['code']);
  await db.codeKey.create({
    data: {
      kid: 40,
      keyName: 'code-p256-40',
      suite: 'es256',
      spki: Uint8Array.from(stolen.spki),
      mintFrom: new Date('2026-01-01T00:00:00Z'),
      mintUntil: new Date('2026-05-01T00:00:00Z'),
      predecessor: 39,
      createdAt: new Date('2026-01-01T00:00:00Z'),
    },
  });
  const codes = codeKeyRing(deps);
  const { protectedHeader } = await import('#codes/code-envelope.ts');
  const thiefRing = {
    ...codes,
    mintKey: async () => ({ kid: 40, keyName: 'code-p256-40', suite: 'es256' as const, header: protectedHeader('es256', 40) }),
  };
  const { digits } = await mintCode({ ...deps, keys: thief, codes: thiefRing }, input);
  const { judgeCode } = await import('#codes/judge-code.ts');
  const read = readCode(digits);
  if (read.kind !== 'code') throw new Error('not a code');
  expect(judgeCode(read.code, await codes.findCodeKey(40), clock.now())).toEqual({ verdict: 'unknown-key', reason: 'key-not-valid-then' });
});

test('an unknown key number makes us look again, but not for each stranger who asks', async () => {
  const codes = codeKeyRing(deps);
  await codes.findCodeKey(1);
  const { kid } = await rotateCodeKey(deps, { suite: 'sm2-sm3', by: 'staff:x' });
  expect(await codes.findCodeKey(kid)).toBeUndefined();
  clock.advance(1_000);
  expect(await codes.findCodeKey(kid)).toBeDefined();
});

test('a key in wrong hands while its successor waits: the successor takes over at once, and what the thief signs is refused', async () => {
  const suite = 'sm2-sm3';
  const codes = codeKeyRing(deps, { suite });
  // Whatever waits from before has its turn.
  clock.advance(25 * 3_600_000);
  const rows = () => db.codeKey.findMany({ where: { suite }, orderBy: { kid: 'asc' } });
  const stolen = (await rows()).at(-1);
  const waiting = await rotateCodeKey(deps, { suite, by: 'staff:x' });
  codes.refresh();
  const count = (await rows()).length;
  clock.advance(3_600_000);
  const before = await mintCode({ ...deps, codes }, input);
  const outcomes = await Promise.allSettled([1, 2].map(() => rotateCodeKey(deps, { suite, by: 'staff:x', compromised: true })));
  const done = outcomes.find(({ status }) => status === 'fulfilled');
  expect(done).toMatchObject({ value: { kid: waiting.kid, predecessor: stolen?.kid } });
  expect(await rows()).toHaveLength(count);
  expect(await db.auditEvent.findMany({ where: { kind: 'code-key-compromised' } })).toMatchObject([
    { subject: `key:${stolen?.keyName}`, detail: { successor: waiting.keyName } },
  ]);
  codes.refresh();
  clock.advance(1_000);
  const verdict = async (digits: string) =>
    verifyCodeOffline({ digits, keys: parseCodeKeys(await currentCodeKeys({ clock, codes }, about)), at: clock.now() }).verdict;
  const after = await mintCode({ ...deps, codes }, input);
  const read = readCode(after.digits);
  expect(read.kind === 'code' && read.code.kid).toBe(waiting.kid);
  expect(await verdict(after.digits)).toBe('valid');
  // What the thief mints two minutes later, as if the old key were still in its time.
  clock.advance(120_000);
  const setTimes = async (from: Date, until: Date | null) => {
    await db.codeKey.update({ where: { kid: waiting.kid }, data: { mintFrom: from } });
    await db.codeKey.update({ where: { kid: stolen?.kid ?? 0 }, data: { mintUntil: until } });
  };
  const tookOver = (await rows()).at(-1)?.mintFrom ?? new Date(0);
  await setTimes(new Date(clock.now().getTime() + 3_600_000), null);
  const forged = await mintCode({ ...deps, codes: codeKeyRing(deps, { suite }) }, input);
  codes.refresh();
  expect(await verdict(forged.digits)).toBe('valid');
  await setTimes(tookOver, tookOver);
  codes.refresh();
  expect(await verdict(forged.digits)).toBe('unknown-key');
  expect(await verdict(before.digits)).toBe('expired');
});
