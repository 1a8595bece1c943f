/** OpenSSL and GnuTLS ask our responder and our time-stamp authority over HTTP, and judge what they get. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { authorityKeyName } from '#certificates/authorities.ts';
import { findAuthority } from '#certificates/find-authority.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { findServiceSigner } from '#certificates/service-signer.ts';
import { parseSignedData } from '#crypto/cms.ts';
import { parseDer } from '#crypto/der.ts';
import { digest, generateKeyPair } from '#crypto/suite.ts';
import { judgeTimeStamp } from '#documents/judge-time-stamp.ts';
import { type Certificate, parseCertificateFile } from '#pki/certificate.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { encodeOcspRequest } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { toPem } from '#pki/pem.ts';
import { readTimestampQuery } from '#pki/timestamp-query.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { registerOcspRoutes } from '#web/public/ocsp-routes.ts';
import { registerTsaRoutes } from '#web/public/tsa-routes.ts';
import type { WebContext } from '#web/web-context.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testDatabase } from '../test-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-status-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { db } = await testDatabase();
// Peers judge by the real time.
const clock = { now: () => new Date() };
const deps = { db, clock, keys: guardedKeyStore(memoryKeyStore(), { clock }), publicOrigin: 'http://127.0.0.1:3000' };
const server = Fastify();
const ephemeral = inProcessStore({ clock });
registerOcspRoutes(server, { ...deps, ephemeral } as unknown as WebContext);
registerTsaRoutes(server, { ...deps, ephemeral } as unknown as WebContext);
afterAll(() => server.close());
let origin = '';
const certificates = new Map<string, Certificate>();

const file = (name: string) => join(folder, name);

/** Not spawnSync: the server that is asked lives in this process. */
function run(program: string, ...args: string[]): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd: folder });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('error', fail);
    child.on('close', () => done(text));
  });
}

beforeAll(async () => {
  await initialiseAuthorities(deps);
  origin = await server.listen({ port: 0, host: '127.0.0.1' });
  for (const [suite, label] of [
    ['es256', 'p256'],
    ['sm2-sm3', 'sm2'],
  ] as const) {
    for (const [role, area] of [
      ['root', 'root'],
      ['issuing', 'persons'],
      ['services', 'services'],
    ] as const) {
      const authority = (await findAuthority(deps, authorityKeyName(area, suite))) as Certificate;
      writeFileSync(file(`${role}-${label}.pem`), toPem('CERTIFICATE', authority.der));
    }
    for (const name of ['good', 'revoked']) {
      const { certificate } = await issueCertificate(deps, {
        profile: 'person',
        suite,
        subject: { commonName: '张三' },
        spki: generateKeyPair(suite).spki,
        days: 30,
        by: 'system:test',
      });
      certificates.set(`${name}-${label}`, certificate);
      writeFileSync(file(`${name}-${label}.pem`), toPem('CERTIFICATE', certificate.der));
      if (name === 'revoked') {
        await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test' });
      }
    }
  }
}, 60_000);

const TRUST = ['-CAfile', 'root-p256.pem', '-verify_other', 'issuing-p256.pem'];

describe('OpenSSL as an OCSP client', () => {
  const ask = (certificate: string[], ...more: string[]) =>
    run('openssl', 'ocsp', '-issuer', 'issuing-p256.pem', ...certificate, '-url', `${origin}/ocsp`, ...TRUST, ...more);

  test.each([
    ['with a nonce', []],
    ['without a nonce', ['-no_nonce']],
    ['by SHA-256', ['-sha256', '-cert', 'good-p256.pem', '-no_nonce']],
  ])('a good certificate %s', async (_how, more) => {
    const output = await ask(more.includes('-sha256') ? [] : ['-cert', 'good-p256.pem'], ...more);
    expect(output).toContain('Response verify OK');
    expect(output).toContain('good-p256.pem: good');
    expect(output).not.toMatch(/WARNING|error/i);
  });

  test('a revoked certificate, with the reason', async () => {
    const output = await ask(['-cert', 'revoked-p256.pem']);
    expect(output).toContain('Response verify OK');
    expect(output).toContain('revoked-p256.pem: revoked');
    expect(output).toContain('Reason: keyCompromise');
  });

  test('a serial number we did not issue', async () => {
    const output = await ask(['-serial', '0x4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f']);
    expect(output).toContain('Response verify OK');
    expect(output).toContain(': unknown');
  });

  test('several at once', async () => {
    const output = await ask(['-cert', 'good-p256.pem', '-cert', 'revoked-p256.pem']);
    expect(output).toContain('good-p256.pem: good');
    expect(output).toContain('revoked-p256.pem: revoked');
  });

  test('another authority is refused', async () => {
    const output = await run('openssl', 'ocsp', '-issuer', 'root-p256.pem', '-cert', 'good-p256.pem', '-url', `${origin}/ocsp`, ...TRUST);
    expect(output).toContain('unauthorized (6)');
  });
});

test.each([
  ['good-p256.pem', /good/i],
  ['revoked-p256.pem', /revoked/i],
])('ocsptool of GnuTLS on %s', async (name, status) => {
  const asked = [`--ask=${origin}/ocsp`, '--nonce', '--load-cert', name, '--load-issuer', 'issuing-p256.pem'];
  const output = await run('ocsptool', ...asked, '--load-trust', 'issuing-p256.pem');
  expect(output).toMatch(status);
  expect(output).toMatch(/Verifying OCSP Response: Success|verification: success/i);
});

test('by GET the answer may be cached for moments, so that a revocation is seen within seconds', async () => {
  const issuer = parseCertificateFile(readFileSync(file('issuing-p256.pem')));
  const serial = (certificates.get('good-p256') as Certificate).serialBytes;
  const request = encodeOcspRequest([encodeCertId(issuerHashes(issuer, 'sha1'), 'sha1', serial)]);
  const base64 = Buffer.from(request).toString('base64');
  for (const path of [base64, encodeURIComponent(base64)]) {
    const response = await fetch(`${origin}/ocsp/${path}`);
    expect(response.headers.get('content-type')).toBe('application/ocsp-response');
    expect(response.headers.get('cache-control')).toBe('public, max-age=2, no-transform, must-revalidate');
    expect(Date.parse(response.headers.get('expires') ?? '')).toBeLessThan(Date.now() + 5_000);
    expect(parseOcspResponse(new Uint8Array(await response.arrayBuffer())).status).toBe('successful');
  }
  const damaged = await fetch(`${origin}/ocsp/AAAA`);
  expect(parseOcspResponse(new Uint8Array(await damaged.arrayBuffer()))).toEqual({ status: 'refused', code: 1 });
  expect(damaged.headers.get('cache-control')).toBeNull();
});

test('an SM2 answer verifies with OpenSSL over its very bytes', async () => {
  const issuer = parseCertificateFile(readFileSync(file('issuing-sm2.pem')));
  const serial = (certificates.get('revoked-sm2') as Certificate).serialBytes;
  const body = encodeOcspRequest([encodeCertId(issuerHashes(issuer, 'sm3'), 'sm3', serial)]);
  const response = await fetch(`${origin}/ocsp`, {
    method: 'POST',
    headers: { 'content-type': 'application/ocsp-request' },
    body: Buffer.from(body),
  });
  const parsed = parseOcspResponse(new Uint8Array(await response.arrayBuffer()));
  if (parsed.status !== 'successful') throw new Error('refused');
  writeFileSync(file('sm2.tbs'), parsed.basic.bytes);
  writeFileSync(file('sm2.sig'), parsed.basic.signature);
  writeFileSync(file('sm2-ocsp.pem'), toPem('CERTIFICATE', parsed.basic.certificates[0]?.der ?? new Uint8Array()));
  const sm2 = ['-rawin', '-digest', 'sm3', '-pkeyopt', 'distid:1234567812345678'];
  const verified = await run(
    'openssl',
    'pkeyutl',
    '-verify',
    ...sm2,
    '-certin',
    '-inkey',
    'sm2-ocsp.pem',
    '-in',
    'sm2.tbs',
    '-sigfile',
    'sm2.sig',
  );
  expect(verified).toContain('Signature Verified Successfully');
  expect(parsed.basic.answers[0]?.status.status).toBe('revoked');
});

describe('OpenSSL as a time-stamp client', () => {
  const CHAIN = ['-CAfile', 'root-p256.pem', '-untrusted', 'services-p256.pem'];
  const stamp = async (query: string, reply: string, path = '/tsa') => {
    const body = readFileSync(file(query));
    const response = await fetch(origin + path, { method: 'POST', headers: { 'content-type': 'application/timestamp-query' }, body });
    expect(response.headers.get('content-type')).toBe('application/timestamp-reply');
    writeFileSync(file(reply), Buffer.from(await response.arrayBuffer()));
  };

  test.each(['sha256', 'sha384', 'sha512'])('%s with nonce and certificates', async (name) => {
    writeFileSync(file('data'), 'what existed');
    await run('openssl', 'ts', '-query', '-data', 'data', `-${name}`, '-cert', '-out', `${name}.tsq`);
    await stamp(`${name}.tsq`, `${name}.tsr`);
    expect(await run('openssl', 'ts', '-verify', '-queryfile', `${name}.tsq`, '-in', `${name}.tsr`, ...CHAIN)).toContain(
      'Verification: OK',
    );
    expect(await run('openssl', 'ts', '-verify', '-data', 'data', '-in', `${name}.tsr`, ...CHAIN)).toContain('Verification: OK');
    writeFileSync(file('other'), 'what did not');
    expect(await run('openssl', 'ts', '-verify', '-data', 'other', '-in', `${name}.tsr`, ...CHAIN)).toContain('message imprint mismatch');
    const text = await run('openssl', 'ts', '-reply', '-in', `${name}.tsr`, '-text');
    expect(text).toMatch(/Status: Granted[\s\S]*Accuracy: 0x01 seconds[\s\S]*Ordering: no[\s\S]*Nonce: 0x/);
  });

  test('a reply to a query without -cert carries no certificate, and verifies with ours at hand', async () => {
    await run('openssl', 'ts', '-query', '-data', 'data', '-sha256', '-no_nonce', '-out', 'bare.tsq');
    await stamp('bare.tsq', 'bare.tsr');
    const token = parseDer(readFileSync(file('bare.tsr'))).at(1).bytes;
    expect(parseSignedData(token).certificates).toHaveLength(0);
    const { certificate } = await findServiceSigner(deps, 'timestamp', 'es256');
    writeFileSync(file('with-tsa.pem'), toPem('CERTIFICATE', certificate.der) + readFileSync(file('services-p256.pem'), 'latin1'));
    const output = await run(
      'openssl',
      'ts',
      '-verify',
      '-queryfile',
      'bare.tsq',
      '-in',
      'bare.tsr',
      '-CAfile',
      'root-p256.pem',
      '-untrusted',
      'with-tsa.pem',
    );
    expect(output).toContain('Verification: OK');
  });

  test('a policy that is not ours, and SHA-1, are refused with their codes', async () => {
    await run('openssl', 'ts', '-query', '-data', 'data', '-sha256', '-tspolicy', '1.2.3.4', '-out', 'policy.tsq');
    await stamp('policy.tsq', 'policy.tsr');
    expect(await run('openssl', 'ts', '-reply', '-in', 'policy.tsr', '-text')).toMatch(
      /Rejected[\s\S]*unaccepted policy|policy is not supported/i,
    );
    await run('openssl', 'ts', '-query', '-data', 'data', '-sha1', '-out', 'sha1.tsq');
    await stamp('sha1.tsq', 'sha1.tsr');
    expect(await run('openssl', 'ts', '-reply', '-in', 'sha1.tsr', '-text')).toMatch(
      /Rejected[\s\S]*(unrecognized|unsupported) algorithm/i,
    );
  });

  test('the SM2 authority: the signature verifies with OpenSSL over the signed attributes', async () => {
    const data = Buffer.from('what existed');
    const token = await requestTimestamp(deps, { imprint: digest('sm3', data), digest: 'sm3', suite: 'sm2-sm3' });
    const [signer] = parseSignedData(token).signers;
    writeFileSync(file('tsa.tbs'), signer?.signedAttributesBytes ?? new Uint8Array());
    writeFileSync(file('tsa.sig'), signer?.signature ?? new Uint8Array());
    const { certificate } = await findServiceSigner(deps, 'timestamp', 'sm2-sm3');
    writeFileSync(file('tsa-sm2.pem'), toPem('CERTIFICATE', certificate.der));
    const sm2 = ['-rawin', '-digest', 'sm3', '-pkeyopt', 'distid:1234567812345678'];
    const verified = await run(
      'openssl',
      'pkeyutl',
      '-verify',
      ...sm2,
      '-certin',
      '-inkey',
      'tsa-sm2.pem',
      '-in',
      'tsa.tbs',
      '-sigfile',
      'tsa.sig',
    );
    expect(verified).toContain('Signature Verified Successfully');
  });
});

test('a query and a reply made by OpenSSL are read', () => {
  const vectors = join(import.meta.dirname, '../vectors/tsp');
  const query = readTimestampQuery(readFileSync(join(vectors, 'q.tsq')));
  if ('failure' in query) throw new Error(query.because);
  const data = readFileSync(join(vectors, 'data.pdf'));
  expect(Buffer.from(query.imprint)).toEqual(Buffer.from(digest(query.digest, data)));
  const token = parseDer(readFileSync(join(vectors, 'r.tsr'))).at(1).bytes;
  expect(judgeTimeStamp(token, data, { anchors: [], at: new Date() })).toMatchObject({ verdict: 'untrusted-signer' });
  expect(judgeTimeStamp(token, Buffer.from('x'), { anchors: [], at: new Date() }).reasons).toEqual(['timestamp-over-other-data']);
});
