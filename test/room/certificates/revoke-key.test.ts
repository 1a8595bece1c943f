/** A key in wrong hands loses every certificate, whichever release made it, and no other key loses one. */
import { expect, test } from 'vitest';
import { certificateStatus } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { revokeCertificatesOfKey } from '#certificates/revoke-key.ts';
import { findServiceSigner } from '#certificates/service-signer.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db } = await testDatabase();
const deps = { db, clock: testClock(), keys: memoryKeyStore(), publicOrigin: 'https://trust.example.cn' };
await initialiseAuthorities(deps);

const asEarlierReleasesStoredIt = (serialHex: string) => db.issuedCertificate.update({ where: { serialHex }, data: { keyDigest: null } });
const revoke = (spki: Uint8Array) => revokeCertificatesOfKey(deps, { spki, reason: 'key-compromise', by: 'system:test' });

test.each(['es256', 'sm2-sm3'] as const)('a certificate stored without its key’s digest is revoked with its key: %s', async (suite) => {
  const stolen = await findServiceSigner(deps, 'timestamp', suite);
  const { serialHex } = stolen.certificate;
  await asEarlierReleasesStoredIt(serialHex);
  expect(await certificateStatus(deps, serialHex)).toMatchObject({ status: 'good' });

  expect(await revoke(stolen.spki)).toEqual([serialHex]);
  expect(await certificateStatus(deps, serialHex)).toMatchObject({ status: 'revoked', reason: 'key-compromise' });
  expect(await revoke(stolen.spki)).toEqual([]);
});

test('certificates of other keys stay, with and without a digest', async () => {
  const { keys } = deps;
  const [mine, other] = await Promise.all(['tsa-one', 'tsa-two'].map((name) => keys.create(name, 'es256', ['timestamp'])));
  const certify = async (spki: Uint8Array = new Uint8Array()) => {
    const subject = { commonName: '时间戳服务', organisation: '通认示范市' };
    const { certificate } = await issueCertificate(deps, {
      profile: 'timestamp',
      suite: 'es256',
      subject,
      spki,
      days: 30,
      by: 'system:test',
    });
    return certificate.serialHex;
  };
  const [old, fresh, otherOld, otherFresh] = [
    await certify(mine?.spki),
    await certify(mine?.spki),
    await certify(other?.spki),
    await certify(other?.spki),
  ];
  for (const serialHex of [old, otherOld]) await asEarlierReleasesStoredIt(serialHex);

  expect((await revoke(mine?.spki ?? new Uint8Array())).toSorted()).toEqual([old, fresh].toSorted());
  for (const serialHex of [otherOld, otherFresh]) expect(await certificateStatus(deps, serialHex)).toMatchObject({ status: 'good' });
});

test('a key whose old certificate was revoked so is certified no more', async () => {
  const key = await deps.keys.create('tsa-three', 'es256', ['timestamp']);
  const input = {
    profile: 'timestamp',
    suite: 'es256',
    subject: { commonName: '时间戳服务', organisation: '通认示范市' },
    spki: key.spki,
    days: 30,
    by: 'system:test',
  } as const;
  await asEarlierReleasesStoredIt((await issueCertificate(deps, input)).certificate.serialHex);
  await revoke(key.spki);
  await expect(issueCertificate(deps, input)).rejects.toMatchObject({ code: 'certificate-key-compromised' });
});
