/** A web server from proof to handshake: it proves its name over HTTP, gets its certificate, and OpenSSL and curl take it for that name alone. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { httpDomainControl } from '#adapters/http-domain-control.ts';
import { checkDomains, listDomainProofs } from '#certificates/check-domains.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { fetchIssued } from '#certificates/find-certificate-request.ts';
import { requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { toPem } from '#pki/pem.ts';
import type { Outbound } from '#ports/outbound.ts';
import { enrolmentWorld } from '../room/certificates/enrolment-world.ts';

const NAME = 'www.shifan-tea.cn';
const folder = mkdtempSync(join(tmpdir(), 'tongren-web-server-'));
const path = (name: string) => join(folder, name);
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
  rmSync(folder, { recursive: true, force: true });
});
const openssl = (...words: string[]) => spawnSync('openssl', words, { cwd: folder, encoding: 'utf8' });
const listen = async (server: ReturnType<typeof createServer>) => {
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};
let tlsPort: number;

beforeAll(async () => {
  const world = await enrolmentWorld(new Date(Date.now() - 3_600_000));
  /** What the owner of the name puts on it. */
  const placed = new Map<string, string>();
  const port = await listen(
    createServer((request, response) => {
      const text = request.headers.host === `${NAME}:80` ? placed.get(request.url ?? '') : undefined;
      response.writeHead(text === undefined ? 404 : 200).end(text);
    }),
  );
  const loopback = allowListedFetch({ hosts: [], allowLoopback: true });
  // The name service of this test: the name is this machine, and its port 80 is the one above.
  const outbound: Outbound = {
    request(request) {
      const { hostname, pathname } = new URL(request.url);
      return loopback.request({ ...request, url: `http://127.0.0.1:${port}${pathname}`, headers: { host: `${hostname}:80` } });
    },
  };
  const deps = { ...world.deps, domains: httpDomainControl(outbound) };
  const by = await world.staff(world.tea.id, 'seal-admin');
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem');
  openssl('req', '-new', '-key', 'key.pem', '-subj', '/', '-out', 'request.csr');
  const csr = openssl('req', '-in', 'request.csr').stdout;
  const { id } = await requestOrganisationCertificate(deps, {
    by,
    csr,
    requestId: world.requestId(),
    profile: 'web-server',
    dnsNames: [NAME],
  });
  expect((await checkDomains(deps, { id, by })).map(({ fault }) => fault)).toEqual(['not-found']);
  for (const { url, content } of await listDomainProofs(deps, id)) placed.set(new URL(url).pathname, `${content}\n`);
  world.clock.advance(10_000);
  expect((await checkDomains(deps, { id, by })).map(({ provenAt }) => provenAt !== undefined)).toEqual([true]);
  await decideCertificateRequest(deps, { id, by: await world.staff(world.city.id, 'operator'), decision: 'approve' });
  const [leaf = '', issuing = '', root = ''] = ((await fetchIssued(deps, id))?.chain ?? []).map(({ der }) => toPem('CERTIFICATE', der));
  for (const [name, text] of Object.entries({ leaf, issuing, root, chain: leaf + issuing })) writeFileSync(path(`${name}.pem`), text);
  tlsPort = await listen(
    createTlsServer({ cert: leaf + issuing, key: readFileSync(path('key.pem')) }, (_request, response) => void response.end('tea')),
  );
}, 60_000);

const verify = (...words: string[]) =>
  openssl('verify', '-x509_strict', '-check_ss_sig', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem', ...words, 'leaf.pem');

test('OpenSSL takes it, strictly, as a server of that name', () => {
  expect(verify('-purpose', 'sslserver', '-verify_hostname', NAME).stdout).toContain('leaf.pem: OK');
});

test.each([
  ['of another name', ['-purpose', 'sslserver', '-verify_hostname', 'shifan-tea.cn'], /hostname mismatch/],
  ['of a name below it', ['-purpose', 'sslserver', '-verify_hostname', `x.${NAME}`], /hostname mismatch/],
  ['as a client', ['-purpose', 'sslclient'], /(?:unsuitable|unsupported) certificate purpose/],
  ['for mail', ['-purpose', 'smimesign'], /(?:unsuitable|unsupported) certificate purpose/],
])('OpenSSL does not take it %s', (_what, words, said) => {
  const run = verify(...words);
  expect(run.stdout + run.stderr).toMatch(said);
  expect(run.status).not.toBe(0);
});

/** Not `spawnSync`: the server is in this very process. */
function curl(host: string): Promise<{ status: number | null; said: string }> {
  const words = [
    '-sS',
    '--max-time',
    '20',
    '--cacert',
    path('root.pem'),
    '--resolve',
    `${host}:${tlsPort}:127.0.0.1`,
    `https://${host}:${tlsPort}/`,
  ];
  const child = spawn('curl', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  return new Promise((done) => child.once('close', (status) => done({ status, said })));
}

test('curl reaches the server under its name, and under no other', async () => {
  expect(await curl(NAME)).toEqual({ status: 0, said: 'tea' });
  const other = await curl('shifan-tea.cn');
  expect(other.said).toMatch(/no alternative certificate subject name matches/);
  expect(other.status).toBe(60);
});
