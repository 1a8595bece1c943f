/** The drill for each kind of key: signed before, succeeded while everything runs, signed after; both verify, and the old key signs no more. */

import { decodeProtectedHeader } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { chainEvents } from '#audit/chain-events.ts';
import { findCheckpointKeys, writeCheckpoint } from '#audit/export-checkpoint.ts';
import { recordEvent } from '#audit/record-event.ts';
import { succeedKey } from '#audit/succeed-key.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { answerOcsp } from '#certificates/answer-ocsp.ts';
import { currentAuthority } from '#certificates/authorities.ts';
import { dropOcspAnswers } from '#certificates/drop-ocsp-answers.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { certifyRecordKeys, findRecordKeys, recordKeyName, recordSigners } from '#certificates/log-signer.ts';
import { revokeCertificatesOfKey } from '#certificates/revoke-key.ts';
import { findServiceSigner } from '#certificates/service-signer.ts';
import type { SignedTrustList } from '#certificates/trust-list-format.ts';
import { currentTrustList, publishTrustList } from '#certificates/trust-list-publish.ts';
import { readTrustList } from '#certificates/trust-list-read.ts';
import { RECEIPT_KEY } from '#codes/code-key-ring.ts';
import { signJws } from '#codes/jws.ts';
import { rotateCodeKey } from '#codes/rotate-code-key.ts';
import { digest, generateKeyPair } from '#crypto/suite.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import { allKeyLines } from '#jobs/key-lines.ts';
import { retireKeys } from '#jobs/retire-keys.ts';
import { codeKeysFile, currentStatusList, publishStatusList } from '#licences/status-list.ts';
import { ensureSigningKeys, loadSigningKeys, replaceSigningKey, rotateSigningKey } from '#oidc/signing-keys.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { judgeOcsp } from '#pki/ocsp-judge.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { prepareSealMaker } from '#seals/prepare-seal-maker.ts';
import { requireUsableSealById } from '#seals/require-usable-seal.ts';
import { openDatabase } from '#storage/database.ts';
import { currentKeyName } from '#storage/key-generations.ts';
import { testDatabase } from '#test/test-database.ts';
import { type SampleCity, sampleCity } from './licences/sample-city.ts';

const { db, address } = await testDatabase();
let city: SampleCity;
beforeAll(async () => {
  city = await sampleCity(db);
});
/** Longer than a looked-up service certificate is taken for true. */
const settle = () => city.deps.clock.advance(31_000);
const BY = 'system:test';

describe.each(['es256', 'sm2-sm3'] as const)('%s', (suite) => {
  const label = suite === 'es256' ? 'p256' : 'sm2';

  test('the responder: answers of both keys hold', async () => {
    const subject = { commonName: '张三' };
    const { certificate } = await issueCertificate(city.deps, {
      profile: 'person',
      suite,
      subject,
      spki: generateKeyPair(suite).spki,
      days: 300,
      by: BY,
    });
    const issuer = (await currentAuthority(city.deps, 'persons', suite)).certificate;
    const ask = async (nonce: number) => {
      const certId = encodeCertId(issuerHashes(issuer, 'sha256'), 'sha256', certificate.serialBytes);
      const reply = parseOcspResponse((await answerOcsp(city.deps, encodeOcspRequest([certId], Buffer.alloc(16, nonce)))).der);
      if (reply.status === 'refused') throw new Error(String(reply.code));
      const { revocation, faults } = judgeOcsp({ certificate, issuer, responses: [reply.basic], at: city.deps.clock.now() });
      expect([revocation.status, faults]).toEqual(['good', []]);
      return reply.basic.certificates[0]?.serialHex;
    };
    const before = await ask(1);
    await succeedKey(city.deps, { base: `ocsp-${label}`, suite, purpose: 'ocsp-response' }, BY);
    settle();
    expect(await ask(2)).not.toBe(before);
  });

  test('the time-stamp authority: tokens of both keys hold, and after a compromise those of the old one do not', async () => {
    const name = suite === 'es256' ? ('sha256' as const) : ('sm3' as const);
    const data = Buffer.from('what is stamped');
    const stamp = () => requestTimestamp(city.deps, { imprint: digest(name, data), digest: name, suite });
    const judge = async (token: Uint8Array) => {
      const { roots, issuing } = await trustedCertificates(city.deps);
      const { currentCrls } = await import('#certificates/find-certificates.ts');
      return judgeTimeStamp(token, data, {
        anchors: roots,
        intermediates: issuing,
        crls: await currentCrls(city.deps),
        at: city.deps.clock.now(),
      }).verdict;
    };
    const before = await stamp();
    const { before: oldName, after } = await succeedKey(city.deps, { base: `tsa-${label}`, suite, purpose: 'timestamp' }, BY);
    settle();
    expect((await findServiceSigner(city.deps, 'timestamp', suite)).keyName).toBe(after.name);
    expect([await judge(before), await judge(await stamp())]).toEqual(['genuine', 'genuine']);
    const old = await city.deps.keys.find(oldName);
    const revoked = await revokeCertificatesOfKey(city.deps, { spki: old?.spki ?? new Uint8Array(), reason: 'key-compromise', by: BY });
    expect(revoked).toHaveLength(1);
    settle();
    expect([await judge(before), await judge(await stamp())]).toEqual(['not-valid', 'genuine']);
  });

  test('the issuance log: the next head is signed by the new key, and readers learn both', async () => {
    const before = (await recordSigners(city.deps, 'issuance-log')).find((one) => one.suite === suite)?.key.name;
    const { after } = await succeedKey(city.deps, { base: `log-${label}`, suite, purpose: 'tree-head' }, BY);
    expect((await recordSigners(city.deps, 'issuance-log')).find((one) => one.suite === suite)?.key.name).toBe(after.name);
    expect((await findRecordKeys(city.deps, 'issuance-log')).map(({ name }) => name)).toEqual(expect.arrayContaining([before, after.name]));
  });
});

test('the trust list: the next edition is signed by the new keys, and readers take those of either', async () => {
  const anchors = (await trustedCertificates(city.deps)).roots;
  const edition = async () => {
    city.deps.clock.advance(1_000);
    await certifyRecordKeys(city.deps, 'trust-list');
    await publishTrustList(city.deps, { anew: true });
    return (await currentTrustList(city.deps)).document;
  };
  const read = (document: SignedTrustList) => readTrustList(document, { anchors, at: city.deps.clock.now() });
  const signers = ({ signatures }: SignedTrustList) =>
    signatures.map(({ protected: head }) => (JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { kid: string }).kid);
  const old = await edition();
  for (const suite of ['es256', 'sm2-sm3'] as const)
    await succeedKey(city.deps, { base: recordKeyName('trust-list', suite), suite, purpose: 'trust-list' }, BY);
  const next = await edition();
  for (const document of [old, next]) expect(read(document)).toMatchObject({ faults: [], proven: ['es256', 'sm2-sm3'] });
  expect(signers(next).filter((kid) => signers(old).includes(kid))).toEqual([]);
});

test('audit checkpoints: one signed by the old key still proves the chain after the new one took over', async () => {
  const note = async (subject: string) => {
    await db.$transaction((tx) => recordEvent(tx, { kind: 'noted', actor: BY, subject, at: city.deps.clock.now() }));
    while ((await chainEvents(city.deps)).chained > 0);
    return writeCheckpoint(city.deps);
  };
  const kept = await note('test:before');
  await succeedKey(city.deps, { base: 'audit-p256', suite: 'es256', purpose: 'audit-checkpoint' }, BY);
  const newer = await note('test:after');
  const trustedKeys = (await findCheckpointKeys(city.deps)).map(({ spki }) => spki);
  expect(trustedKeys).toHaveLength(2);
  for (const checkpoint of [kept, newer]) expect((await verifyChain({ db }, { checkpoint, trustedKeys })).intact).toBe(true);
});

test('status lists: the published keys verify the list of either key', async () => {
  const before = decodeProtectedHeader((await publishStatusList(city.deps)).token).kid;
  const { after } = await succeedKey(city.deps, { base: 'status-list-p256', suite: 'es256', purpose: 'status-list' }, BY);
  city.deps.codes.refresh();
  expect(decodeProtectedHeader((await publishStatusList(city.deps)).token).kid).toBe(after.name);
  const kids = (await codeKeysFile(city.deps)).keys.map(({ kid }) => kid);
  expect(kids).toEqual(expect.arrayContaining([before, after.name]));
});

test('status lists: a successor is published a day before it signs', async () => {
  const kidOf = async () => decodeProtectedHeader((await publishStatusList(city.deps)).token).kid;
  const before = await kidOf();
  const line = { base: 'status-list-p256', suite: 'es256', purpose: 'status-list', leadSeconds: 86_400 } as const;
  const { after, signsFrom } = await succeedKey(city.deps, line, BY);
  expect(signsFrom.getTime() - city.deps.clock.now().getTime()).toBe(86_400_000);
  city.deps.codes.refresh();
  expect((await codeKeysFile(city.deps)).keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining([before, after.name]));
  expect(await kidOf()).toBe(before);
  await expect(succeedKey(city.deps, line, BY)).rejects.toMatchObject({ code: 'key-succession-running' });
  city.deps.clock.advance(86_400_000);
  expect(await kidOf()).toBe(after.name);
});

describe('in wrong hands', () => {
  test('a status list is signed anew at once, also by a successor that was waiting, and the old key is published no more', async () => {
    const line = { base: 'status-list-p256', suite: 'es256', purpose: 'status-list', leadSeconds: 86_400 } as const;
    const waiting = (await succeedKey(city.deps, line, BY)).after.name;
    const served = async () => decodeProtectedHeader((await currentStatusList(city.deps)).token).kid;
    const before = await served();
    expect(before).not.toBe(waiting);
    const { before: gone, after } = await succeedKey(city.deps, line, BY, { compromised: true });
    expect([gone, after.name]).toEqual([before, waiting]);
    city.deps.codes.refresh();
    expect(await served()).toBe(waiting);
    const kids = (await codeKeysFile(city.deps)).keys.map(({ kid }) => kid);
    expect(kids).toContain(waiting);
    expect(kids).not.toContain(gone);
  });

  test('receipts by the old key, the very first included, verify by no published key; later ones do', async () => {
    const receipt = () => signJws(city.deps.keys, { ...RECEIPT_KEY, name: current }, 'tongren-receipt+jwt', claims());
    const claims = () => ({
      iss: 'https://example.cn',
      jti: '1',
      iat: Math.floor(city.deps.clock.now().getTime() / 1000),
      verdict: 'in-force',
    });
    let current = await currentKeyName(db, RECEIPT_KEY.name);
    const old = await receipt();
    const line = { base: RECEIPT_KEY.name, suite: 'es256', purpose: 'receipt' } as const;
    const { before, after } = await succeedKey(city.deps, line, BY, { compromised: true });
    expect(before).toBe(current);
    current = after.name;
    const published = (await city.deps.codes.verificationKeys()).filter(({ purpose }) => purpose === 'receipt');
    expect(published.map(({ kid }) => kid)).toEqual([after.name]);
    const keyOf = (jws: string) => published.find(({ kid }) => kid === decodeProtectedHeader(jws).kid);
    expect(keyOf(old)).toBeUndefined();
    expect(keyOf(await receipt())).toBeDefined();
  });

  test('kept answers of a responder go, and the next is signed by its successor', async () => {
    const subject = { commonName: '张三' };
    const wanted = { profile: 'person', suite: 'es256', subject, spki: generateKeyPair('es256').spki, days: 300, by: BY } as const;
    const { certificate } = await issueCertificate(city.deps, wanted);
    const issuer = (await currentAuthority(city.deps, 'persons', 'es256')).certificate;
    const request = encodeOcspRequest([encodeCertId(issuerHashes(issuer, 'sha1'), 'sha1', certificate.serialBytes)]);
    const signer = async () => {
      const reply = parseOcspResponse((await answerOcsp(city.deps, request)).der);
      if (reply.status === 'refused') throw new Error(String(reply.code));
      return reply.basic.certificates[0]?.serialHex;
    };
    const before = await signer();
    await succeedKey(city.deps, { base: 'ocsp-p256', suite: 'es256', purpose: 'ocsp-response' }, BY);
    settle();
    expect(await signer()).toBe(before);
    expect(await dropOcspAnswers(city.deps, 'es256')).toBeGreaterThan(0);
    expect(await signer()).not.toBe(before);
  });

  test('a token key is deleted and another signs; one that was published already is preferred', async () => {
    const deps = { db, clock: city.deps.clock, fields: city.deps.fields };
    await ensureSigningKeys(deps);
    for (const alg of ['ES256', 'RS256'] as const) {
      const states = async () => (await loadSigningKeys(deps)).filter((key) => key.alg === alg).map(({ kid, state }) => `${kid} ${state}`);
      const first = await replaceSigningKey(deps, { alg, by: BY });
      expect(await states()).toEqual([`${first.kid} active`]);
      const next = await rotateSigningKey(deps, { alg, by: BY });
      const second = await replaceSigningKey(deps, { alg, by: BY });
      expect(second).toEqual({ gone: first.kid, kid: next });
      expect(await states()).toEqual([`${next} active`]);
    }
  });
});

test('the seal maker: seals made before stay usable, unless its key was compromised', async () => {
  const before = await prepareSealMaker(city.deps);
  const { after } = await succeedKey(city.deps, { base: 'seal-maker-sm2', suite: 'sm2-sm3', purpose: 'seal-info' }, BY);
  expect((await prepareSealMaker(city.deps)).keyName).toBe(after.name);
  const usable = () =>
    requireUsableSealById(city.deps, { sealId: city.sealId, organisationId: city.department.id, actor: 'staff:somebody' });
  await usable();
  const old = await city.deps.keys.find(before.keyName);
  await revokeCertificatesOfKey(city.deps, { spki: old?.spki ?? new Uint8Array(), reason: 'key-compromise', by: BY });
  await expect(usable()).rejects.toMatchObject({ code: 'seal-not-usable' });
  expect((await prepareSealMaker(city.deps)).keyName).toBe(after.name);
});

test('another process follows when what it remembers is old, and two successors at once are two refusals short of a mess', async () => {
  const other = openDatabase(address, { maxConnections: 1 });
  const line = { base: 'two-at-once', suite: 'es256', purpose: 'receipt' } as const;
  expect(await currentKeyName(other, line.base)).toBe('two-at-once');
  const outcomes = await Promise.allSettled([succeedKey(city.deps, line, BY), succeedKey(city.deps, line, BY)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await currentKeyName(db, line.base)).toBe('two-at-once-2');
  const fresh = openDatabase(address, { maxConnections: 1 });
  expect(await currentKeyName(fresh, line.base)).toBe('two-at-once-2');
  await Promise.all([other.$disconnect(), fresh.$disconnect()]);
});

test('the private half of a key is destroyed when its successor has signed for a day, of every kind but authorities', async () => {
  const before: string[] = [];
  for (const { line } of allKeyLines()) {
    before.push(await currentKeyName(db, line.base, city.deps.clock.now()));
    await succeedKey(city.deps, { ...line, leadSeconds: 0 }, BY);
  }
  const { predecessor } = await rotateCodeKey(city.deps, { suite: 'es256', by: BY, leadSeconds: 1 });
  before.push((await db.codeKey.findUniqueOrThrow({ where: { kid: predecessor } })).keyName);
  const alive = async (names: string[]) => {
    const found = await Promise.all(names.map((name) => city.deps.keys.find(name)));
    return found.filter((key) => key && !key.retired).length;
  };
  const living = await alive(before);
  expect(living).toBeGreaterThan(5);
  await retireKeys(city.deps);
  expect(await alive(before)).toBe(living);
  city.deps.clock.advance(25 * 3_600_000);
  expect(await retireKeys(city.deps)).toBeGreaterThanOrEqual(living);
  expect(await alive(before)).toBe(0);
  expect(await retireKeys(city.deps)).toBe(0);
  for (const { line } of allKeyLines()) {
    const name = await currentKeyName(db, line.base, city.deps.clock.now());
    expect((await city.deps.keys.find(name))?.retired, name).toBeUndefined();
  }
  expect(await db.auditEvent.count({ where: { kind: 'key-retired' } })).toBeGreaterThanOrEqual(living);
});
