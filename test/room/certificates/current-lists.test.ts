/** The lists in force as verification takes them: read and parsed once, and anew as soon as another takes their place. */
import { afterEach, expect, test, vi } from 'vitest';
import { currentCrls } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { publishDelta } from '#certificates/publish-crls.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import type { Crl } from '#pki/crl.ts';
import { parsedTrust } from '#web/verification/parsed-trust.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const deps = { db, clock, keys: memoryKeyStore(), publicOrigin: 'https://id.example.cn' };
await initialiseAuthorities(deps);
afterEach(() => vi.restoreAllMocks());

/** How often the bytes of a list were asked for. */
async function readsOf(work: () => Promise<unknown>): Promise<number> {
  const asked = vi.spyOn(db, '$queryRaw');
  await work();
  return asked.mock.calls.filter(([sql]) => String(sql).includes('AS piece')).length;
}

async function revokeOne(): Promise<string> {
  const { spki } = generateKeyPair('es256');
  const input = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, spki, days: 300, by: 'system:test' } as const;
  const { certificate } = await issueCertificate(deps, input);
  clock.advance(1_000);
  await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' });
  return certificate.serialHex;
}

test('lists that did not change are not read again; of those that did, only those', async () => {
  const first = await currentCrls(deps);
  expect(first).toHaveLength(12);
  let second: Crl[] = [];
  expect(await readsOf(async () => (second = await currentCrls(deps)))).toBe(0);
  expect(second.map((crl, index) => crl === first[index])).toEqual(first.map(() => true));
  const serial = await revokeOne();
  vi.restoreAllMocks();
  let third: Crl[] = [];
  expect(await readsOf(async () => (third = await currentCrls(deps)))).toBe(1);
  expect(third.filter((crl) => !first.includes(crl))).toHaveLength(1);
  expect(third.some((crl) => crl.find(serial))).toBe(true);
});

test('a newer delta is there at once', async () => {
  await currentCrls(deps);
  clock.advance(1_000);
  const { number } = await publishDelta(deps, 'ca-persons-p256');
  const lists = await currentCrls(deps);
  expect(lists).toHaveLength(13);
  expect(lists.find(({ isDelta }) => isDelta)?.number).toBe(number);
  await revokeOne();
  expect(await currentCrls(deps)).toHaveLength(12);
});

test('many at once read each list once; a store that failed is asked again', async () => {
  await revokeOne();
  expect(await readsOf(() => Promise.all(Array.from({ length: 10 }, () => currentCrls(deps))))).toBe(1);
  await revokeOne();
  vi.restoreAllMocks();
  const real = db.$queryRaw.bind(db) as (...asked: unknown[]) => Promise<unknown>;
  vi.spyOn(db, '$queryRaw').mockImplementation(((...asked: unknown[]) =>
    String(asked[0]).includes('AS piece') ? Promise.reject(new Error('store away')) : real(...asked)) as never);
  await expect(currentCrls(deps)).rejects.toThrow('store away');
  vi.restoreAllMocks();
  expect(await currentCrls(deps)).toHaveLength(12);
});

test('a verification thread parses a list once, however often it is sent; what is no longer sent is forgotten', async () => {
  const trustOf = (ders: Uint8Array[]) => ({ anchors: [], intermediates: [], crls: ders.map((der) => Uint8Array.from(der)), listed: [] });
  const [a, b] = (await currentCrls(deps)).map(({ der }) => der) as [Uint8Array, Uint8Array];
  const first = parsedTrust(trustOf([a, b])).crls;
  const second = parsedTrust(trustOf([b, a])).crls;
  expect([second[1] === first[0], second[0] === first[1]]).toEqual([true, true]);
  expect(parsedTrust(trustOf([a])).crls[0]).toBe(first[0]);
  expect(parsedTrust(trustOf([b])).crls[0]).not.toBe(first[1]);
  expect(parsedTrust(trustOf([b, b])).crls.map(({ number }) => number)).toEqual([first[1]?.number, first[1]?.number]);
});
