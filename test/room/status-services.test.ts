/** OCSP and time-stamps against a real store, through the guard that judges every signature. */
import { describe, expect, test } from 'vitest';
import { answerOcsp, type OcspReply, ocspResponder } from '#certificates/answer-ocsp.ts';
import { authorityKeyName } from '#certificates/authorities.ts';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { findAuthority } from '#certificates/find-authority.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { answerTimestampQuery, requestTimestamp } from '#certificates/issue-timestamp.ts';
import { refreshOcspAnswers } from '#certificates/refresh-ocsp.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { findServiceSigner } from '#certificates/service-signer.ts';
import { parseDer } from '#crypto/der.ts';
import { type DigestName, digest, generateKeyPair } from '#crypto/suite.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import type { Certificate } from '#pki/certificate.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { judgeOcsp } from '#pki/ocsp-judge.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { encodeTimestampQuery, TIMESTAMP_FAILURES, type TimestampFailure } from '#pki/timestamp-query.ts';
import { Problem } from '#problem.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testClock } from '../fakes/test-clock.ts';
import { testDatabase } from '../test-database.ts';

const HOUR_MS = 3_600_000;
const { db } = await testDatabase();
const clock = testClock();
let signerIsDown = false;
const guarded = guardedKeyStore(memoryKeyStore(), { clock });
const keys: typeof guarded = {
  ...guarded,
  sign: (...asked) => (signerIsDown ? Promise.reject(new Problem('signer-unavailable')) : guarded.sign(...asked)),
};
const deps = { db, clock, keys, publicOrigin: 'https://id.example.cn', otherTime: async () => clock.now() };
await initialiseAuthorities(deps);
const SUITES: AuthoritySuite[] = ['es256', 'sm2-sm3'];
const certificates = new Map<string, Certificate>();
for (const suite of SUITES) {
  for (const name of ['a', 'b', 'c']) {
    const { certificate } = await issueCertificate(deps, {
      profile: 'person',
      suite,
      subject: { commonName: `张三${name}` },
      spki: generateKeyPair(suite).spki,
      days: 300,
      by: 'system:test',
    });
    certificates.set(`${suite}-${name}`, certificate);
  }
}

const certificateOf = (name: string) => certificates.get(name) as Certificate;
const issuerOf = async (suite: AuthoritySuite) => (await findAuthority(deps, authorityKeyName('persons', suite))) as Certificate;

async function certIdOf(certificate: Certificate, suite: AuthoritySuite, name: DigestName = 'sha1', serial = certificate.serialBytes) {
  return encodeCertId(issuerHashes(await issuerOf(suite), name), name, serial);
}

interface Asked {
  status?: string;
  /** Set for a refusal. */
  code?: number;
  kept: OcspReply['kept'];
  der?: Uint8Array;
}

/** Asks, checks signature and freshness, and tells the status. */
async function ask(certificate: Certificate, suite: AuthoritySuite, name: DigestName = 'sha1', nonce?: Uint8Array): Promise<Asked> {
  const reply = await answerOcsp(deps, encodeOcspRequest([await certIdOf(certificate, suite, name)], nonce));
  const parsed = parseOcspResponse(reply.der);
  if (parsed.status === 'refused') return { code: parsed.code, kept: reply.kept };
  const question = { certificate, issuer: await issuerOf(suite), responses: [parsed.basic], at: clock.now() };
  const { revocation, faults } = judgeOcsp(nonce ? { ...question, nonce } : question);
  expect(faults).toEqual([]);
  return { ...revocation, kept: reply.kept, der: reply.der };
}

describe('OCSP', () => {
  test.each(SUITES)('%s: a certificate of ours is good, and the next one who asks gets the same answer', async (suite) => {
    const first = await ask(certificateOf(`${suite}-a`), suite);
    expect(first).toMatchObject({ status: 'good', kept: { thisUpdate: clock.now() } });
    clock.advance(HOUR_MS);
    expect((await ask(certificateOf(`${suite}-a`), suite)).der).toEqual(first.der);
    for (const name of ['sha256', 'sm3', 'sha512'] as const)
      expect((await ask(certificateOf(`${suite}-a`), suite, name)).status).toBe('good');
  });

  test.each(SUITES)('%s: the worker signs ahead, and again only when answers grow old', async (suite) => {
    await refreshOcspAnswers(deps);
    expect(await refreshOcspAnswers(deps)).toBe(0);
    const rows = await db.ocspAnswer.findMany({ where: { serialHex: certificateOf(`${suite}-b`).serialHex } });
    expect(rows.map(({ digest: name }) => name).sort()).toEqual(suite === 'es256' ? ['sha1'] : ['sha1', 'sm3']);
    clock.advance(25 * HOUR_MS);
    expect(await refreshOcspAnswers(deps)).toBeGreaterThan(0);
  });

  test.each(SUITES)('%s: a revocation shows with the next question, kept answer or not', async (suite) => {
    const certificate = certificateOf(`${suite}-b`);
    expect((await ask(certificate, suite)).status).toBe('good');
    const { revokedAt } = await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test' });
    expect(await ask(certificate, suite)).toMatchObject({ status: 'revoked', revokedAt, reason: 'key-compromise' });
  });

  test('a revocation never shows as good while the signer is down', async () => {
    const certificate = certificateOf('es256-c');
    await ask(certificate, 'es256');
    await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' });
    signerIsDown = true;
    expect(await ask(certificate, 'es256')).toMatchObject({ code: 3 });
    signerIsDown = false;
    expect((await ask(certificate, 'es256')).status).toBe('revoked');
  });

  test('kept answers are served while the signer is down, until they end; a nonce has to wait', async () => {
    const certificate = certificateOf('sm2-sm3-a');
    await ask(certificate, 'sm2-sm3');
    signerIsDown = true;
    expect((await ask(certificate, 'sm2-sm3')).status).toBe('good');
    expect(await ask(certificate, 'sm2-sm3', 'sha1', Buffer.alloc(16, 1))).toMatchObject({ code: 3 });
    clock.advance(73 * HOUR_MS);
    expect(await ask(certificate, 'sm2-sm3')).toMatchObject({ code: 3 });
    signerIsDown = false;
    expect((await ask(certificate, 'sm2-sm3')).status).toBe('good');
  });

  test.each([1, 32, 128])('a nonce of %i octets is repeated in an answer made for it', async (octets) => {
    const answer = await ask(certificateOf('es256-a'), 'es256', 'sha1', Buffer.alloc(octets, 9));
    expect(answer).toMatchObject({ status: 'good', kept: undefined });
  });

  test('several questions get one response', async () => {
    const asked = [await certIdOf(certificateOf('es256-a'), 'es256'), await certIdOf(certificateOf('es256-b'), 'es256')];
    const parsed = parseOcspResponse((await answerOcsp(deps, encodeOcspRequest(asked))).der);
    expect(parsed.status === 'successful' && parsed.basic.answers.map(({ status }) => status.status)).toEqual(['good', 'revoked']);
  });

  test('what we did not issue is unknown, signed, and not kept', async () => {
    const before = await db.ocspAnswer.count();
    const stranger = Buffer.from('4f'.repeat(16), 'hex');
    const certId = await certIdOf(certificateOf('es256-a'), 'es256', 'sha1', stranger);
    const parsed = parseOcspResponse((await answerOcsp(deps, encodeOcspRequest([certId]))).der);
    expect(parsed.status === 'successful' && parsed.basic.answers[0]?.status).toEqual({ status: 'unknown' });
    expect(await db.ocspAnswer.count()).toBe(before);
  });

  test('a number of the other suite’s authority is unknown to this one', async () => {
    const certId = await certIdOf(certificateOf('sm2-sm3-a'), 'es256');
    const parsed = parseOcspResponse((await answerOcsp(deps, encodeOcspRequest([certId]))).der);
    expect(parsed.status === 'successful' && parsed.basic.answers[0]?.status).toEqual({ status: 'unknown' });
  });

  test('other authorities are refused with "unauthorized", bad bytes with "malformed"', async () => {
    const [root] = (await trustedCertificates(deps)).roots;
    const other = encodeCertId(issuerHashes(root as Certificate, 'sha1'), 'sha1', Uint8Array.of(1));
    expect(parseOcspResponse((await answerOcsp(deps, encodeOcspRequest([other]))).der)).toEqual({ status: 'refused', code: 6 });
    for (const bytes of [new Uint8Array(), Buffer.from('not DER'), new Uint8Array(10_000)]) {
      expect(parseOcspResponse((await answerOcsp(deps, bytes)).der)).toEqual({ status: 'refused', code: 1 });
    }
  });

  test('the responder’s short memory gives way to a revocation within seconds', async () => {
    const respond = ocspResponder(deps);
    const certificate = certificateOf('sm2-sm3-c');
    const request = encodeOcspRequest([await certIdOf(certificate, 'sm2-sm3')]);
    const statusNow = async () => {
      const parsed = parseOcspResponse((await respond(request)).der);
      return parsed.status === 'successful' ? parsed.basic.answers[0]?.status.status : parsed.code;
    };
    expect(await statusNow()).toBe('good');
    await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' });
    await expect.poll(statusNow, { timeout: 5_000, interval: 100 }).toBe('revoked');
  });

  test('the responder’s certificate is renewed before it ends, with the same key', async () => {
    const before = await findServiceSigner(deps, 'ocsp', 'es256');
    clock.advance(70 * 24 * HOUR_MS);
    const after = await findServiceSigner(deps, 'ocsp', 'es256');
    expect(after.certificate.serialHex).not.toBe(before.certificate.serialHex);
    expect(after.spki).toEqual(before.spki);
    expect((await ask(certificateOf('es256-a'), 'es256')).status).toBe('good');
  });
});

test.each([
  ['https://id.example.cn', 'document-signer', ['https://id.example.cn/ocsp']],
  ['http://localhost:3000', 'document-signer', []],
  ['http://127.0.0.1:3000', 'document-signer', []],
  ['http://localhost:3000', 'person', ['http://localhost:3000/ocsp']],
  ['https://id.example.cn', 'ocsp', []],
] as const)('at %s a certificate of profile %s names %j', async (publicOrigin, profile, expected) => {
  const own = { ...deps, keys: memoryKeyStoreOf(), publicOrigin };
  const { certificate } = await issueCertificate(own, {
    profile,
    suite: 'es256',
    subject: { commonName: '示范市大数据局', organisation: '示范市大数据局', uscc: '11110000000000000X' },
    spki: generateKeyPair('es256').spki,
    days: 30,
    by: 'system:test',
    issuerKey: 'ca-services-p256',
  });
  expect(certificate.aia.filter(({ method }) => method === 'ocsp').map(({ url }) => url)).toEqual(expected);
});

/** Signs for the same authorities, without the rule that service certificates are for keys of this store only. */
function memoryKeyStoreOf(): typeof keys {
  const other = memoryKeyStore();
  return {
    ...keys,
    sign: async (...[name, purpose, structure]) => {
      if (!(await other.find(name))) await other.create(name, 'es256', [purpose]);
      return other.sign(name, purpose, structure);
    },
  };
}

describe('time-stamps', () => {
  const data = Buffer.from('what existed');
  const IMPRINTS = [
    ['es256', 'sha256'],
    ['es256', 'sha384'],
    ['es256', 'sha512'],
    ['sm2-sm3', 'sm3'],
  ] as const;

  test.each(IMPRINTS)('%s with %s: the token is genuine and carries the time', async (suite, name) => {
    const token = await requestTimestamp(deps, { imprint: digest(name, data), digest: name, suite });
    const { roots, issuing } = await trustedCertificates(deps);
    const judged = judgeTimeStamp(token, data, { anchors: roots, intermediates: issuing, at: clock.now() });
    expect(judged).toMatchObject({ verdict: 'genuine', provenAt: clock.now() });
    expect(judgeTimeStamp(token, Buffer.from('other'), { anchors: roots, at: clock.now() }).verdict).toBe('not-valid');
  });

  /** `granted`, or the number of the refusal. */
  async function outcome(query: Uint8Array, suite: AuthoritySuite = 'es256', own = deps): Promise<number | 'granted'> {
    const info = parseDer(await answerTimestampQuery(own, suite, query)).at(0);
    if (info.at(0).asNumber() === 0) return 'granted';
    const bits = info.at(2).content;
    for (let bit = 0; bit < (bits.length - 1) * 8; bit++) if (((bits[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) return bit;
    return -1;
  }
  const good = encodeTimestampQuery('sha256', digest('sha256', data), 99n);

  test('a query is granted, and no two tokens share a serial', async () => {
    expect(await outcome(good)).toBe('granted');
    const replies = await Promise.all(Array.from({ length: 20 }, () => answerTimestampQuery(deps, 'es256', good)));
    expect(new Set(replies.map((reply) => Buffer.from(reply).toString('hex'))).size).toBe(20);
  });

  test.each([
    ['no DER', Buffer.from('x'), 'bad-data-format'],
    ['too many octets', new Uint8Array(5_000), 'bad-data-format'],
    ['SHA-1', encodeTimestampQuery('sha1', digest('sha1', data)), 'bad-alg'],
    ['SM3 in P-256', encodeTimestampQuery('sm3', digest('sm3', data)), 'bad-alg'],
    ['an imprint of wrong length', encodeTimestampQuery('sha256', new Uint8Array(20)), 'bad-data-format'],
    ['another version', Uint8Array.from(good, (byte, index) => (index === 4 ? 2 : byte)), 'bad-request'],
  ] satisfies [string, Uint8Array, TimestampFailure][])('%s is refused', async (_what, query, failure) => {
    expect(await outcome(query)).toBe(TIMESTAMP_FAILURES[failure]);
  });

  test('a clock that is off gives no time', async () => {
    for (const seconds of [-5, 5, 86_400]) {
      const own = { ...deps, clock: testClock(clock.now()), otherTime: async () => new Date(clock.now().getTime() + seconds * 1_000) };
      expect(await outcome(good, 'es256', own)).toBe(TIMESTAMP_FAILURES['time-not-available']);
    }
  });

  test('without another clock to ask there is no time either', async () => {
    const own = { ...deps, clock: testClock(clock.now()), otherTime: () => Promise.reject(new Error('gone')) };
    expect(await outcome(good, 'es256', own)).toBe(TIMESTAMP_FAILURES['time-not-available']);
  });

  test('a clock that is set while we run is noticed at once', async () => {
    const own = { ...deps, clock: testClock(clock.now()) };
    expect(await outcome(good, 'es256', { ...own, otherTime: async () => own.clock.now() })).toBe('granted');
    const right = own.clock.now();
    own.clock.advance(HOUR_MS);
    expect(await outcome(good, 'es256', { ...own, otherTime: async () => right })).toBe(TIMESTAMP_FAILURES['time-not-available']);
  });

  test('a signer that is down is a system failure', async () => {
    signerIsDown = true;
    expect(await outcome(good)).toBe(TIMESTAMP_FAILURES['system-failure']);
    signerIsDown = false;
  });
});
