/** A ceremony that is cut off at any act goes on with the same root keys to the same end, and with no others. */
import { expect, test } from 'vitest';
import { isRoot, listAuthorities } from '#certificates/authorities.ts';
import { ceremonyState, initialiseOfflineRoots } from '#certificates/hold-ceremony.ts';
import { generateRoots, withRoots } from '#certificates/root-vault.ts';
import { validatePath } from '#pki/validate-path.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

/** Fails at the act with this number, and at every one after it: as if the power was cut. */
function dyingStore(inner: KeyStore, lastAct: number): KeyStore {
  let acts = 0;
  const act = <T>(work: () => Promise<T>) => (++acts > lastAct ? Promise.reject(new Error('power cut')) : work());
  return {
    suites: inner.suites,
    find: (name) => inner.find(name),
    create: (name, suite, purposes) => act(() => inner.create(name, suite, purposes)),
    sign: (name, purpose, structure, evidence) => act(() => inner.sign(name, purpose, structure, evidence)),
    retire: (name, successor) => act(() => inner.retire(name, successor)),
  };
}

// 10 keys are made in the store, 12 certificates and 12 lists signed: from before the first to after the last act.
test.each([0, 1, 2, 3, 9, 14, 17, 18, 25, 33])('cut off after %i acts', async (acts) => {
  const { db } = await testDatabase();
  const clock = testClock('2026-06-01T08:00:00.000Z');
  const own = memoryKeyStore();
  const depsWith = (roots: ReturnType<typeof generateRoots>, limit = Number.POSITIVE_INFINITY) => {
    const seeing = { ...roots, find: async (name: string) => (await roots.find(name)) ?? own.find(name) };
    const keys = dyingStore(withRoots(guardedKeyStore(seeing, { clock }), own), limit);
    return { db, clock, keys, publicOrigin: 'https://trust.example.cn' };
  };
  const roots = generateRoots();
  await expect(initialiseOfflineRoots(depsWith(roots, acts), {}, 'system:test')).rejects.toThrow('power cut');
  expect(await ceremonyState({ db })).toBe('cut-off');
  await expect(initialiseOfflineRoots(depsWith(generateRoots()), {}, 'system:test')).rejects.toThrow();

  const authorities = await initialiseOfflineRoots(depsWith(roots), {}, 'system:test');
  expect(await ceremonyState({ db })).toBe('held');
  expect(authorities).toHaveLength(12);
  expect((await listAuthorities({ db })).filter(isRoot).map(({ state }) => state)).toEqual(['offline', 'offline']);
  const anchors = authorities.filter(isRoot).map(({ certificate }) => certificate);
  for (const { certificate } of authorities.filter((one) => !isRoot(one)))
    expect(validatePath({ leaf: certificate, intermediates: [], anchors, at: clock.now(), crls: [] }).valid).toBe(true);
});
