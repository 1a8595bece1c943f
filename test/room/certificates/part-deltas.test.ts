/** Deltas of parts: made with their part, or alone where the part is large or only time has gone by, and read with it and no other. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findAuthority } from '#certificates/find-authority.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { type CompleteScope, type CrlScope, deltaScope, findCrl } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { publishChange, publishCrls, publishDueCrls } from '#certificates/publish-crls.ts';
import { partScope } from '#certificates/publish-parts.ts';
import { releaseCertificate, revokeCertificate } from '#certificates/revoke-certificate.ts';
import { sweepCrls } from '#certificates/sweep-crls.ts';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { type Crl, isCrlSignedBy, parseCrl } from '#pki/crl.ts';
import { encodeFreshestPoint } from '#pki/encode-crl.ts';
import { validatePath } from '#pki/validate-path.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const keys = guardedKeyStore(memoryKeyStore(), { clock });
const deps = { db, clock, keys, publicOrigin: 'https://id.example.cn' };
const KEY = 'ca-persons-p256';
const PARTS = 3;
const PART_NUMBERS = Array.from({ length: PARTS }, (_, part) => part);
const HOUR_MS = 3_600_000;

const issue = async () => {
  const { spki } = generateKeyPair('es256');
  const input = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, days: 300, by: 'system:test' } as const;
  return (await issueCertificate(deps, { ...input, spki })).certificate;
};
const issueIn = async (part: number) => {
  for (;;) {
    const certificate = await issue();
    if (partOf(certificate) === part) return certificate;
  }
};
const partOf = (certificate: Certificate): number => Number(/-part-(\d+)\.crl$/.exec(certificate.crlAddresses[0] ?? '')?.[1] ?? Number.NaN);
const revoke = (certificate: Certificate, reason: 'superseded' | 'certificate-hold' | 'key-compromise' = 'superseded', using = deps) =>
  revokeCertificate(using, { serialHex: certificate.serialHex, reason, by: 'system:test' });
const release = ({ serialHex }: Certificate) => releaseCertificate(deps, { serialHex, by: 'system:test' });
const list = async (scope: CrlScope): Promise<Crl> => parseCrl((await findCrl(deps, KEY, scope))?.der ?? new Uint8Array());
const partList = (part: number) => list(partScope(part));
const partDelta = (part: number) => list(deltaScope(partScope(part)));
/** Scopes of the lists that this made, sorted. */
async function madeBy(work: () => Promise<unknown>): Promise<string[]> {
  const all = async () =>
    (await db.revocationList.findMany({ where: { issuerKey: KEY } })).map(({ scope, number }) => `${scope} ${number}`);
  const before = new Set(await all());
  await work();
  return (await all())
    .filter((name) => !before.has(name))
    .map((name) => name.split(' ')[0] as string)
    .sort();
}

async function judge(leaf: Certificate, ...crls: Crl[]) {
  const { roots, issuing } = await trustedCertificates(deps);
  const ofRoot = parseCrl((await findCrl(deps, 'ca-root-p256'))?.der ?? new Uint8Array());
  const all = [...crls, ofRoot];
  return validatePath({ leaf, intermediates: issuing, anchors: roots, at: clock.now(), crls: all, requireRevocation: true });
}

beforeAll(() => initialiseAuthorities({ ...deps, crlPartitions: { persons: PARTS } }));
// Lists know whole seconds.
beforeEach(() => clock.advance(1_000));

test('each part has its delta at once: the same place in the same octets, the same key, number and moment; the part leads to it', async () => {
  const authority = (await findAuthority(deps, KEY)) as Certificate;
  for (const part of PART_NUMBERS) {
    const [complete, delta] = [await partList(part), await partDelta(part)];
    const url = `https://id.example.cn/crl/${KEY}-part-${part}-delta.crl`;
    expect(complete.extensions.get(OID.freshestCrl)).toMatchObject({ critical: false });
    expect(Buffer.from(complete.extensions.get(OID.freshestCrl)?.value ?? [])).toEqual(Buffer.from(encodeFreshestPoint(url)));
    expect(delta.extensions.has(OID.freshestCrl)).toBe(false);
    for (const kind of [OID.issuingDistributionPoint, OID.authorityKeyIdentifier])
      expect(delta.extensions.get(kind)).toEqual(complete.extensions.get(kind));
    expect(delta.extensions.get(OID.issuingDistributionPoint)?.critical).toBe(true);
    expect(delta.extensions.get(OID.deltaCrlIndicator)?.critical).toBe(true);
    expect(delta).toMatchObject({ number: complete.number, baseNumber: complete.number, thisUpdate: complete.thisUpdate, count: 0 });
    expect(isCrlSignedBy(delta, authority)).toBe(true);
    expect((delta.nextUpdate?.getTime() ?? 0) - delta.thisUpdate.getTime()).toBe(24 * HOUR_MS);
  }
  // As for the complete list: where its delta is stands in the list, not in certificates.
  expect((await issue()).extensions.has(OID.freshestCrl)).toBe(false);
  expect(await findCrl(deps, 'ca-seals-p256', 'part-0-delta')).toBeUndefined();
});

describe('a revocation', () => {
  test('is in the delta of its part and in no other part’s; whoever has an older part knows it by that', async () => {
    const [bad, good] = [await issueIn(1), await issueIn(1)];
    const older = await partList(1);
    expect(await madeBy(() => revoke(bad, 'key-compromise'))).toEqual(['complete', 'delta', 'part-1', 'part-1-delta']);
    const delta = await partDelta(1);
    expect(delta).toMatchObject({ number: (await partList(1)).number, baseNumber: older.number });
    expect(delta.find(bad.serialHex)?.reason).toBe('key-compromise');
    for (const other of [0, 2]) expect((await partDelta(other)).find(bad.serialHex)).toBeUndefined();
    expect((await judge(bad, older)).valid).toBe(true);
    expect(await judge(bad, older, delta)).toMatchObject({ valid: false, reasons: ['revoked'] });
    expect(await judge(good, older, delta)).toMatchObject({ valid: true, revocation: { status: 'good', asOf: delta.thisUpdate } });
  });

  test('a hold, its release and its end are in the delta; a release takes the hold of an older part away', async () => {
    const certificate = await issueIn(0);
    const before = await partList(0);
    await revoke(certificate, 'certificate-hold');
    const held = await partList(0);
    expect((await partDelta(0)).find(certificate.serialHex)?.reason).toBe('certificate-hold');
    expect((await judge(certificate, before, await partDelta(0))).valid).toBe(false);
    clock.advance(1_000);
    await release(certificate);
    const released = await partDelta(0);
    expect(released.find(certificate.serialHex)?.reason).toBe('remove-from-crl');
    await publishCrls(deps);
    for (const other of [1, 2]) expect((await partDelta(other)).find(certificate.serialHex)).toBeUndefined();
    expect((await judge(certificate, held)).valid).toBe(false);
    expect((await judge(certificate, held, released)).valid).toBe(true);
    clock.advance(1_000);
    await revoke(certificate, 'certificate-hold');
    clock.advance(1_000);
    await revoke(certificate, 'key-compromise');
    expect((await partDelta(0)).find(certificate.serialHex)?.reason).toBe('key-compromise');
    expect((await judge(certificate, held, await partDelta(0))).reasons).toEqual(['revoked']);
  });

  test('of a large part goes into the delta alone, and the part keeps its rhythm', async () => {
    const certificate = await issueIn(2);
    const large = await partList(2);
    const where = { issuerKey: KEY, scope: 'part-2', number: large.number as bigint };
    await db.revocationList.updateMany({ where, data: { entries: 20_001 } });
    expect(await madeBy(() => revoke(certificate))).toEqual(['complete', 'delta', 'part-2-delta']);
    const delta = await partDelta(2);
    expect(delta.number).toBeGreaterThan(large.number as bigint);
    expect((await partList(2)).number).toBe(large.number);
    expect(await judge(certificate, large, delta)).toMatchObject({ reasons: ['revoked'] });
    expect(await madeBy(() => publishDueCrls(deps))).toEqual([]);
    await db.revocationList.updateMany({ where, data: { entries: 0 } });
  });
});

describe('a delta', () => {
  test('of one part says nothing with another part, nor with the complete list; nor that of all with a part', async () => {
    const certificate = await issueIn(0);
    const [own, other, complete] = [await partList(0), await partList(1), await list('complete')];
    await revoke(certificate, 'certificate-hold');
    const [delta, deltaOfAll] = [await partDelta(0), await list('delta')];
    expect((await judge(certificate, own, delta)).valid).toBe(false);
    expect((await judge(certificate, own, deltaOfAll)).valid).toBe(true);
    expect((await judge(certificate, complete, delta)).valid).toBe(true);
    expect((await judge(certificate, other, delta)).revocation?.status).toBe('unknown');
    expect((await judge(certificate, delta)).revocation?.status).toBe('unknown');
    clock.advance(1_000);
    await release(certificate);
  });

  test('is made anew at half its life though nothing changed, without its part; no number goes back', async () => {
    await publishDueCrls(deps);
    clock.advance(11 * HOUR_MS);
    expect(await madeBy(() => publishDueCrls(deps))).not.toContain('part-1');
    clock.advance(2 * HOUR_MS);
    const before = await Promise.all(PART_NUMBERS.map(partDelta));
    const parts = await Promise.all(PART_NUMBERS.map(partList));
    expect(await madeBy(() => publishDueCrls(deps))).toEqual(['delta', ...PART_NUMBERS.map((part) => `part-${part}-delta`)]);
    for (const part of PART_NUMBERS) {
      expect((await partDelta(part)).number).toBeGreaterThan(before[part]?.number ?? 0n);
      expect((await partList(part)).number).toBe(parts[part]?.number);
    }
    expect(await madeBy(() => publishDueCrls(deps))).toEqual([]);
  });

  test('that an installation does not have yet is begun by the next publication, with the part that there is', async () => {
    await publishCrls(deps);
    clock.advance(1_000);
    const { count } = await db.revocationList.deleteMany({ where: { issuerKey: KEY, scope: { endsWith: '-delta' } } });
    expect(count).toBeGreaterThan(0);
    expect(await madeBy(() => publishDueCrls(deps))).toEqual(PART_NUMBERS.map((part) => `part-${part}-delta`));
    for (const part of PART_NUMBERS) {
      const [complete, delta] = [await partList(part), await partDelta(part)];
      expect((delta.baseNumber ?? 0n) <= (complete.number ?? 0n)).toBe(true);
      expect(delta.number).toBeGreaterThan(complete.number ?? 0n);
    }
    expect(await madeBy(() => publishDueCrls(deps))).toEqual([]);
  });

  test.each(['part-1', 'complete'] as const)(
    'whose signing was interrupted after that of %s follows with the next publication',
    async (scope) => {
      const certificate = await issueIn(1);
      let left = scope === 'part-1' ? 1 : 3;
      const sign: typeof keys.sign = (...given) => (left-- > 0 ? keys.sign(...given) : Promise.reject(new Error('signer away')));
      await expect(revoke(certificate, 'superseded', { ...deps, keys: { ...keys, sign } })).rejects.toThrow('signer away');
      const delta = deltaScope(scope);
      expect((await list(scope)).find(certificate.serialHex)).toBeDefined();
      expect((await list(delta)).find(certificate.serialHex)).toBeUndefined();
      expect(await madeBy(() => publishDueCrls(deps))).toEqual(scope === 'part-1' ? ['complete', 'delta', 'part-1-delta'] : ['delta']);
      expect((await list(delta)).find(certificate.serialHex)?.reason).toBe('superseded');
      expect(await madeBy(() => publishDueCrls(deps))).toEqual([]);
    },
  );

  test('never begins from a part whose signing was interrupted', async () => {
    clock.advance(8 * 24 * HOUR_MS);
    const away = { ...deps, keys: { ...keys, sign: () => Promise.reject(new Error('signer away')) } };
    await expect(publishChange(away, KEY)).rejects.toThrow('signer away');
    clock.advance(60_000);
    await publishDueCrls(deps);
    for (const part of PART_NUMBERS) expect((await partDelta(part)).baseNumber).toBe((await partList(part)).number);
  });
});

test('the database takes a delta of a part with its base only, and no other scope', async () => {
  const { thisUpdate, nextUpdate } = await partList(0);
  const row = { issuerKey: KEY, number: 1n, thisUpdate, nextUpdate: nextUpdate as Date, entries: 0, tbs: new Uint8Array() };
  for (const wrong of [
    { scope: 'part-0-delta' },
    { scope: 'part-0-delta', base: 2n },
    { scope: 'delta' },
    { scope: 'part-0', base: 1n },
    { scope: 'part-00-delta', base: 1n },
    { scope: 'part-1000-delta', base: 1n },
    { scope: 'part-0-delta-delta', base: 1n },
  ])
    await expect(db.revocationList.create({ data: { ...row, ...wrong } }), wrong.scope).rejects.toThrow(/revocation_list_scope/);
});

test('revocations at once, in all parts, wait for each other and never for ever; every moment has one number', async () => {
  const certificates = await Promise.all(Array.from({ length: 12 }, issue));
  const { _max: last } = await db.revocationList.aggregate({ where: { issuerKey: KEY }, _max: { number: true } });
  await Promise.all([...certificates.map((certificate) => revoke(certificate)), publishDueCrls(deps), publishDueCrls(deps)]);
  await publishDueCrls(deps);
  for (const part of PART_NUMBERS) {
    const [complete, delta] = [await partList(part), await partDelta(part)];
    for (const certificate of certificates.filter((one) => partOf(one) === part)) {
      expect(complete.find(certificate.serialHex)?.reason).toBe('superseded');
      expect(delta.find(certificate.serialHex)?.reason).toBe('superseded');
    }
  }
  const rows = await db.revocationList.findMany({ where: { issuerKey: KEY, number: { gt: last.number ?? 0n } } });
  expect(rows.length).toBeGreaterThan(8);
  for (const lists of Map.groupBy(rows, ({ number }) => number).values()) {
    const scopes = lists.map(({ scope }) => scope).sort();
    const whole = scopes.find((scope) => !scope.endsWith('delta'));
    expect(scopes).toEqual(whole ? [whole, deltaScope(whole as CompleteScope)] : scopes.slice(0, 1));
  }
});

test('the sweep keeps the part that a delta in force begins from, and lets it go when the delta is over', async () => {
  clock.advance(30 * 24 * HOUR_MS);
  await publishDueCrls(deps);
  const first = await partList(0);
  clock.advance(60_000);
  // A second one of the same day: without the delta the first would go.
  await revoke(await issueIn(0));
  clock.advance(4 * 24 * HOUR_MS);
  await publishDueCrls(deps);
  clock.advance(3 * 24 * HOUR_MS - HOUR_MS);
  await publishDueCrls(deps);
  expect((await partDelta(0)).baseNumber).toBe(first.number);
  const isWhole = async () => {
    for (let n = 0; n < 200 && (await sweepCrls(deps)) > 0; n++);
    return (await db.revocationListPiece.count({ where: { issuerKey: KEY, scope: 'part-0', number: first.number as bigint } })) > 0;
  };
  clock.advance(2 * HOUR_MS);
  expect((first.nextUpdate as Date) < clock.now()).toBe(true);
  expect(await isWhole()).toBe(true);
  clock.advance(24 * HOUR_MS);
  await publishDueCrls(deps);
  expect(await isWhole()).toBe(false);
  expect((await partDelta(0)).baseNumber).toBeGreaterThan(first.number as bigint);
});
