/** The signer over mutual TLS, as it is deployed, with certificates made by OpenSSL and curl as the stranger at the door. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { importPublicKey, verifyMessage } from '#crypto/suite.ts';
import { decideHeadKey } from '#signer/follow-log-key.ts';
import { type SignerService, startSignerService } from '../fakes/signer-service.ts';
import { freePort } from '../free-port.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-signer-tls-'));
const path = (name: string) => join(folder, name);
const port = await freePort();
const url = `https://localhost:${port}`;
const attributes = encodeSignedAttributes({ messageDigest: new Uint8Array(32) });
let signer: SignerService;

function openssl(...words: string[]): void {
  const run = spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
}

function makeAuthority(name: string): void {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...curve, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '30');
}

function makeCertificate(name: string, subject: string, alternative: string | undefined, authority = 'ca'): void {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', ...curve, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
  writeFileSync(path(`${name}.ext`), alternative ? `subjectAltName=${alternative}\n` : 'basicConstraints=CA:FALSE\n');
  const issuer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...issuer, '-out', `${name}.pem`, '-days', '30', '-extfile', `${name}.ext`);
}

const materialOf =
  (name: string, authority = 'ca') =>
  () => ({
    certificate: readFileSync(path(`${name}.pem`), 'utf8'),
    key: readFileSync(path(`${name}.key`), 'utf8'),
    authority: readFileSync(path(`${authority}.pem`), 'utf8'),
  });
const caller = (name: string, authority?: string) => remoteSigner({ url, material: materialOf(name, authority), timeoutMs: 5_000 });
const curl = (...words: string[]) => spawnSync('curl', ['-sS', '--max-time', '5', ...words], { cwd: folder, encoding: 'utf8' });

const operator = { rules: [], rotateLogKey: true };
const rules = [{ keys: ['seal-*'], purposes: ['cms-attributes'], create: true }];
const policyWith = (callers: object) => JSON.stringify({ version: 1, callers });

beforeAll(async () => {
  makeAuthority('ca');
  makeAuthority('other-ca');
  makeCertificate('server', 'signer', 'DNS:localhost,IP:127.0.0.1');
  makeCertificate('web', 'web', 'DNS:web.tongren.internal');
  makeCertificate('worker', 'worker', undefined);
  makeCertificate('operator', 'operator', undefined);
  makeCertificate('nobody', 'web', 'DNS:nobody.internal');
  makeCertificate('impostor', 'web', 'DNS:web.tongren.internal', 'other-ca');
  writeFileSync(
    path('policy.json'),
    policyWith({ web: { certificates: ['web.tongren.internal'], rules }, worker: { rules: [] }, operator }),
  );
  signer = await startSignerService({
    TONGREN_DATA_DIR: path('data'),
    TONGREN_SECRET: 'the secret of this signer alone, long enough',
    TONGREN_SIGNER_LISTEN: `127.0.0.1:${port}`,
    TONGREN_SIGNER_CERT: path('server.pem'),
    TONGREN_SIGNER_KEY: path('server.key'),
    TONGREN_SIGNER_CA: path('ca.pem'),
    TONGREN_SIGNER_POLICY: path('policy.json'),
  });
}, 60_000);
afterAll(async () => {
  await signer.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a caller known by its certificate makes a key and signs with it', async () => {
  const web = caller('web');
  const key = await web.create('seal-1-p256', 'es256', ['cms-attributes']);
  const signature = await web.sign('seal-1-p256', 'cms-attributes', attributes);
  expect(verifyMessage(importPublicKey(key.spki), attributes, signature)).toBe(true);
  expect((await web.logHead()).head.split('.')).toHaveLength(3);
});

test('another caller of the same CA, known by its common name, gets nothing that is not its own', async () => {
  const worker = caller('worker');
  expect(await worker.find('seal-1-p256')).toBeUndefined();
  await expect(worker.sign('seal-1-p256', 'cms-attributes', attributes)).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(worker.create('seal-2-p256', 'es256', ['cms-attributes'])).rejects.toMatchObject({ code: 'signing-refused' });
});

test('the key of the log is changed for the operator alone, and every caller learns how it follows the one before', async () => {
  const before = await caller('web').logHead();
  for (const other of ['web', 'worker'])
    await expect(caller(other).rotateLogKey({ compromised: false })).rejects.toMatchObject({ code: 'signing-refused' });
  const change = await caller('operator').rotateLogKey({ compromised: false });
  expect(change).toMatchObject({ after: 'signer-log-p256-2', endorsed: true, already: false });
  const after = await caller('web').logHead();
  expect(decideHeadKey([before.spki], after)).toMatchObject({ kind: 'moved', keys: [{}, { name: 'signer-log-p256-2' }] });
  expect(decideHeadKey([before.spki, after.spki], before)).toMatchObject({ kind: 'refused', why: 'older' });
  const body = curl(
    ...['--cacert', 'ca.pem', '--cert', 'operator.pem', '--key', 'operator.key'],
    '-d',
    '{"compromised":"no"}',
    `${url}/log-key/rotate`,
  );
  expect(JSON.parse(body.stdout)).toMatchObject({ code: 'malformed-request' });
});

test('a certificate of the right CA in a name the policy does not know is a stranger, whatever its common name says', async () => {
  await expect(caller('nobody').find('seal-1-p256')).rejects.toMatchObject({ code: 'not-allowed' });
});

test('a certificate of another CA, or none, does not get through the handshake', async () => {
  await expect(caller('impostor').find('seal-1-p256')).rejects.toMatchObject({ code: 'signer-unavailable' });
  const none = curl('--cacert', 'ca.pem', `${url}/key?name=seal-1-p256`);
  expect(none.stdout).toBe('');
  expect(none.status).not.toBe(0);
  const withOne = curl('--cacert', 'ca.pem', '--cert', 'web.pem', '--key', 'web.key', `${url}/key?name=seal-1-p256`);
  expect(JSON.parse(withOne.stdout)).toMatchObject({ key: { name: 'seal-1-p256' } });
});

test('TLS older than 1.3 is not spoken', () => {
  const older = curl('--tls-max', '1.2', '--cacert', 'ca.pem', '--cert', 'web.pem', '--key', 'web.key', `${url}/key?name=seal-1-p256`);
  expect(older.stderr).toMatch(/protocol version|alert/i);
  expect(older.stdout).toBe('');
});

test('a caller does not talk to a signer whose certificate its own CA did not make', async () => {
  await expect(caller('web', 'other-ca').find('seal-1-p256')).rejects.toMatchObject({ code: 'signer-unavailable' });
});

test('the policy is read again on SIGHUP: a caller taken out is a stranger at once, on connections already open too', async () => {
  const web = caller('web');
  await web.sign('seal-1-p256', 'cms-attributes', attributes);
  writeFileSync(path('policy.json'), '{"version":1,"callers":{"web":{"rules":"all"}}}');
  signer.process.kill('SIGHUP');
  await waitUntil(() => signer.output().includes('policy-refused'));
  await web.sign('seal-1-p256', 'cms-attributes', attributes);
  writeFileSync(path('policy.json'), policyWith({ worker: { rules } }));
  signer.process.kill('SIGHUP');
  await waitUntil(() => signer.output().split('policy-taken').length > 2);
  await expect(web.sign('seal-1-p256', 'cms-attributes', attributes)).rejects.toMatchObject({ code: 'not-allowed' });
  await caller('worker').sign('seal-1-p256', 'cms-attributes', attributes);
});

test('a renewed certificate of the signer is taken on SIGHUP without a restart', async () => {
  makeCertificate('renewed', 'signer', 'DNS:localhost', 'other-ca');
  for (const kind of ['pem', 'key']) copyFileSync(path(`renewed.${kind}`), path(`server.${kind}`));
  signer.process.kill('SIGHUP');
  await pause(300);
  const worker = caller('worker', 'other-ca');
  expect(await worker.find('seal-1-p256')).toMatchObject({ name: 'seal-1-p256' });
});

test('strangers are on record, and the log is whole', async () => {
  expect(signer.output()).toContain('"event":"stranger"');
  await signer.stop();
  const run = spawnSync(process.execPath, ['src/tongren.js', 'signer-log', 'verify', path('data/signer-log'), '--json'], {
    encoding: 'utf8',
  });
  expect(JSON.parse(run.stdout)).toMatchObject({ whole: true, heads: 1, headsConfirmed: 1 });
  expect(run.status).toBe(0);
});

async function waitUntil(isSo: () => boolean): Promise<void> {
  for (let left = 100; left > 0 && !isSo(); left--) await pause(50);
  expect(isSo()).toBe(true);
}
