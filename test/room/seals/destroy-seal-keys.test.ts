/** With a seal that ended its private keys end too: in files, over the wire; not before its certificates, and no other key. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileKeyStore } from '#adapters/file-keys.ts';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { currentCrls, trustedCertificates } from '#certificates/find-certificates.ts';
import { bytesInMemory } from '#documents/container/byte-source.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { applyForSeal } from '#seals/apply-for-seal.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { cancelSeal, suspendSeal } from '#seals/change-seal-status.ts';
import { decideSealChange } from '#seals/decide-seal-change.ts';
import { destroySealKeys } from '#seals/destroy-seal-keys.ts';
import { findSeal } from '#seals/find-seals.ts';
import { findPendingSealChanges, requestSealDestruction } from '#seals/request-seal-change.ts';
import { requireUsableSealById } from '#seals/require-usable-seal.ts';
import { sealFile } from '#seals/seal-file.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { serveSigner } from '#signer/serve-signer.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { activeSeal, type SampleCity, sampleCity } from '#test/room/licences/sample-city.ts';
import { testDatabase } from '#test/test-database.ts';

const HOUR_MS = 3_600_000;
const { db } = await testDatabase();
const base = mkdtempSync(join(tmpdir(), 'seal-keys-'));
const folder = join(base, 'keys');
const files = await fileKeyStore({ folder, secret: 'a secret of this test alone, long enough' });
const socketPath = join(base, 'socket', 'signer.sock');
const token = 'a-token-of-this-test-with-enough-characters';
let city: SampleCity;
/** As the worker sees the signer, in a process of its own. */
let worker: SampleCity['deps'];
let close: () => Promise<void>;

beforeAll(async () => {
  city = await sampleCity(db, files);
  const signer = guardedKeyStore(files, { clock: city.deps.clock });
  const served = await serveSigner(signer, { socketPath, token });
  close = () => served.close();
  worker = { ...city.deps, keys: remoteSigner({ socketPath, token }) };
});
afterAll(async () => {
  await close();
  rmSync(base, { recursive: true, force: true });
});

const newSeal = () => activeSeal(city.deps, city.department.id, { admin: city.issuer, approver: city.approver });

async function destroySeal(sealId: string) {
  const { approvalId } = await requestSealDestruction(city.deps, { sealId, reason: '机构撤并', by: { personId: city.issuer } });
  const [{ digest } = { digest: '' }] = await findPendingSealChanges(city.deps, sealId);
  await decideSealChange(city.deps, { sealId, approvalId, digest, decision: 'approve', by: { personId: city.approver } });
}

async function keyNamesOf(sealId: string): Promise<string[]> {
  const { keyName, pdfKeyName } = await db.seal.findUniqueOrThrow({ where: { id: sealId } });
  return [keyName ?? '', pdfKeyName ?? ''];
}
const retiredOf = async (sealId: string) =>
  Promise.all((await keyNamesOf(sealId)).map(async (name) => (await files.find(name))?.retired ?? false));
const inFolder = async (sealId: string) => {
  const names = await keyNamesOf(sealId);
  return readdirSync(folder).filter((file) => names.some((name) => file.startsWith(`${name}.`)));
};

async function sealed(sealId: string): Promise<Uint8Array> {
  const seal = await requireUsableSealById(city.deps, { sealId, organisationId: city.department.id, actor: 'staff:somebody' });
  const parts: Uint8Array[] = [];
  await sealFile(city.deps, seal, bytesInMemory(Uint8Array.from(packFiles(sampleFiles()))), {}, (part) => parts.push(Buffer.from(part)));
  return Buffer.concat(parts);
}

describe.each<[string, () => SampleCity['deps']]>([
  ['in encrypted files', () => city.deps],
  ['over the wire to a signer', () => worker],
])('the keys of a destroyed seal %s', (_where, depsOf) => {
  test('are destroyed some hours later, with an entry in the audit; what was sealed before stays genuine', async () => {
    const [sealId, living] = [await newSeal(), await newSeal()];
    const file = await sealed(sealId);
    city.deps.clock.advance(HOUR_MS);
    await destroySeal(sealId);
    city.deps.clock.advance(4 * HOUR_MS - 1_000);
    expect(await destroySealKeys(depsOf())).toBe(0);
    expect(await retiredOf(sealId)).toEqual([false, false]);
    city.deps.clock.advance(1_000);
    expect(await destroySealKeys(depsOf())).toBe(1);
    expect(await retiredOf(sealId)).toEqual([true, true]);
    expect((await inFolder(sealId)).every((name) => name.endsWith('.retired.json'))).toBe(true);
    expect((await findSeal(city.deps, sealId))?.keysDestroyedAt).toEqual(city.deps.clock.now());
    const events = await db.auditEvent.findMany({ where: { kind: 'seal-keys-destroyed', subject: `seal:${sealId}` } });
    expect(events).toMatchObject([{ actor: 'system:seals', detail: { keys: await keyNamesOf(sealId) } }]);
    const [name = ''] = await keyNamesOf(sealId);
    await expect(depsOf().keys.sign(name, 'seal-signature', new Uint8Array(1))).rejects.toBeDefined();
    await expect(files.sign(name, 'seal-signature', new Uint8Array(1))).rejects.toMatchObject({ code: 'key-retired' });
    // Once done it is done; and the other seal is as it was.
    expect(await destroySealKeys(depsOf())).toBe(0);
    expect(await retiredOf(living)).toEqual([false, false]);
    expect((await sealed(living)).length).toBeGreaterThan(0);
    const { roots, issuing } = await trustedCertificates(city.deps);
    const crls = await currentCrls(city.deps);
    const judged = { anchors: roots, officialAnchors: roots, intermediates: issuing, crls, at: city.deps.clock.now() };
    expect(verifyDocument(file, 'old.ofd', judged).report).toMatchObject({ verdict: 'genuine', official: true });
  });
});

test('a seal that is only suspended keeps them', async () => {
  const sealId = await newSeal();
  await suspendSeal(city.deps, { sealId, by: { personId: city.issuer }, reason: '保管人变更' });
  city.deps.clock.advance(100 * HOUR_MS);
  await destroySealKeys(worker);
  expect(await retiredOf(sealId)).toEqual([false, false]);
});

test('as long as a certificate is not revoked, they stay, whatever the seal’s row says', async () => {
  const sealId = await newSeal();
  await db.seal.update({ where: { id: sealId }, data: { status: 'destroyed', revokedAt: city.deps.clock.now() } });
  city.deps.clock.advance(5 * HOUR_MS);
  expect(await destroySealKeys(worker)).toBe(0);
  expect(await retiredOf(sealId)).toEqual([false, false]);
});

test('while somebody holds a file of a job with the seal they stay, and go when nobody does', async () => {
  const sealId = await newSeal();
  await destroySeal(sealId);
  city.deps.clock.advance(5 * HOUR_MS);
  const now = city.deps.clock.now();
  const claimedUntil = new Date(now.getTime() + 60_000);
  const job = await db.sealJob.create({
    data: {
      ...{
        organisationId: city.department.id,
        sealId,
        actor: 'client:bulk',
        requestId: 'destroy-1',
        status: 'running',
        place: {},
        createdAt: now,
      },
      files: { create: { key: 'a', format: 'ofd', status: 'waiting', sourceBytes: 1, sourceDigest: '00', claimedUntil } },
    },
  });
  expect(await destroySealKeys(worker)).toBe(0);
  city.deps.clock.advance(60_001);
  expect(await destroySealKeys(worker)).toBe(1);
  expect(await retiredOf(sealId)).toEqual([true, true]);
  await db.sealJob.delete({ where: { id: job.id } });
});

test('cut off between two keys, it goes on with the other', async () => {
  const sealId = await newSeal();
  await destroySeal(sealId);
  city.deps.clock.advance(5 * HOUR_MS);
  const [, pdf = ''] = await keyNamesOf(sealId);
  const { keys } = city.deps;
  const away = { ...keys, retire: (name: string) => (name === pdf ? Promise.reject(new Error('cut off')) : keys.retire(name)) };
  await expect(destroySealKeys({ ...city.deps, keys: away })).rejects.toThrow('cut off');
  expect(await retiredOf(sealId)).toEqual([true, false]);
  expect((await findSeal(city.deps, sealId))?.keysDestroyedAt).toBeUndefined();
  expect(await destroySealKeys(city.deps)).toBe(1);
  expect(await retiredOf(sealId)).toEqual([true, true]);
});

test('keys made for an application that came to nothing go too, also one whose row was never written', async () => {
  const by = { personId: city.issuer };
  const { sealId } = await applyForSeal(city.deps, { organisationId: city.department.id, kind: 'official', licenceTypes: [], by });
  await approveSeal(city.deps, { sealId, by: { personId: city.approver }, decision: 'approve' });
  const esId = '35020000009999';
  await db.seal.update({ where: { id: sealId }, data: { esId } });
  await city.deps.keys.create(`seal-${esId}-sm2`, 'sm2-sm3', ['seal-signature']);
  await cancelSeal(city.deps, { sealId, by, reason: '重复申请' });
  await db.seal.update({ where: { id: sealId }, data: { revokedAt: city.deps.clock.now() } });
  city.deps.clock.advance(5 * HOUR_MS);
  expect(await destroySealKeys(worker)).toBe(1);
  expect((await files.find(`seal-${esId}-sm2`))?.retired).toBe(true);
});

test('where the signer lets no more go today, the rest waits for another day', async () => {
  const seals = [await newSeal(), await newSeal()];
  for (const sealId of seals) await destroySeal(sealId);
  city.deps.clock.advance(5 * HOUR_MS);
  const rules = [
    { keys: ['seal-*'], purposes: ['seal-signature' as const, 'cms-attributes' as const], create: false, retire: false, endPerDay: 2 },
  ];
  const keys = guardedKeyStore(files, { clock: city.deps.clock, policy: () => ({ version: 1, callers: { service: { rules } } }) });
  expect(await destroySealKeys({ ...city.deps, keys })).toBe(1);
  expect(await destroySealKeys({ ...city.deps, keys })).toBe(0);
  city.deps.clock.advance(24 * HOUR_MS);
  expect(await destroySealKeys({ ...city.deps, keys })).toBe(1);
});

test('a month after its certificates ran out, a seal’s keys go', async () => {
  const sealId = await newSeal();
  const { validTo } = await db.seal.findUniqueOrThrow({ where: { id: sealId } });
  city.deps.clock.set(new Date((validTo?.getTime() ?? 0) + 30 * 24 * HOUR_MS - 1_000).toISOString());
  await destroySealKeys(city.deps);
  expect(await retiredOf(sealId)).toEqual([false, false]);
  city.deps.clock.advance(1_000);
  await destroySealKeys(city.deps);
  expect(await retiredOf(sealId)).toEqual([true, true]);
});
