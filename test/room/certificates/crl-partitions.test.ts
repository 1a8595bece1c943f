/** Revocation lists in parts: who is listed where, what one part says about the certificates of another, and that parts keep up. */
import { beforeAll, describe, expect, test } from 'vitest';
import { requireAuthority } from '#certificates/authorities.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { type CrlScope, findCrl, findCrlFacts } from '#certificates/find-crl.ts';
import { succeedAuthority } from '#certificates/hold-ceremony.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate, issueCertificates } from '#certificates/issue-certificate.ts';
import { publishDueCrls } from '#certificates/publish-crls.ts';
import { partScope, setParts } from '#certificates/publish-parts.ts';
import { releaseCertificate, revokeCertificate } from '#certificates/revoke-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
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
const PARTS = 4;
const DAY_MS = 86_400_000;
let early: Certificate;

const input = () =>
  ({
    profile: 'person',
    suite: 'es256',
    subject: { commonName: '张三' },
    spki: generateKeyPair('es256').spki,
    days: 300,
    by: 'system:test',
  }) as const;
const issue = async () => (await issueCertificate(deps, input())).certificate;
const revoke = (certificate: Certificate, reason: 'superseded' | 'certificate-hold' | 'key-compromise' = 'superseded') =>
  revokeCertificate(deps, { serialHex: certificate.serialHex, reason, by: 'system:test' });
const list = async (scope: CrlScope, key = KEY): Promise<Crl> => parseCrl((await findCrl(deps, key, scope))?.der ?? new Uint8Array());
const partOf = (certificate: Certificate): number => Number(/-part-(\d+)\.crl$/.exec(certificate.crlAddresses[0] ?? '')?.[1] ?? Number.NaN);
const otherPart = (certificate: Certificate): number => (partOf(certificate) + 1) % PARTS;

async function judge(leaf: Certificate, ...crls: Crl[]) {
  const { roots, issuing } = await trustedCertificates(deps);
  const all = [...crls, await list('complete', 'ca-root-p256')];
  return validatePath({ leaf, intermediates: issuing, anchors: roots, at: clock.now(), crls: all, requireRevocation: true });
}

beforeAll(async () => {
  await initialiseAuthorities(deps);
  early = await issue();
  clock.advance(1_000);
  await initialiseAuthorities({ ...deps, crlPartitions: { persons: PARTS } });
});

test('an authority told to do so has a list for each part at once, which names its own place critically; others have none', async () => {
  for (let part = 0; part < PARTS; part++) {
    for (const key of [KEY, 'ca-persons-sm2']) {
      const crl = await list(partScope(part), key);
      expect(crl.issuingDistributionPoint?.names).toEqual([{ kind: 'uri', value: `https://id.example.cn/crl/${key}-part-${part}.crl` }]);
      expect(crl.extensions.get('2.5.29.28')?.critical).toBe(true);
      expect(crl.isDelta).toBe(false);
    }
  }
  expect(await findCrlFacts(deps, KEY, partScope(PARTS))).toBeUndefined();
  for (const key of ['ca-root-p256', 'ca-seals-p256', 'ca-devices-sm2']) expect(await findCrlFacts(deps, key, 'part-0')).toBeUndefined();
  expect((await list('complete')).issuingDistributionPoint).toBeUndefined();
});

test('certificates spread over the parts, and each names its own; those from before name the complete list', async () => {
  const issued = await issueCertificates(deps, Array.from({ length: 40 }, input));
  const parts = issued.map(({ certificate }) => partOf(certificate));
  expect(new Set(parts)).toEqual(new Set([0, 1, 2, 3]));
  for (const { certificate } of issued) {
    const row = await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: certificate.serialHex } });
    expect(certificate.crlAddresses).toEqual([`https://id.example.cn/crl/${KEY}-part-${row.crlPartition}.crl`]);
  }
  expect(early.crlAddresses).toEqual([`https://id.example.cn/crl/${KEY}.crl`]);
  // What writes more in its transaction goes another way into the store.
  const { certificate } = await issueCertificate(deps, { ...input(), within: async () => undefined });
  expect(partOf(certificate)).toBeGreaterThanOrEqual(0);
});

describe('a revocation', () => {
  test('is on the list of its part and on the complete one at once, and on no other part', async () => {
    const certificate = await issue();
    const before = await Promise.all(
      Array.from({ length: PARTS }, async (_, part) => (await findCrlFacts(deps, KEY, partScope(part)))?.number),
    );
    clock.advance(1_000);
    await revoke(certificate, 'key-compromise');
    for (let part = 0; part < PARTS; part++) {
      const crl = await list(partScope(part));
      const isOwn = part === partOf(certificate);
      expect(crl.find(certificate.serialHex)?.reason).toBe(isOwn ? 'key-compromise' : undefined);
      expect((crl.number ?? 0n) > (before[part] ?? 0n)).toBe(isOwn);
    }
    expect((await list('complete')).find(certificate.serialHex)?.reason).toBe('key-compromise');
  });

  test('is known by the list of its part; another part’s list says nothing about it, neither that nor that it is good', async () => {
    const [bad, good] = [await issue(), await issue()];
    clock.advance(1_000);
    await revoke(bad);
    expect(await judge(bad, await list(partScope(partOf(bad))))).toMatchObject({ valid: false, reasons: ['revoked'] });
    expect((await judge(bad, await list(partScope(otherPart(bad))))).revocation?.status).toBe('unknown');
    expect(await judge(good, await list(partScope(partOf(good))))).toMatchObject({ valid: true, revocation: { status: 'good' } });
    expect((await judge(good, await list(partScope(otherPart(good))))).valid).toBe(false);
    // The complete list speaks about all; a certificate that names it is not judged by a part.
    expect((await judge(bad, await list('complete'))).reasons).toEqual(['revoked']);
    expect((await judge(good, await list('complete'))).valid).toBe(true);
    expect((await judge(early, await list('part-0'))).valid).toBe(false);
  });

  test('a part with the place of another is not taken for it, though the same key signed it', async () => {
    const certificate = await issue();
    const own = await list(partScope(partOf(certificate)));
    const foreign = await list(partScope(otherPart(certificate)));
    expect((await judge(certificate, foreign)).valid).toBe(false);
    expect((await judge(certificate, foreign, own)).valid).toBe(true);
  });

  test('a hold and its release, and a hold made final, reach the part', async () => {
    const certificate = await issue();
    const reasonNow = async () => (await list(partScope(partOf(certificate)))).find(certificate.serialHex)?.reason;
    clock.advance(1_000);
    await revoke(certificate, 'certificate-hold');
    expect(await reasonNow()).toBe('certificate-hold');
    clock.advance(1_000);
    await releaseCertificate(deps, { serialHex: certificate.serialHex, by: 'system:test' });
    expect(await reasonNow()).toBeUndefined();
    clock.advance(1_000);
    await revoke(certificate, 'certificate-hold');
    clock.advance(1_000);
    await revoke(certificate, 'key-compromise');
    expect(await reasonNow()).toBe('key-compromise');
  });

  test('whose publishing failed is on the next due list of its part', async () => {
    const certificate = await issue();
    const away = { ...deps, keys: { ...keys, sign: () => Promise.reject(new Error('signer away')) } };
    await expect(revokeCertificate(away, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' })).rejects.toThrow();
    expect((await list(partScope(partOf(certificate)))).find(certificate.serialHex)).toBeUndefined();
    await publishDueCrls(deps);
    expect((await list(partScope(partOf(certificate)))).find(certificate.serialHex)?.reason).toBe('superseded');
    expect(await publishDueCrls(deps)).toEqual([]);
  });
});

test('parts are made anew at half their life, and not before', async () => {
  await publishDueCrls(deps);
  const { nextUpdate } = await list('part-0');
  clock.advance(3 * DAY_MS);
  await publishDueCrls(deps);
  expect((await list('part-0')).nextUpdate).toEqual(nextUpdate);
  clock.advance(DAY_MS);
  await publishDueCrls(deps);
  for (let part = 0; part < PARTS; part++)
    expect((await list(partScope(part))).nextUpdate?.getTime()).toBeGreaterThan(nextUpdate?.getTime() ?? 0);
});

test('the number of parts only grows; a certificate stays in the part that it names; it is on record', async () => {
  const certificate = await issue();
  await setParts(deps, { persons: 2, seals: 1_000 }).catch((error: unknown) => expect(error).toBeInstanceOf(RangeError));
  expect((await requireAuthority(deps, KEY)).crlPartitions).toBe(PARTS);
  await initialiseAuthorities({ ...deps, crlPartitions: { persons: 7 } });
  expect((await requireAuthority(deps, KEY)).crlPartitions).toBe(7);
  expect((await list('part-6')).count).toBe(0);
  clock.advance(1_000);
  await revoke(certificate);
  expect((await list(partScope(partOf(certificate)))).find(certificate.serialHex)).toBeDefined();
  const events = await db.auditEvent.findMany({ where: { kind: 'crl-partitions-set', subject: `crl:${KEY}` }, orderBy: { at: 'asc' } });
  expect(events.map(({ detail }) => detail)).toEqual([{ parts: PARTS }, { parts: 7 }]);
});

test('a successor has the parts of the one before, and lists for them before it issues; the one before keeps up its own', async () => {
  clock.advance(60_000);
  const { after } = await succeedAuthority(deps, { area: 'persons', suite: 'es256', by: 'system:test' });
  expect(after.crlPartitions).toBe(7);
  for (let part = 0; part < 7; part++) expect((await list(partScope(part), after.keyName)).count).toBe(0);
  clock.advance(5 * DAY_MS);
  await publishDueCrls(deps);
  expect((await list('part-0')).nextUpdate?.getTime()).toBeGreaterThan(clock.now().getTime());
});
