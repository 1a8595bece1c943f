/** Which keys end without a successor: those of single seals, for callers and as often a day as the policy says, and on record. */
import { expect, test } from 'vitest';
import type { KeyPurpose } from '#ports/key-store.ts';
import { DEFAULT_POLICY, parsePolicy } from '#signer/caller-policy.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import type { SignerLogLine } from '#signer/log-line.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';

const DAY_MS = 86_400_000;
const SEAL = 'seal-35020000000001-sm2';
const PDF = 'seal-35020000000001-p256';

async function signer(policy = DEFAULT_POLICY) {
  const clock = testClock();
  const inner = memoryKeyStore();
  const told: SignerLogLine[] = [];
  const guarded = guardedKeyStore(inner, { clock, log: (line) => told.push(line), policy: () => policy });
  const create = (name: string, purpose: KeyPurpose) => inner.create(name, name.endsWith('sm2') ? 'sm2-sm3' : 'es256', [purpose]);
  await create(SEAL, 'seal-signature');
  await create(PDF, 'cms-attributes');
  const end = (caller: string, name: string) =>
    guarded
      .as(caller)
      .retire(name)
      .then(
        () => 'ended',
        (error: { code?: string; detail?: string }) => `${error.code}: ${error.detail}`,
      );
  return { clock, inner, told, guarded, create, end };
}

test('the worker ends both keys of a seal, each once, and each end is in the log before and after', async () => {
  const { end, told, inner } = await signer();
  for (const name of [SEAL, PDF, SEAL]) expect(await end('worker', name)).toBe('ended');
  expect((await inner.find(SEAL))?.retired).toBe(true);
  expect(told.map(({ event, key, reason }) => [event, key, reason])).toEqual(
    [SEAL, PDF].flatMap((key) => ['key-retiring', 'key-retired'].map((event) => [event, key, 'for good, without a successor'])),
  );
});

test.each(['web', 'operator', 'nobody'])('%s ends none', async (caller) => {
  const { end, inner, told } = await signer();
  expect(await end(caller, SEAL)).toContain('signing-refused');
  expect((await inner.find(SEAL))?.retired).toBeUndefined();
  expect(told.map(({ event }) => event)).toEqual(['refused']);
});

test.each<[string, KeyPurpose]>([
  ['seal-maker-sm2', 'seal-info'],
  ['seal-maker-sm2-2', 'seal-info'],
  ['seal-3502000000000-sm2', 'seal-signature'],
  ['seal-35020000000002-sm2-2', 'seal-signature'],
  ['seal-35020000000002-sm2', 'cms-attributes'],
  ['seal-35020000000002-p256', 'seal-signature'],
  ['receipt-p256', 'receipt'],
  ['ca-seals-p256', 'certificate'],
])('%s for %s ends only with a successor, whatever a policy says', async (name, purpose) => {
  const everything = {
    version: 1 as const,
    callers: {
      worker: {
        rules: [
          {
            keys: ['*'],
            purposes: ['seal-signature', 'cms-attributes', 'seal-info', 'receipt', 'certificate'] as KeyPurpose[],
            create: true,
            retire: true,
            endPerDay: 9,
          },
        ],
      },
    },
  } as typeof DEFAULT_POLICY;
  const { end, create, inner } = await signer(everything);
  await create(name, purpose);
  expect(await end('worker', name)).toContain('does not let this caller end this key');
  expect((await inner.find(name))?.retired).toBeUndefined();
});

test('as many a day as the policy says, refilled through the day; what is ended already counts no more', async () => {
  const policy = parsePolicy(
    JSON.stringify({ version: 1, callers: { worker: { rules: [{ keys: ['seal-*'], purposes: ['seal-signature'], endPerDay: 2 }] } } }),
  );
  const { clock, end, create, told } = await signer(policy);
  const names = [1, 2, 3, 4].map((number) => `seal-3502000000010${number}-sm2`);
  for (const name of names) await create(name, 'seal-signature');
  const [first = '', second = '', third = '', fourth = ''] = names;
  expect([await end('worker', first), await end('worker', second), await end('worker', first)]).toEqual(['ended', 'ended', 'ended']);
  expect(await end('worker', third)).toContain('signing-too-fast');
  expect(told.at(-1)).toMatchObject({ event: 'limited', key: third });
  clock.advance(DAY_MS / 2);
  expect(await end('worker', third)).toBe('ended');
  expect(await end('worker', fourth)).toContain('signing-too-fast');
  expect(await end('worker', PDF)).toContain('signing-refused');
});

test('a policy that says nothing of it lets nobody', async () => {
  const policy = parsePolicy(
    JSON.stringify({
      version: 1,
      callers: { worker: { rules: [{ keys: ['*'], purposes: ['seal-signature'], create: true, retire: true }] } },
    }),
  );
  const { end, guarded, create } = await signer(policy);
  expect(await end('worker', SEAL)).toContain('signing-refused');
  await create('seal-35020000000009-sm2', 'seal-signature');
  await guarded.as('worker').retire(SEAL, 'seal-35020000000009-sm2');
  expect(() =>
    parsePolicy(JSON.stringify({ version: 1, callers: { worker: { rules: [{ keys: ['*'], purposes: ['code'], endPerDay: -1 }] } } })),
  ).toThrow();
});
