import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { OID } from '#crypto/oids.ts';
import { digest, importPublicKey, verifyMessage } from '#crypto/suite.ts';
import { encodeMessageImprint } from '#pki/timestamp-query.ts';
import { encodeTstInfo } from '#pki/timestamp-token.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { serveSigner } from '#signer/serve-signer.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testName } from '../../fakes/test-authority.ts';
import { testClock } from '../../fakes/test-clock.ts';

const base = mkdtempSync(join(tmpdir(), 'tongren-signer-'));
const socketPath = join(base, 'socket', 'signer.sock');
const token = 'a-token-of-this-test-with-enough-characters';
const attributes = encodeSignedAttributes({ messageDigest: new Uint8Array(32) });
const remote = remoteSigner({ socketPath, token, timeoutMs: 5_000 });
const output: string[] = [];
let child: ChildProcess;

function startSigner(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('../../fakes/signer-process.ts', import.meta.url));
  const started = spawn(process.execPath, [script, join(base, 'keys'), socketPath, token], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((done, fail) => {
    started.once('exit', () => fail(new Error('the signer ended')));
    started.stdout?.on('data', (chunk: Buffer) => {
      output.push(chunk.toString());
      if (chunk.toString().includes('listening')) done(started);
    });
  });
}

const stop = (process: ChildProcess, signal: NodeJS.Signals = 'SIGTERM') =>
  new Promise<void>((done) => {
    process.once('exit', () => done());
    process.kill(signal);
  });

beforeAll(async () => {
  child = await startSigner();
});
afterAll(async () => {
  await stop(child);
  rmSync(base, { recursive: true, force: true });
});

/** A bare HTTP request, as a stranger on the same machine could make it. */
function bare(method: string, path: string, headers: Record<string, string>, body?: string): Promise<{ status: number; body: string }> {
  return new Promise((done, fail) => {
    const outgoing = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, body: text }));
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}
const authorization = { authorization: `Bearer ${token}` };

test('a key is made, found and used in another process, and its secret never leaves it', async () => {
  const key = await remote.create('seal-1-p256', 'es256', ['cms-attributes']);
  expect(await remoteSigner({ socketPath, token }).find('seal-1-p256')).toEqual(key);
  const signature = await remote.sign('seal-1-p256', 'cms-attributes', attributes);
  expect(verifyMessage(importPublicKey(key.spki), attributes, signature)).toBe(true);
  const found = await bare('GET', '/key?name=seal-1-p256', authorization);
  expect(Object.keys(JSON.parse(found.body).key).sort()).toEqual(['name', 'purposes', 'spki', 'suite']);
});

test('a key is retired over the wire once its successor is there, and what the caller remembered of it is asked for anew', async () => {
  const made = await remote.create('seal-7-p256', 'es256', ['cms-attributes']);
  await expect(remote.retire('seal-7-p256', 'seal-7-p256-2')).rejects.toMatchObject({
    code: 'signing-refused',
    detail: 'no successor is in use',
  });
  await remote.create('seal-7-p256-2', 'es256', ['cms-attributes']);
  await remote.retire('seal-7-p256', 'seal-7-p256-2');
  expect(await remote.find('seal-7-p256')).toEqual({ ...made, retired: true });
  await expect(remote.sign('seal-7-p256', 'cms-attributes', attributes)).rejects.toMatchObject({ code: 'key-retired' });
});

test('misuse is refused over the wire as it is in process', async () => {
  await expect(remote.sign('seal-1-p256', 'cms-attributes', Buffer.from('hello'))).rejects.toMatchObject({
    code: 'signing-refused',
    detail: expect.stringContaining('SET'),
  });
  await expect(remote.sign('seal-1-p256', 'code', attributes)).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(remote.sign('nobody', 'code', attributes)).rejects.toMatchObject({ code: 'key-not-found' });
  await expect(remote.create('seal-1-p256', 'es256', ['cms-attributes'])).rejects.toMatchObject({ code: 'key-exists' });
  await expect(remote.create('evil', 'es256', ['certificate'])).rejects.toMatchObject({ code: 'signing-refused' });
  expect(await remote.find('evil')).toBeUndefined();
  expect(await remote.find('../folder')).toBeUndefined();
});

test.each([
  ['no token', {}],
  ['another token', { authorization: `Bearer ${token.replace('a', 'b')}` }],
  ['a part of the token', { authorization: `Bearer ${token.slice(0, -1)}` }],
  ['an empty token', { authorization: 'Bearer ' }],
])('a request with %s is refused before anything is read', async (_what, headers) => {
  expect(await bare('GET', '/key?name=seal-1-p256', headers)).toEqual({ status: 401, body: '{"code":"not-allowed"}' });
  await expect(remoteSigner({ socketPath, token: 'wrong' }).find('seal-1-p256')).rejects.toMatchObject({ code: 'not-allowed' });
});

test.each([
  ['an unknown route', 'GET', '/keys', undefined, 404, 'not-found'],
  ['a key that is not JSON', 'POST', '/key', 'hello', 400, 'malformed-request'],
  ['a key of an unknown suite', 'POST', '/key', '{"name":"x","suite":"md5","purposes":["code"]}', 400, 'malformed-request'],
  ['a key with further members', 'POST', '/key', '{"name":"x","suite":"es256","purposes":["code"],"pkcs8":"AA"}', 400, 'malformed-request'],
])('%s is refused', async (_what, method, path, body, status, code) => {
  expect(await bare(method, path, authorization, body)).toMatchObject({ status, body: expect.stringContaining(`"code":"${code}"`) });
});

test('a structure beyond the limit is refused without being kept', async () => {
  const huge = 'x'.repeat(33 * 1024 * 1024);
  const answer = await bare('POST', '/sign?key=seal-1-p256&purpose=cms-attributes', authorization, huge).catch((error: Error) => error);
  expect(answer instanceof Error || answer.status === 413).toBe(true);
  expect(
    verifyMessage(
      importPublicKey((await remote.find('seal-1-p256'))?.spki ?? new Uint8Array()),
      attributes,
      await remote.sign('seal-1-p256', 'cms-attributes', attributes),
    ),
  ).toBe(true);
});

test('a signer that was killed and started again serves the same keys over kept connections', async () => {
  const before = await remote.find('seal-1-p256');
  await stop(child, 'SIGKILL');
  await expect(remoteSigner({ socketPath, token }).find('seal-1-p256')).rejects.toMatchObject({ code: 'signer-unavailable' });
  child = await startSigner();
  expect(await remoteSigner({ socketPath, token }).find('seal-1-p256')).toEqual(before);
  await remote.sign('seal-1-p256', 'cms-attributes', attributes);
});

test('a second signer does not take the place of one that is listening', async () => {
  const store = guardedKeyStore(memoryKeyStore(), { clock: testClock() });
  await expect(serveSigner(store, { socketPath, token })).rejects.toThrow(/Another signer/);
});

test('folder and socket are for their user alone, and an open folder or a short token stops the start', async () => {
  expect(statSync(join(base, 'socket')).mode & 0o777).toBe(0o700);
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  const store = guardedKeyStore(memoryKeyStore(), { clock: testClock() });
  const open = join(base, 'open');
  mkdirSync(open);
  chmodSync(open, 0o755);
  await expect(serveSigner(store, { socketPath: join(open, 's.sock'), token })).rejects.toThrow(/open to others/);
  await expect(serveSigner(store, { socketPath: join(base, 'other', 's.sock'), token: 'short' })).rejects.toThrow(/at least 32/);
  expect(existsSync(join(base, 'other'))).toBe(false);
  expect(readdirSync(open)).toEqual([]);
});

test('each use is on record in the signer’s log, which never holds the token', () => {
  const log = output.join('');
  expect(log).toContain('"event":"key-created","caller":"service","key":"seal-1-p256"');
  expect(log).toContain('"event":"signed","caller":"service","key":"seal-1-p256","purpose":"cms-attributes"');
  expect(log).toContain('"event":"refused"');
  expect(log).not.toContain(token);
});

test('what a structure names by digest goes beside it: a time-stamp is signed in the other process', async () => {
  const tsa = await remote.create('tsa-p256', 'es256', ['timestamp']);
  const info = encodeTstInfo({
    imprintDer: encodeMessageImprint('sha256', new Uint8Array(32)),
    serial: new Uint8Array(16).fill(0x41),
    at: new Date(),
    tsaName: testName('tsa'),
  });
  const toSign = encodeSignedAttributes({
    contentType: OID.timeStampInfo,
    messageDigest: digest('sha256', info),
    signingCertificate: { digestName: 'sha256', digest: new Uint8Array(32) },
  });
  const signature = await remote.sign('tsa-p256', 'timestamp', toSign, info);
  expect(verifyMessage(importPublicKey(tsa.spki), toSign, signature)).toBe(true);
  await expect(remote.sign('tsa-p256', 'timestamp', toSign)).rejects.toMatchObject({ code: 'signing-refused' });
});
