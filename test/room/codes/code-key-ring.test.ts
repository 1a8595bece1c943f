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
