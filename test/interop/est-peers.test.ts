/** EST with clients we did not write: requests made by OpenSSL and GnuTLS, carried by curl, answers taken apart by OpenSSL. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { deviceAuthorities } from '#certificates/device-authorities.ts';
import { registerDevice } from '#certificates/devices.ts';
import { mintEnrolmentToken } from '#certificates/enrolment-token.ts';
import { listCertificateRequests } from '#certificates/find-certificate-request.ts';
import { toPem } from '#pki/pem.ts';
import { createServer } from '#web/create-server.ts';
import type { WebContext } from '#web/web-context.ts';
import { enrolmentWorld } from '../room/certificates/enrolment-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-est-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);
const world = await enrolmentWorld(new Date());
const { deps, clock } = world;
const REALLY_NOW = clock.now();
const DAY_MS = 86_400_000;
let origin = '';

/** Not spawnSync: the server that is asked lives in this process. */
function run(program: string, ...args: string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd: folder });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('error', fail);
    child.on('close', (code) => done({ code, text }));
  });
}

beforeAll(async () => {
  await run(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'tls.key',
    '-out',
    'tls.pem',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  );
  const context = { ...deps, ephemeral: inProcessStore({ clock }), version: 'test' } as unknown as WebContext;
  const { issuing } = await deviceAuthorities(deps);
  const tls = {
    cert: readFileSync(file('tls.pem'), 'utf8'),
    key: readFileSync(file('tls.key'), 'utf8'),
    clientAuthorities: issuing.map(({ der }) => toPem('CERTIFICATE', der)).join(''),
  };
  const server = await createServer(context, { logger: false, tls });
  await server.listen({ port: 0, host: '127.0.0.1' });
  afterAll(() => server.close());
  const address = server.server.address();
  origin = `https://localhost:${typeof address === 'object' ? address?.port : ''}/.well-known/est`;
});

let devices = 0;

async function device(needsApproval = false) {
  const by = await world.staff(world.city.id, 'operator');
  const serialNumber = `KIOSK-${++devices}`;
  const { id } = await registerDevice(deps, { name: '一楼大厅自助终端', serialNumber, organisationId: world.tea.id, needsApproval, by });
  const token = async () => {
    const { username, token } = await mintEnrolmentToken(deps, { deviceId: id, by });
    return `${username}:${token}`;
  };
  return { id, serialNumber, token, by };
}

/** A key and a request of OpenSSL: `name.key`, `name.csr`, and the request in base64 as `name.b64`. */
async function openSslRequest(name: string, subject = '/CN=anything', key?: string) {
  if (key === undefined) await run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  const made = await run(
    'openssl',
    'req',
    '-new',
    '-utf8',
    '-key',
    key ?? `${name}.key`,
    '-subj',
    subject,
    '-outform',
    'DER',
    '-out',
    `${name}.der`,
  );
  if (made.code !== 0) throw new Error(made.text);
  await run('openssl', 'base64', '-in', `${name}.der`, '-out', `${name}.b64`);
}

/** What curl got: status, headers, and the body in a file. */
async function curl(path: string, ...args: string[]) {
  const { text } = await run(
    'curl',
    '-sS',
    '--cacert',
    'tls.pem',
    '-D',
    'headers',
    '-o',
    'body',
    '-w',
    '%{http_code}',
    ...args,
    `${origin}/${path}`,
  );
  return {
    status: Number(text.slice(-3)),
    headers: readFileSync(file('headers'), 'utf8').toLowerCase(),
    body: readFileSync(file('body'), 'utf8'),
    text,
  };
}

const post = (path: string, body: string, ...args: string[]) =>
  curl(path, '-H', 'Content-Type: application/pkcs10', '--data-binary', `@${body}`, ...args);

/** The certificates OpenSSL finds in the last answer, as PEM in the named file. */
async function certificatesInBody(name: string): Promise<string> {
  await run('openssl', 'base64', '-d', '-in', 'body', '-out', `${name}.p7`);
  const { text, code } = await run('openssl', 'pkcs7', '-inform', 'DER', '-in', `${name}.p7`, '-print_certs', '-out', `${name}.pem`);
  if (code !== 0) throw new Error(text);
  return readFileSync(file(`${name}.pem`), 'utf8');
}

/** The subject as `openssl req -subj` wants it. */
async function subjectOf(name: string): Promise<string> {
  const { text } = await run('openssl', 'x509', '-in', `${name}.pem`, '-noout', '-subject', '-nameopt', 'utf8,sname,sep_multiline');
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => (line.trim() ? [`/${line.trim()}`] : []))
    .join('');
}

test('cacerts: OpenSSL finds the authorities in the certs-only answer', async () => {
  const { status, headers } = await curl('cacerts');
  expect(status).toBe(200);
  expect(headers).toContain('content-type: application/pkcs7-mime');
  expect(headers).toContain('content-transfer-encoding: base64');
  const pem = await certificatesInBody('cacerts');
  expect(pem.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect((await curl('devices/cacerts')).status).toBe(200);
  expect((await curl('others/cacerts')).status).toBe(404);
});

test('csrattrs: OpenSSL reads which key and signature are wanted', async () => {
  const { status, headers } = await curl('csrattrs');
  expect([status, headers.includes('content-type: application/csrattrs')]).toEqual([200, true]);
  await run('openssl', 'base64', '-d', '-in', 'body', '-out', 'csrattrs.der');
  const { text } = await run('openssl', 'asn1parse', '-inform', 'DER', '-in', 'csrattrs.der');
  expect(text).toMatch(/id-ecPublicKey[\s\S]*prime256v1[\s\S]*ecdsa-with-SHA256/);
});

describe('simpleenroll', () => {
  test('a request of OpenSSL and a one-time token give a certificate with the registered names, which OpenSSL verifies', async () => {
    const { serialNumber, token } = await device();
    await openSslRequest('first', '/CN=root of all kiosks/O=somebody else');
    const answered = await post('simpleenroll', 'first.b64', '-u', await token());
    expect(answered.status).toBe(200);
    expect(answered.headers).toContain('content-type: application/pkcs7-mime; smime-type=certs-only');
    await certificatesInBody('first');
    const { text } = await run(
      'openssl',
      'x509',
      '-in',
      'first.pem',
      '-noout',
      '-subject',
      '-ext',
      'extendedKeyUsage,keyUsage',
      '-nameopt',
      'utf8',
    );
    expect(text).toContain(`CN=${serialNumber}`);
    expect(text).toContain(`O=${world.tea.name}`);
    expect(text).toContain('TLS Web Client Authentication');
    await curl('cacerts');
    await certificatesInBody('cacerts');
    const verified = await run('openssl', 'verify', '-CAfile', 'cacerts.pem', '-purpose', 'sslclient', 'first.pem');
    expect(verified.text).toContain('first.pem: OK');
  });

  test('a request of GnuTLS as PEM text is taken too', async () => {
    const { token } = await device();
    await run('certtool', '--generate-privkey', '--ecc', '--curve', 'secp256r1', '--outfile', 'gnutls.key');
    writeFileSync(file('gnutls.cfg'), 'cn = "kiosk"\ndns_name = "kiosk.example.cn"\nchallenge_password = "123456"\n');
    const made = await run(
      'certtool',
      '--generate-request',
      '--load-privkey',
      'gnutls.key',
      '--template',
      'gnutls.cfg',
      '--outfile',
      'gnutls.csr',
    );
    expect(made.code).toBe(0);
    expect((await post('simpleenroll', 'gnutls.csr', '-u', await token())).status).toBe(200);
    await certificatesInBody('gnutls');
    const { text } = await run('certtool', '--certificate-info', '--infile', 'gnutls.pem');
    expect(text).toContain('TLS WWW Client');
    expect(text).not.toContain('kiosk.example.cn');
  });

  test('a token serves one key: the same request again is answered again, another key is refused', async () => {
    const { token } = await device();
    const credentials = await token();
    await openSslRequest('once');
    await openSslRequest('twice');
    expect((await post('simpleenroll', 'once.b64', '-u', credentials)).status).toBe(200);
    const first = await certificatesInBody('once');
    expect((await post('simpleenroll', 'once.b64', '-u', credentials)).status).toBe(200);
    expect(await certificatesInBody('again')).toBe(first);
    expect((await post('simpleenroll', 'twice.b64', '-u', credentials)).status).toBe(401);
  });

  test('without a token, or with somebody else’s, curl is asked who it is', async () => {
    const [mine, theirs] = [await device(), await device()];
    await openSslRequest('nobody');
    const asked = await post('simpleenroll', 'nobody.b64');
    expect([asked.status, asked.headers.includes('www-authenticate: basic')]).toEqual([401, true]);
    const token = (await theirs.token()).split(':')[1];
    expect((await post('simpleenroll', 'nobody.b64', '-u', `${mine.id}:${token}`)).status).toBe(401);
    clock.set(new Date(clock.now().getTime() + 7 * DAY_MS));
    expect((await post('simpleenroll', 'nobody.b64', '-u', `${theirs.id}:${token}`)).status).toBe(401);
    clock.set(REALLY_NOW);
  });

  test('an SM2 key is refused with a clear word, and so is a request that is none', async () => {
    const { token } = await device();
    await run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:SM2', '-out', 'sm2.key');
    await run(
      'openssl',
      'req',
      '-new',
      '-key',
      'sm2.key',
      '-sm3',
      '-sigopt',
      'distid:1234567812345678',
      '-subj',
      '/CN=k',
      '-out',
      'sm2.csr',
    );
    const refused = await post('simpleenroll', 'sm2.csr', '-u', await token());
    expect([refused.status, refused.body.includes('P-256')]).toEqual([422, true]);
    writeFileSync(file('junk.b64'), 'AAAA');
    expect((await post('simpleenroll', 'junk.b64', '-u', await token())).status).toBe(422);
  });

  test('202 and Retry-After while a second operator has to decide, then the certificate', async () => {
    const { id, token, by } = await device(true);
    const credentials = await token();
    await openSslRequest('pending');
    const pending = await post('simpleenroll', 'pending.b64', '-u', credentials);
    expect([pending.status, pending.headers.includes('retry-after: 300'), pending.body]).toEqual([202, true, '']);
    const { items } = await listCertificateRequests(deps, { status: 'requested' });
    const request = items.find(({ holder }) => holder.kind === 'device' && holder.deviceId === id);
    await expect(decideCertificateRequest(deps, { id: request?.id ?? '', by, decision: 'approve' })).rejects.toMatchObject({
      code: 'same-person',
    });
    await decideCertificateRequest(deps, { id: request?.id ?? '', by: await world.staff(world.city.id, 'operator'), decision: 'approve' });
    expect((await post('simpleenroll', 'pending.b64', '-u', credentials)).status).toBe(200);
    expect(await certificatesInBody('pending')).toContain('BEGIN CERTIFICATE');
  });
});

describe('simplereenroll', () => {
  async function enrolled(name: string) {
    const { token } = await device();
    await openSslRequest(name);
    await post('simpleenroll', `${name}.b64`, '-u', await token());
    await certificatesInBody(name);
    return subjectOf(name);
  }
  const nearItsEnd = () => clock.set(new Date(REALLY_NOW.getTime() + 350 * DAY_MS));

  test('with the certificate on the TLS connection a device gets one for a new key, once its end is near', async () => {
    const subject = await enrolled('tls-old');
    await openSslRequest('tls-new', subject);
    const shown = ['--cert', 'tls-old.pem', '--key', 'tls-old.key'];
    expect((await post('simplereenroll', 'tls-new.b64', ...shown)).status).toBe(409);
    nearItsEnd();
    const answered = await post('simplereenroll', 'tls-new.b64', ...shown);
    expect([answered.status, answered.body.length > 0]).toEqual([200, true]);
    await certificatesInBody('tls-new');
    const { text } = await run('openssl', 'x509', '-in', 'tls-new.pem', '-noout', '-pubkey');
    expect(text).toBe((await run('openssl', 'pkey', '-in', 'tls-new.key', '-pubout')).text);
    clock.set(REALLY_NOW);
  });

  test('without one the present key signs the request; another key, another subject and a stranger’s certificate are refused', async () => {
    const subject = await enrolled('same');
    nearItsEnd();
    await openSslRequest('stranger', subject);
    expect((await post('simplereenroll', 'stranger.b64')).status).toBe(401);
    expect((await post('simplereenroll', 'stranger.b64', '--cert', 'tls.pem', '--key', 'tls.key')).status).toBe(401);
    await openSslRequest('renamed', '/CN=renamed', 'same.key');
    expect((await post('simplereenroll', 'renamed.b64')).status).toBe(422);
    await openSslRequest('same-again', subject, 'same.key');
    expect((await post('simplereenroll', 'same-again.b64')).status).toBe(200);
    const first = await certificatesInBody('same-again');
    expect((await post('simplereenroll', 'same-again.b64')).status).toBe(200);
    expect(await certificatesInBody('same-once-more')).toBe(first);
    clock.set(REALLY_NOW);
  });
});
