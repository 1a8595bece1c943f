/**
 * Drills with the signer as a process of its own: it is killed and comes back, and the clocks go wrong. What was signed before keeps
 * being served, what needs a signature says clearly that there is none, and nobody has to be restarted.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { answerOcsp } from '#certificates/answer-ocsp.ts';
import { currentCrls, trustedCertificates } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { publishCrls } from '#certificates/publish-crls.ts';
import { refreshOcspAnswers } from '#certificates/refresh-ocsp.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { digest, generateKeyPair } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { noteLogHead } from '#signer/note-log-head.ts';
import { type SignerService, startSignerService } from '../fakes/signer-service.ts';
import { testDatabase } from '../test-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-drill-'));
const socketPath = join(folder, 'socket', 'signer.sock');
const token = 'the token of the web process in this drill';
const { db } = await testDatabase();
const clock = { now: () => new Date() };
const deps = { db, clock, keys: remoteSigner({ socketPath, token, timeoutMs: 5_000 }), publicOrigin: 'http://127.0.0.1:3000' };
const DAY_MS = 86_400_000;
let signer: SignerService;
let certificate: Certificate;

const startSigner = () =>
  startSignerService({
    TONGREN_DATA_DIR: join(folder, 'signer'),
    TONGREN_SECRET: 'the secret of this signer alone, long enough',
    TONGREN_SIGNER_SOCKET: socketPath,
    TONGREN_SIGNER_TOKENS: `web=${join(folder, 'web.token')}`,
  });

const issue = (own = deps) =>
  issueCertificate(own, {
    profile: 'person',
    suite: 'es256',
    subject: { commonName: '张三' },
    spki: generateKeyPair('es256').spki,
    days: 30,
    by: 'system:test',
  });

async function ask(own = deps, about = certificate) {
  const { issuing } = await trustedCertificates(deps);
  const issuer = issuing.find(({ subject }) => Buffer.compare(subject.der, about.issuer.der) === 0) as Certificate;
  const reply = await answerOcsp(own, encodeOcspRequest([encodeCertId(issuerHashes(issuer, 'sha1'), 'sha1', about.serialBytes)]));
  const parsed = parseOcspResponse(reply.der);
  return parsed.status === 'successful' ? parsed.basic.answers[0]?.status.status : parsed;
}

const stamp = (own = deps) => requestTimestamp(own, { imprint: digest('sha256', Buffer.from('x')), digest: 'sha256', suite: 'es256' });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'web.token'), token);
  signer = await startSigner();
  await initialiseAuthorities(deps);
  certificate = (await issue()).certificate;
  expect(await ask()).toBe('good');
  expect(await codeOf(stamp())).toBe('done');
}, 60_000);
afterAll(async () => {
  await signer.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('while the signer is down, kept OCSP answers and lists are served, and whatever needs a signature says so', async () => {
  const before = (await currentCrls(deps)).map(({ number }) => number);
  await signer.stop('SIGKILL');
  expect(await ask()).toBe('good');
  const lists = await currentCrls(deps);
  expect(lists.map(({ number }) => number)).toEqual(before);
  expect(lists.every(({ nextUpdate }) => (nextUpdate?.getTime() ?? 0) > Date.now() + DAY_MS / 2)).toBe(true);
  expect(await codeOf(issue())).toBe('signer-unavailable');
  expect(await codeOf(stamp())).toBe('signer-unavailable');
  expect(await codeOf(publishCrls(deps))).toBe('signer-unavailable');
});

test('a kept answer is served until it ends and no longer', async () => {
  const later = (ms: number) => ({ ...deps, clock: { now: () => new Date(Date.now() + ms) } });
  expect(await ask(later(71 * 3_600_000))).toBe('good');
  expect(await ask(later(73 * 3_600_000))).toMatchObject({ status: 'refused', code: 3 });
});

test('a certificate revoked while the signer is down is not called good any more: the answer is to ask later', async () => {
  const own = certificate;
  await revokeCertificate(deps, { serialHex: own.serialHex, reason: 'key-compromise', by: 'system:test' }).catch(
    (error: { code: string }) => {
      // It is stored; only the list could not be signed.
      expect(error.code).toBe('signer-unavailable');
    },
  );
  expect(await ask()).toMatchObject({ status: 'refused', code: 3 });
});

test('when the signer is back, everything goes on without a restart, and what was left undone is done', async () => {
  signer = await startSigner();
  expect(await ask()).toBe('revoked');
  const { certificate: next } = await issue();
  expect(next.serialHex).not.toBe(certificate.serialHex);
  expect(await codeOf(stamp())).toBe('done');
  await publishCrls(deps);
  const revoked = (await currentCrls(deps)).some((crl) => crl.find(certificate.serialHex) !== undefined);
  expect(revoked).toBe(true);
  await refreshOcspAnswers(deps);
  certificate = next;
  expect(await ask()).toBe('good');
});

test('a signer that restarts between two requests is not noticed', async () => {
  for (let round = 0; round < 3; round++) {
    await signer.stop('SIGTERM');
    signer = await startSigner();
    expect(await codeOf(issue())).toBe('done');
  }
});

test.each([
  ['an hour ahead', 3_600_000],
  ['an hour behind', -3_600_000],
])('a process whose clock is %s gets no time-stamp, no list and no OCSP answer out of the signer', async (_how, ms) => {
  const wrong = { ...deps, clock: { now: () => new Date(Date.now() + ms) } };
  expect(await codeOf(stamp(wrong))).toBe('unavailable');
  expect(await codeOf(publishCrls(wrong))).toBe('signing-refused');
  const { certificate: fresh } = await issue();
  expect(await ask(wrong, fresh)).toMatchObject({ status: 'refused', code: 3 });
  expect(await ask(deps, fresh)).toBe('good');
  // The list that was refused does not stand in the way of the next.
  expect(await codeOf(publishCrls(deps))).toBe('done');
});

test('a time-stamp is refused when the other clock disagrees or is silent', async () => {
  const fresh = () => ({ ...deps, clock: { now: () => new Date() } });
  expect(await codeOf(stamp({ ...fresh(), otherTime: async () => new Date(Date.now() + 5_000) } as typeof deps))).toBe('unavailable');
  expect(await codeOf(stamp({ ...fresh(), otherTime: () => Promise.reject(new Error('silent')) } as typeof deps))).toBe('unavailable');
  expect(await codeOf(stamp(fresh()))).toBe('done');
});

test('the head of the signer’s log is noted in the audit trail, where the signer cannot reach it', async () => {
  await noteLogHead(deps);
  const [noted] = await db.auditEvent.findMany({ where: { kind: 'signer-log-noted' } });
  expect(noted?.detail).toMatchObject({ line: expect.any(Number), head: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) });
  expect(Number((noted?.detail as { line: number } | undefined)?.line)).toBeGreaterThan(20);
});
