import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { authorityKeyName, currentAuthority, listAuthorities } from '#certificates/authorities.ts';
import { findAuthority } from '#certificates/find-authority.ts';
import { certificateStatus, currentCrls, trustBundle, trustedCertificates } from '#certificates/find-certificates.ts';
import { findCrl } from '#certificates/find-crl.ts';
import { succeedAuthority } from '#certificates/hold-ceremony.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { publishCrl, publishCrls, publishDueCrls } from '#certificates/publish-crls.ts';
import { releaseCertificate, revokeCertificate } from '#certificates/revoke-certificate.ts';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { assembleCertificate, encodeTbsCertificate, keyIdentifier } from '#pki/build-certificate.ts';
import { type Certificate, isIssuedBy, parseCertificate } from '#pki/certificate.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import { encodeName } from '#pki/name.ts';
import { parsePem } from '#pki/pem.ts';
import { ISSUING_AREAS, PROFILES, type ProfileName, profileOf } from '#pki/profiles.ts';
import { validatePath } from '#pki/validate-path.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { MIGRATIONS_FOLDER } from '#storage/migrate.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testClock } from '../fakes/test-clock.ts';
import { testDatabase } from '../test-database.ts';

const { db } = await testDatabase();
const clock = testClock('2026-06-01T08:00:00.500Z');
const keys = memoryKeyStore();
const deps = { db, clock, keys, publicOrigin: 'https://trust.example.cn' };
await initialiseAuthorities(deps);

const SUITES = ['sm2-sm3', 'es256'] as const;
const issue = (suite: (typeof SUITES)[number], profile: ProfileName = 'seal', spki = generateKeyPair(suite).spki) =>
  issueCertificate(deps, {
    profile,
    suite,
    subject: { commonName: '示范市市场监督管理局', organisation: '示范市市场监督管理局', uscc: '11110000000000000X' },
    spki,
    days: 365,
    by: 'system:test',
  });

/** The certificate of `ca-issuing-p256`, stored and signed as the release before did it. */
async function makeOldAuthority(old: typeof deps, root: Certificate): Promise<Certificate> {
  const key = await old.keys.find('ca-issuing-p256');
  const now = clock.now();
  const notAfter = new Date(now.getTime() + 3_000 * 86_400_000);
  const tbs = encodeTbsCertificate({
    profile: PROFILES.issuing,
    suite: 'es256',
    serial: Buffer.from('4d00000000000000000000000000000a', 'hex'),
    issuer: root.subject.der,
    subject: encodeName([
      { oid: OID.country, value: 'CN' },
      { oid: OID.organisation, value: '通认示范市' },
      { oid: OID.commonName, value: '通认示范市签发证书 P-256' },
    ]),
    notBefore: now,
    notAfter,
    spki: key?.spki ?? new Uint8Array(),
    issuerKeyIdentifier: keyIdentifier(root.spki),
    crlUrl: 'https://trust.example.cn/crl/ca-root-p256.crl',
    issuerUrl: 'https://trust.example.cn/ca/ca-root-p256.cer',
  });
  const der = assembleCertificate(tbs, 'es256', await old.keys.sign('ca-root-p256', 'certificate', tbs));
  const certificate = parseCertificate(der);
  await old.db.issuedCertificate.create({
    data: {
      serialHex: certificate.serialHex,
      issuerKey: 'ca-root-p256',
      authorityKey: 'ca-issuing-p256',
      profile: 'issuing',
      suite: 'es256',
      subject: 'old',
      notBefore: now,
      notAfter,
      tbs: Uint8Array.from(tbs),
      der: Uint8Array.from(der),
      issuedAt: now,
      issuedBy: 'system:authority',
    },
  });
  // The areas' authorities came later: their rows are not of that time.
  await old.db.$executeRaw`ALTER TABLE issued_certificate DISABLE TRIGGER ALL`;
  await old.db.issuedCertificate.deleteMany({ where: { authorityKey: { notIn: ['ca-root-p256', 'ca-root-sm2', 'ca-issuing-p256'] } } });
  await old.db.$executeRaw`ALTER TABLE issued_certificate ENABLE TRIGGER ALL`;
  return certificate;
}

/** The statement with which the migration takes over what was there. */
function backfillOfMigration(): string {
  const folder = readdirSync(MIGRATIONS_FOLDER).find((name) => name.endsWith('_certificate_authorities')) ?? '';
  const sql = readFileSync(join(MIGRATIONS_FOLDER, folder, 'migration.sql'), 'utf8');
  return sql.slice(sql.indexOf('INSERT INTO'));
}

test('starting again finds keys, certificates and lists as they were', async () => {
  const before = await db.issuedCertificate.findMany({ orderBy: { id: 'asc' } });
  const lists = await db.revocationList.count();
  await initialiseAuthorities(deps);
  expect(await db.issuedCertificate.findMany({ orderBy: { id: 'asc' } })).toEqual(before);
  expect(await db.revocationList.count()).toBe(lists);
  const names = ['root', ...ISSUING_AREAS].flatMap((area) => [`ca-${area}-p256`, `ca-${area}-sm2`]);
  expect(before.map(({ authorityKey }) => authorityKey).sort()).toEqual(names.sort());
});

test('a start that died after storing and before signing is completed by the next one', async () => {
  const other = await testDatabase();
  const failing: KeyStore = { ...keys, sign: () => Promise.reject(new Error('power cut')) };
  await expect(initialiseAuthorities({ ...deps, db: other.db, keys: failing })).rejects.toThrow('power cut');
  // The suites run side by side: when one has failed the other may still be storing its row.
  await expect.poll(() => other.db.issuedCertificate.count({ where: { der: null } })).toBe(2);
  await initialiseAuthorities({ ...deps, db: other.db });
  const authority = await findAuthority(other, 'ca-seals-p256');
  const root = await findAuthority(other, 'ca-root-p256');
  expect(authority && root && isIssuedBy(authority, root)).toBe(true);
});

test('three processes that start at once agree on one set of authorities', async () => {
  const other = await testDatabase();
  await Promise.all([1, 2, 3].map(() => initialiseAuthorities({ ...deps, db: other.db })));
  expect(await other.db.issuedCertificate.count()).toBe(12);
  const { roots, issuing } = await trustedCertificates(other);
  for (const authority of issuing) expect(roots.some((root) => isIssuedBy(authority, root))).toBe(true);
});

test('a key store that does not belong to the database stops the start', async () => {
  await expect(initialiseAuthorities({ ...deps, keys: memoryKeyStore() })).rejects.toThrow(/different installations/);
});

test.each(SUITES)('%s: an issued certificate leads to the root, carries its profile and says where its list is', async (suite) => {
  const { certificate, chain } = await issue(suite);
  const { roots, issuing } = await trustedCertificates(deps);
  expect(chain).toHaveLength(3);
  expect(profileOf(certificate)).toBe('seal');
  expect(certificate.crlAddresses).toEqual([`https://trust.example.cn/crl/${authorityKeyName('seals', suite)}.crl`]);
  expect(certificate.aia).toEqual([
    { method: 'ocsp', url: 'https://trust.example.cn/ocsp' },
    { method: 'ca-issuers', url: `https://trust.example.cn/ca/${authorityKeyName('seals', suite)}.cer` },
  ]);
  const result = validatePath({
    leaf: certificate,
    intermediates: issuing,
    anchors: roots,
    at: clock.now(),
    crls: await currentCrls(deps),
    purpose: 'seal',
    requireRevocation: true,
  });
  expect(result).toMatchObject({ valid: true, reasons: [], revocation: { status: 'good' } });
  expect(await certificateStatus(deps, certificate.serialHex)).toMatchObject({ status: 'good', profile: 'seal' });
});

test('the bundles hold the root and every issuing certificate of their suite', async () => {
  for (const suite of SUITES) {
    const [root, ...issuing] = parsePem(await trustBundle(deps, suite)).map(parseCertificate);
    expect(issuing).toHaveLength(ISSUING_AREAS.length);
    expect(root && issuing.every((authority) => isIssuedBy(authority, root)) && isIssuedBy(root, root)).toBe(true);
  }
});

test.each([
  ['person', 'persons'],
  ['document-signer', 'organisations'],
  ['seal', 'seals'],
  ['web-server', 'devices'],
  ['timestamp', 'services'],
  ['code-signer', 'services'],
] as const)('a %s is issued by the authority for %s and by no other', async (profile, area) => {
  const { spki } = generateKeyPair('es256');
  const { certificate, chain } = await issueCertificate(deps, {
    profile,
    suite: 'es256',
    subject: { commonName: 'a.example.cn', organisation: '示范市', uscc: '11110000000000000X' },
    spki,
    days: 30,
    by: 'system:test',
    ...(profile === 'web-server' ? { subjectAltNames: [{ dns: 'a.example.cn' }] } : {}),
  });
  const { certificate: authority } = await currentAuthority(deps, area, 'es256');
  expect(chain[1]?.serialHex).toBe(authority.serialHex);
  expect(isIssuedBy(certificate, authority)).toBe(true);
});

test('an installation of before, with one authority for everything, gets one for each area and keeps the old lists up', async () => {
  const other = await testDatabase();
  const old = { ...deps, db: other.db, keys: memoryKeyStore() };
  await initialiseAuthorities(old);
  // As the release before left it: a root and one authority below it in each suite, and no table of authorities.
  const root = await currentAuthority(old, 'root', 'es256');
  await old.keys.create('ca-issuing-p256', 'es256', ['certificate', 'crl']);
  await other.db.$executeRaw`DELETE FROM certificate_authority`;
  const legacy = await makeOldAuthority(old, root.certificate);
  await other.db.$executeRawUnsafe(backfillOfMigration());
  await initialiseAuthorities(old);
  const authorities = await listAuthorities(old);
  expect(authorities.find(({ keyName }) => keyName === 'ca-issuing-p256')).toMatchObject({ area: 'general', state: 'retired' });
  expect(await findCrl(old, 'ca-issuing-p256')).toBeDefined();
  expect((await trustedCertificates(old)).issuing.some(({ serialHex }) => serialHex === legacy.serialHex)).toBe(true);
  const { chain } = await issueCertificate(old, {
    profile: 'person',
    suite: 'es256',
    subject: { commonName: '张三' },
    spki: generateKeyPair('es256').spki,
    days: 30,
    by: 'system:test',
  });
  expect(chain[1]?.serialHex).not.toBe(legacy.serialHex);
});

test('what a revoked authority issued is revoked with it', async () => {
  const other = await testDatabase();
  const own = { ...deps, db: other.db, keys: memoryKeyStore() };
  await initialiseAuthorities(own);
  const person = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, days: 30, by: 'system:test' } as const;
  const { certificate, chain } = await issueCertificate(own, { ...person, spki: generateKeyPair('es256').spki });
  await revokeCertificate(own, { serialHex: chain[1]?.serialHex ?? '', reason: 'ca-compromise', by: 'system:test' });
  expect(await certificateStatus(own, certificate.serialHex)).toMatchObject({ status: 'revoked', reason: 'ca-compromise' });
  const { roots, issuing } = await trustedCertificates(own);
  const crls = await currentCrls(own);
  const result = validatePath({ leaf: certificate, intermediates: issuing, anchors: roots, at: clock.now(), crls });
  expect(result.valid).toBe(false);
  expect(result.reasons).toContain('revoked');
});

test('serial numbers are 16 random octets and never repeat', async () => {
  const issued = await Promise.all(Array.from({ length: 20 }, () => issue('es256')));
  const serials = issued.map(({ certificate }) => certificate.serialHex);
  expect(new Set(serials).size).toBe(20);
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
});

test.each(SUITES)('%s: revocation is published at once, counts from its second on, and of two at once one wins', async (suite) => {
  const { certificate } = await issue(suite);
  clock.advance(60_000);
  const before = clock.now();
  clock.advance(60_000);
  const request = { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test' } as const;
  const outcomes = await Promise.allSettled([revokeCertificate(deps, request), revokeCertificate(deps, request)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(revokeCertificate(deps, request)).rejects.toMatchObject({ code: 'certificate-already-revoked' });
  const { roots, issuing } = await trustedCertificates(deps);
  const question = { leaf: certificate, intermediates: issuing, anchors: roots, crls: await currentCrls(deps), purpose: 'seal' as const };
  expect(validatePath({ ...question, at: clock.now() })).toMatchObject({
    valid: false,
    reasons: ['revoked'],
    revocation: { status: 'revoked', reason: 'key-compromise' },
  });
  expect(validatePath({ ...question, at: before })).toMatchObject({ valid: true, revocation: { status: 'good' } });
  expect(await certificateStatus(deps, certificate.serialHex)).toMatchObject({ status: 'revoked', reason: 'key-compromise' });
});

test('a revocation whose publishing failed is on the next due list', async () => {
  const { certificate } = await issue('es256');
  const broken: KeyStore = { ...keys, sign: () => Promise.reject(new Error('signer away')) };
  await expect(
    revokeCertificate({ ...deps, keys: broken }, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' }),
  ).rejects.toThrow('signer away');
  const [published] = await publishDueCrls(deps);
  const list = await findCrl(deps, published?.issuerKey ?? '');
  expect(list && parseCrl(list.der).find(certificate.serialHex)?.reason).toBe('superseded');
  expect(await publishDueCrls(deps)).toEqual([]);
});

test.each([
  ['an unknown serial', '00ff', 'key-compromise', 'certificate-not-found'],
  ['an unknown serial for a hold', '00ff', 'certificate-hold', 'certificate-not-found'],
  ['a removal from lists', '00ff', 'remove-from-crl', 'invalid-input'],
  ['a made-up reason', '00ff', 'because', 'invalid-input'],
])('revoking %s is refused', async (_what, serialHex, reason, code) => {
  await expect(revokeCertificate(deps, { serialHex, reason: reason as never, by: 'system:test' })).rejects.toMatchObject({ code });
});

test('a root cannot be revoked by its own list', async () => {
  const root = await findAuthority(deps, 'ca-root-p256');
  await expect(revokeCertificate(deps, { serialHex: root?.serialHex ?? '', reason: 'ca-compromise', by: 'x' })).rejects.toMatchObject({
    code: 'certificate-not-found',
  });
});

test('list numbers only grow, also when many publish at once and when nothing changed', async () => {
  const first = await findCrl(deps, 'ca-seals-p256');
  const published = await Promise.all(Array.from({ length: 8 }, () => publishCrl(deps, 'ca-seals-p256')));
  const numbers = published.map(({ number }) => number).sort((a, b) => Number(a - b));
  expect(numbers).toEqual(Array.from({ length: 8 }, (_, index) => (first?.number ?? 0n) + BigInt(index + 1)));
  expect((await findCrl(deps, 'ca-seals-p256'))?.number).toBe(numbers.at(-1));
  expect(await publishCrls(deps)).toHaveLength(12);
});

test('a number is never below the time, so that a restored database gives none again', async () => {
  const published = await publishCrl(deps, 'ca-devices-p256');
  expect(published.number).toBeGreaterThanOrEqual(BigInt(Math.floor(clock.now().getTime() / 1000)));
});

describe('a hold', () => {
  const person = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, days: 300, by: 'system:test' } as const;
  const hold = async () => {
    const { certificate } = await issueCertificate(deps, { ...person, spki: generateKeyPair('es256').spki });
    await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'certificate-hold', by: 'system:test' });
    return certificate;
  };
  const judge = async (leaf: Certificate, crls: readonly Crl[]) => {
    const { roots, issuing } = await trustedCertificates(deps);
    return validatePath({ leaf, intermediates: issuing, anchors: roots, at: clock.now(), crls, requireRevocation: true });
  };
  const lists = async (scope: 'complete' | 'delta') => {
    const own = await findCrl(deps, 'ca-persons-p256', scope);
    const root = await findCrl(deps, 'ca-root-p256');
    return [own, root].flatMap((list) => (list ? [parseCrl(list.der)] : []));
  };

  test('stops a certificate, and lifted leaves it good: in the complete list, and by the delta for who has an older one', async () => {
    const old = await lists('complete');
    const certificate = await hold();
    const held = await lists('complete');
    expect(held[0]?.find(certificate.serialHex)?.reason).toBe('certificate-hold');
    expect((await judge(certificate, held)).valid).toBe(false);
    expect((await judge(certificate, [...old, ...(await lists('delta')).slice(0, 1)])).valid).toBe(false);
    clock.advance(60_000);
    await releaseCertificate(deps, { serialHex: certificate.serialHex, by: 'system:test' });
    const [delta] = await lists('delta');
    expect(delta?.isDelta).toBe(true);
    expect(delta?.find(certificate.serialHex)?.reason).toBe('remove-from-crl');
    expect((await judge(certificate, await lists('complete'))).valid).toBe(true);
    expect((await judge(certificate, [...held, ...(delta ? [delta] : [])])).valid).toBe(true);
    expect(await certificateStatus(deps, certificate.serialHex)).toMatchObject({ status: 'good' });
  });

  test('may become final, counted from the hold, and is then not lifted', async () => {
    const certificate = await hold();
    const heldAt = (await certificateStatus(deps, certificate.serialHex)).revokedAt;
    clock.advance(3_600_000);
    const { revokedAt } = await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test' });
    expect(revokedAt).toEqual(heldAt);
    expect(await certificateStatus(deps, certificate.serialHex)).toMatchObject({ status: 'revoked', reason: 'key-compromise' });
    await expect(releaseCertificate(deps, { serialHex: certificate.serialHex, by: 'x' })).rejects.toMatchObject({
      code: 'certificate-not-held',
    });
    await expect(revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: 'x' })).rejects.toMatchObject({
      code: 'certificate-already-revoked',
    });
  });

  test('made final while its list could not be published, it is on the next due list, and in a delta of any age', async () => {
    const certificate = await hold();
    clock.advance(3_600_000);
    await publishCrls(deps);
    clock.advance(60_000);
    await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test', publish: false });
    clock.advance(1_000);
    expect((await publishDueCrls(deps)).map(({ issuerKey }) => issuerKey)).toContain('ca-persons-p256');
    for (const scope of ['complete', 'delta'] as const)
      expect((await lists(scope))[0]?.find(certificate.serialHex)?.reason).toBe('key-compromise');
    expect(await publishDueCrls(deps)).toEqual([]);
  });

  test('is not for seals, not lifted twice, and the database refuses to take back what is final', async () => {
    const { certificate: seal } = await issue('es256');
    await expect(revokeCertificate(deps, { serialHex: seal.serialHex, reason: 'certificate-hold', by: 'x' })).rejects.toMatchObject({
      code: 'invalid-input',
    });
    const certificate = await hold();
    const { serialHex } = certificate;
    const outcomes = await Promise.allSettled([
      releaseCertificate(deps, { serialHex, by: 'x' }),
      releaseCertificate(deps, { serialHex, by: 'y' }),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await revokeCertificate(deps, { serialHex, reason: 'superseded', by: 'x' });
    await expect(db.issuedCertificate.update({ where: { serialHex }, data: { revocationReason: 'certificate-hold' } })).rejects.toThrow();
    await expect(db.certificateRelease.deleteMany({ where: { serialHex } })).rejects.toThrow();
  });

  test('a large list is followed by its delta alone until its own time comes', async () => {
    await db.revocationList.updateMany({ where: { issuerKey: 'ca-persons-p256', scope: 'complete' }, data: { entries: 20_001 } });
    const before = await findCrl(deps, 'ca-persons-p256');
    clock.advance(60_000);
    const certificate = await hold();
    expect((await findCrl(deps, 'ca-persons-p256'))?.number).toBe(before?.number);
    const crls = await currentCrls(deps);
    expect((await judge(certificate, crls)).valid).toBe(false);
    expect(await publishDueCrls(deps)).toEqual([]);
  });
});

test('lists are due again after half of their life', async () => {
  await publishCrls(deps);
  expect(await publishDueCrls(deps)).toEqual([]);
  clock.advance(3.5 * 86_400_000);
  const published = (await publishDueCrls(deps)).map(({ issuerKey }) => issuerKey).sort();
  expect(published).toEqual(ISSUING_AREAS.flatMap((area) => [`ca-${area}-p256`, `ca-${area}-sm2`]).sort());
});

test.each([
  ['a key of the other suite', { spki: generateKeyPair('sm2-sm3').spki }, 'invalid-input'],
  ['an authority profile', { profile: 'issuing' as const }, 'invalid-input'],
  ['no days', { days: 0 }, 'invalid-input'],
  ['a life beyond the issuing authority', { days: 9_000 }, 'invalid-input'],
  ['a life beyond the profile', { days: 3_000 }, 'certificate-refused'],
  ['a subject without organisation', { subject: { commonName: 'x' } }, 'certificate-refused'],
  ['invisible characters in the name', { subject: { commonName: 'a\u202eb', organisation: 'o' } }, 'certificate-refused'],
  ['bytes that are no key', { spki: Uint8Array.of(1, 2, 3) }, 'invalid-input'],
])('issuing with %s is refused and leaves no row', async (_what, change, code) => {
  const count = await db.issuedCertificate.count();
  const input = {
    profile: 'seal' as const,
    suite: 'es256' as const,
    subject: { commonName: 'n', organisation: 'o' },
    spki: generateKeyPair('es256').spki,
    days: 10,
    by: 'x',
  };
  await expect(issueCertificate(deps, { ...input, ...change })).rejects.toMatchObject({ code });
  expect(await db.issuedCertificate.count()).toBe(count);
});

test('the database itself refuses to change a certificate, take back a revocation or remove a row', async () => {
  const { certificate } = await issue('es256');
  const where = { serialHex: certificate.serialHex };
  await expect(db.issuedCertificate.update({ where, data: { der: Uint8Array.of(1) } })).rejects.toThrow();
  await revokeCertificate(deps, { ...where, reason: 'superseded', by: 'x' });
  await expect(db.issuedCertificate.update({ where, data: { revokedAt: null } })).rejects.toThrow();
  await expect(db.issuedCertificate.delete({ where })).rejects.toThrow();
});

test('each act left its audit event', async () => {
  const kinds = await db.auditEvent.groupBy({ by: ['kind'], _count: true });
  expect(Object.fromEntries(kinds.map(({ kind, _count }) => [kind, _count]))).toMatchObject({ 'authority-created': 12 });
  expect(kinds.map(({ kind }) => kind).sort()).toEqual([
    'authority-created',
    'certificate-held',
    'certificate-issued',
    'certificate-released',
    'certificate-revoked',
    'crl-published',
  ]);
});

test('a certificate asked of an authority that was just replaced comes from its successor, never from it', async () => {
  const other = await testDatabase();
  const own = { ...deps, db: other.db, keys: memoryKeyStore() };
  await initialiseAuthorities(own);
  const person = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, days: 30, by: 'system:test' } as const;
  await issueCertificate(own, { ...person, spki: generateKeyPair('es256').spki });
  const { after } = await succeedAuthority(own, { area: 'persons', suite: 'es256', by: 'system:test' });
  const { certificate } = await issueCertificate(own, { ...person, spki: generateKeyPair('es256').spki });
  expect(isIssuedBy(certificate, after.certificate)).toBe(true);
});

test('a key that was reported compromised gets no certificate again, however the request comes', async () => {
  const { spki } = generateKeyPair('es256');
  const person = { profile: 'person', suite: 'es256', subject: { commonName: '张三' }, days: 30, by: 'system:test', spki } as const;
  const { certificate } = await issueCertificate(deps, person);
  await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test' });
  await expect(issueCertificate(deps, person)).rejects.toMatchObject({ code: 'certificate-key-compromised' });
});
