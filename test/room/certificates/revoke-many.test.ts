/** Many revocations at once: one list for each authority and part, all of them in it, and each in OCSP without waiting for a list. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerOcsp } from '#certificates/answer-ocsp.ts';
import { certificateStatus, trustedCertificates } from '#certificates/find-certificates.ts';
import { findCrl } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificates } from '#certificates/issue-certificate.ts';
import { revokeCertificate, revokeCertificates } from '#certificates/revoke-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { parseCrl } from '#pki/crl.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { judgeOcsp } from '#pki/ocsp-judge.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const deps = { db, clock, keys: memoryKeyStore(), publicOrigin: 'https://id.example.cn' };
const PARTS = 2;
const BY = 'system:test';

async function issue(count: number, profile: 'person' | 'seal' = 'person'): Promise<string[]> {
  const subject =
    profile === 'person' ? { commonName: '张三' } : { commonName: '示范印章', organisation: '示范局', uscc: '11110000000000000X' };
  const inputs = Array.from({ length: count }, () => ({
    profile,
    suite: 'es256' as const,
    subject,
    spki: generateKeyPair('es256').spki,
    days: 300,
    by: BY,
  }));
  const serials: string[] = [];
  for (let start = 0; start < count; start += 100) {
    const issued = await issueCertificates(deps, inputs.slice(start, start + 100));
    serials.push(...issued.map(({ certificate }) => certificate.serialHex));
  }
  return serials;
}

/** How many lists of each authority and kind were made by this. */
async function listsMadeBy(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = new Set((await allLists()).map(({ key }) => key));
  await work();
  const counts: Record<string, number> = {};
  for (const { key, kind } of await allLists()) if (!before.has(key)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

async function allLists() {
  const rows = await db.revocationList.findMany({ select: { issuerKey: true, scope: true, number: true } });
  return rows.map(({ issuerKey, scope, number }) => ({ key: `${issuerKey} ${scope} ${number}`, kind: `${issuerKey} ${scope}` }));
}

const listOf = async (key: string) => parseCrl((await findCrl(deps, key, 'complete'))?.der ?? new Uint8Array());

beforeAll(async () => {
  await initialiseAuthorities(deps);
  await initialiseAuthorities({ ...deps, crlPartitions: { persons: PARTS } });
});
// Lists know whole seconds.
beforeEach(() => clock.advance(1_000));

describe('revoking many', () => {
  test('makes one list of each kind for each authority and part, with all of them in it', async () => {
    const [people, seals] = [await issue(60), await issue(3, 'seal')];
    const lists = await listsMadeBy(() => revokeCertificates(deps, { serials: [...people, ...seals], reason: 'superseded', by: BY }));
    expect(lists).toEqual({
      'ca-persons-p256 complete': 1,
      'ca-persons-p256 delta': 1,
      'ca-persons-p256 part-0': 1,
      'ca-persons-p256 part-0-delta': 1,
      'ca-persons-p256 part-1': 1,
      'ca-persons-p256 part-1-delta': 1,
      'ca-seals-p256 complete': 1,
      'ca-seals-p256 delta': 1,
    });
    const [ofPeople, ofSeals] = [await listOf('ca-persons-p256'), await listOf('ca-seals-p256')];
    for (const serial of people) expect(ofPeople.find(serial, ofPeople.issuer)?.reason).toBe('superseded');
    for (const serial of seals) expect(ofSeals.find(serial, ofSeals.issuer)?.reason).toBe('superseded');
    const events = await db.auditEvent.findMany({ where: { kind: 'certificate-revoked' } });
    expect(events.map(({ subject }) => subject).toSorted()).toEqual(
      [...people, ...seals].map((serial) => `certificate:${serial}`).toSorted(),
    );
  });

  test('for several reasons makes no more lists, and each keeps its reason', async () => {
    const [one, other] = [await issue(2, 'seal'), await issue(2, 'seal')];
    const lists = await listsMadeBy(() =>
      revokeCertificates(
        deps,
        { serials: one, reason: 'superseded', by: BY },
        { serials: other, reason: 'cessation-of-operation', by: BY },
      ),
    );
    expect(lists).toEqual({ 'ca-seals-p256 complete': 1, 'ca-seals-p256 delta': 1 });
    const list = await listOf('ca-seals-p256');
    expect(other.map((serial) => list.find(serial, list.issuer)?.reason)).toEqual(['cessation-of-operation', 'cessation-of-operation']);
  });

  test('more than one transaction holds is still one list', async () => {
    const serials = await issue(520, 'seal');
    const lists = await listsMadeBy(() => revokeCertificates(deps, { serials, reason: 'superseded', by: BY }));
    expect(lists).toEqual({ 'ca-seals-p256 complete': 1, 'ca-seals-p256 delta': 1 });
    expect(await db.issuedCertificate.count({ where: { serialHex: { in: serials }, revokedAt: null } })).toBe(0);
  }, 60_000);

  test('passes over what is revoked, no authority’s root and not there, and makes a hold final from where it began', async () => {
    const [held = '', revoked = '', good = ''] = await issue(3);
    await revokeCertificate(deps, { serialHex: held, reason: 'certificate-hold', by: BY });
    await revokeCertificate(deps, { serialHex: revoked, reason: 'superseded', by: BY });
    const heldAt = (await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: held } })).revokedAt;
    const root = (await trustedCertificates(deps)).roots[0]?.serialHex ?? '';
    clock.advance(60_000);
    const serials = [held, revoked, good, root, 'ab'.repeat(16)];
    expect((await revokeCertificates(deps, { serials, reason: 'key-compromise', by: BY })).toSorted()).toEqual([held, good].toSorted());
    expect(await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: held } })).toMatchObject({
      revokedAt: heldAt,
      revocationReason: 'key-compromise',
    });
    expect(await certificateStatus(deps, revoked)).toMatchObject({ reason: 'superseded' });
    expect(await certificateStatus(deps, root)).toMatchObject({ status: 'good' });
  });

  test('nothing to revoke makes no list', async () => {
    expect(await listsMadeBy(() => revokeCertificates(deps, { serials: [], reason: 'superseded', by: BY }))).toEqual({});
    expect(await listsMadeBy(() => revokeCertificates(deps, { serials: ['ab'], reason: 'superseded', by: BY }))).toEqual({});
  });

  test('each shows in OCSP before any list is made, and with the signer of lists away', async () => {
    const [serial = ''] = await issue(2);
    const status = async () => {
      const row = await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: serial } });
      const leaf = parseCertificate(Uint8Array.from(row.der ?? []));
      const issuer = (await trustedCertificates(deps)).issuing.find(({ subject }) => Buffer.compare(subject.der, leaf.issuer.der) === 0);
      if (!issuer) throw new Error('no issuer');
      const request = encodeOcspRequest([encodeCertId(issuerHashes(issuer, 'sha1'), 'sha1', leaf.serialBytes)]);
      const answer = parseOcspResponse((await answerOcsp(deps, request)).der);
      if (answer.status !== 'successful') throw new Error(answer.status);
      return judgeOcsp({ certificate: leaf, issuer, responses: [answer.basic], at: clock.now() }).revocation.status;
    };
    expect(await status()).toBe('good');
    const away = {
      ...deps,
      keys: {
        ...deps.keys,
        sign: async (name: string, purpose: Parameters<typeof deps.keys.sign>[1], bytes: Uint8Array) => {
          if (purpose === 'crl') throw new Error('the signer is away');
          return deps.keys.sign(name, purpose, bytes);
        },
      },
    };
    await expect(revokeCertificates(away, { serials: [serial], reason: 'superseded', by: BY })).rejects.toThrow('the signer is away');
    expect(await status()).toBe('revoked');
  });
});
