/** Lists in parts, fetched over HTTP from where each certificate says, before OpenSSL and Java: a part speaks about its own and about no other. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findAuthority } from '#certificates/find-authority.ts';
import { findCrl } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { releaseCertificate, revokeCertificate } from '#certificates/revoke-certificate.ts';
import { OID } from '#crypto/oids.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { parseCrlFile } from '#pki/crl.ts';
import { httpAddresses, parseDistributionPoints } from '#pki/general-name.ts';
import { toPem } from '#pki/pem.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { registerCrlRoutes } from '#web/public/crl-routes.ts';
import type { WebContext } from '#web/web-context.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { freePort } from '../free-port.ts';
import { testDatabase } from '../test-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { db } = await testDatabase();
// Peers judge by the real time.
const clock = { now: () => new Date() };
const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const deps = { db, clock, keys: guardedKeyStore(memoryKeyStore(), { clock }), publicOrigin: origin, crlPartitions: { persons: 2 } };
const server = Fastify();
registerCrlRoutes(server, deps as unknown as WebContext);
afterAll(() => server.close());
const file = (name: string) => join(folder, name);
const run = (program: string, ...args: string[]) => {
  const done = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  if (done.error) throw done.error;
  return `${done.stdout}${done.stderr}`;
};
const keep = (name: string, label: string, der: Uint8Array) => {
  writeFileSync(file(`${name}.pem`), toPem(label, der));
  writeFileSync(file(`${name}.der`), der);
};
const addressOf = (certificate: Certificate) => certificate.crlAddresses[0] ?? '';
const certificates = new Map<string, Certificate>();

beforeAll(async () => {
  await initialiseAuthorities(deps);
  await server.listen({ port, host: '127.0.0.1' });
  // One good and one revoked in each part.
  for (let tries = 0; certificates.size < 4 && tries < 200; tries++) {
    const { certificate } = await issueCertificate(deps, {
      profile: 'person',
      suite: 'es256',
      subject: { commonName: '张三' },
      spki: generateKeyPair('es256').spki,
      days: 30,
      by: 'system:test',
    });
    const part = /part-(\d)/.exec(addressOf(certificate))?.[1];
    const name = [`good-${part}`, `revoked-${part}`].find((one) => !certificates.has(one));
    if (!name) continue;
    certificates.set(name, certificate);
    keep(name, 'CERTIFICATE', certificate.der);
    if (name.startsWith('revoked'))
      await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test' });
  }
  keep('root', 'CERTIFICATE', (await findAuthority(deps, 'ca-root-p256'))?.der ?? new Uint8Array());
  keep('issuing', 'CERTIFICATE', (await findAuthority(deps, 'ca-persons-p256'))?.der ?? new Uint8Array());
  keep('root-list', 'X509 CRL', (await findCrl(deps, 'ca-root-p256'))?.der ?? new Uint8Array());
  keep('complete', 'X509 CRL', (await findCrl(deps, 'ca-persons-p256'))?.der ?? new Uint8Array());
  for (const part of ['0', '1']) {
    const address = addressOf(certificates.get(`good-${part}`) as Certificate);
    await keepFrom(address, `part-${part}`);
    await keepFrom(freshestOf(`part-${part}`), `part-${part}-delta`);
  }
}, 60_000);

async function keepFrom(address: string, name: string): Promise<void> {
  const reply = await fetch(address);
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/pkix-crl']);
  keep(name, 'X509 CRL', new Uint8Array(await reply.arrayBuffer()));
}

/** Where the delta of this list is, as the list itself says. */
function freshestOf(name: string): string {
  const value = parseCrlFile(readFileSync(file(`${name}.der`)))[0]?.extensions.get(OID.freshestCrl)?.value ?? new Uint8Array();
  return httpAddresses(parseDistributionPoints(value).flatMap(({ names }) => names))[0] ?? '';
}

test('OpenSSL reads the place of a part, marked critical, and its one entry', () => {
  const text = run('openssl', 'crl', '-in', 'part-1.pem', '-noout', '-text', '-CAfile', 'issuing.pem');
  expect(text).toContain('verify OK');
  expect(text).toMatch(new RegExp(`Issuing Distribution Point: critical\\s+Full Name:\\s+URI:${origin}/crl/ca-persons-p256-part-1.crl`));
  expect(text).toContain(certificates.get('revoked-1')?.serialHex.toUpperCase());
  expect(text).not.toContain(certificates.get('revoked-0')?.serialHex.toUpperCase());
});

describe.each([
  ['plain', []],
  ['with extended CRL support', ['-extended_crl']],
])('OpenSSL verify, %s', (_how, more) => {
  const verify = (leaf: string, ...lists: string[]) =>
    run(
      'openssl',
      ...['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem', '-crl_check', ...more],
      ...lists.flatMap((list) => ['-CRLfile', `${list}.pem`]),
      `${leaf}.pem`,
    );

  test.each(['0', '1'])('judges by part %s what names it', (part) => {
    expect(verify(`good-${part}`, `part-${part}`)).toBe(`good-${part}.pem: OK\n`);
    expect(verify(`revoked-${part}`, `part-${part}`)).toContain('certificate revoked');
    expect(verify(`revoked-${part}`, 'part-0', 'part-1')).toContain('certificate revoked');
    expect(verify(`good-${part}`, 'part-0', 'part-1')).toBe(`good-${part}.pem: OK\n`);
  });

  test('takes no part for another: neither to clear nor to revoke', () => {
    expect(verify('good-0', 'part-1')).toMatch(/[Dd]ifferent CRL scope/);
    expect(verify('revoked-1', 'part-0')).toMatch(/[Dd]ifferent CRL scope/);
  });

  test('judges by the complete list as well, which has them all', () => {
    expect(verify('good-1', 'complete')).toBe('good-1.pem: OK\n');
    expect(verify('revoked-0', 'complete')).toContain('certificate revoked');
    expect(verify('revoked-1', 'complete')).toContain('certificate revoked');
  });
});

describe('OpenSSL with deltas', () => {
  const verify = (leaf: string, ...lists: string[]) =>
    run(
      'openssl',
      ...['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem', '-crl_check', '-extended_crl', '-use_deltas'],
      ...lists.flatMap((list) => ['-CRLfile', `${list}.pem`]),
      `${leaf}.pem`,
    );
  const change = async (leaf: string, act: (serialHex: string) => Promise<unknown>) => {
    // A delta of the same second as its list would have nothing newer to say.
    await new Promise((done) => setTimeout(done, 1_100));
    await act((certificates.get(leaf) as Certificate).serialHex);
    for (const part of ['0', '1']) await keepFrom(freshestOf(`part-${part}`), `now-${part}-delta`);
  };

  test('reads a delta’s place, marked critical and the part’s own, and where it begins', () => {
    const text = run('openssl', 'crl', '-in', 'part-0-delta.pem', '-noout', '-text', '-CAfile', 'issuing.pem');
    expect(text).toContain('verify OK');
    expect(text).toMatch(new RegExp(`Issuing Distribution Point: critical\\s+Full Name:\\s+URI:${origin}/crl/ca-persons-p256-part-0.crl`));
    expect(text).toMatch(/Delta CRL Indicator: critical/);
    expect(text).not.toContain('Freshest CRL');
    const whole = run('openssl', 'crl', '-in', 'part-0.pem', '-noout', '-text');
    expect(whole).toMatch(new RegExp(`Freshest CRL: ?\\s+Full Name:\\s+URI:${origin}/crl/ca-persons-p256-part-0-delta.crl`));
  });

  test('judges a part and its delta as the part alone while nothing is new', () => {
    for (const part of ['0', '1']) {
      expect(verify(`good-${part}`, `part-${part}`, `part-${part}-delta`)).toBe(`good-${part}.pem: OK\n`);
      expect(verify(`revoked-${part}`, `part-${part}`, `part-${part}-delta`)).toContain('certificate revoked');
    }
  });

  test('goes by the delta of its part for a hold after the part, and by the next for its release; by no other part’s', async () => {
    await change('good-0', (serialHex) => revokeCertificate(deps, { serialHex, reason: 'certificate-hold', by: 'system:test' }));
    expect(verify('good-0', 'part-0')).toBe('good-0.pem: OK\n');
    expect(verify('good-0', 'part-0', 'now-0-delta')).toContain('certificate revoked');
    expect(verify('good-0', 'part-0', 'now-1-delta')).toBe('good-0.pem: OK\n');
    expect(verify('good-0', 'part-0', 'part-1', 'now-1-delta')).toBe('good-0.pem: OK\n');
    expect(verify('good-1', 'part-1', 'now-0-delta', 'now-1-delta')).toBe('good-1.pem: OK\n');
    expect(verify('good-0', 'now-0-delta')).not.toContain('OK');
    await keepFrom(addressOf(certificates.get('good-0') as Certificate), 'held-0');
    expect(verify('good-0', 'held-0')).toContain('certificate revoked');
    await change('good-0', (serialHex) => releaseCertificate(deps, { serialHex, by: 'system:test' }));
    expect(verify('good-0', 'held-0', 'now-0-delta')).toBe('good-0.pem: OK\n');
    expect(verify('good-0', 'part-0', 'now-0-delta')).toBe('good-0.pem: OK\n');
  });

  test('agrees with our own command, which takes a part and its delta, and neither alone for more than it is', () => {
    const ours = (leaf: string, ...lists: string[]) => {
      const given = ['--trust', 'root.pem', '--intermediates', 'issuing.pem', '--require-revocation', '--json'];
      const more = ['root-list', ...lists].flatMap((list) => ['--crl', `${list}.pem`]);
      const command = join(import.meta.dirname, '../../src/tongren.js');
      const { verdict, reasons } = JSON.parse(run(process.execPath, command, 'verify-certificate', `${leaf}.pem`, ...given, ...more));
      return [verdict, ...reasons];
    };
    expect(ours('good-0', 'held-0')).toEqual(['invalid', 'revoked']);
    expect(ours('good-0', 'held-0', 'now-0-delta')).toEqual(['valid']);
    expect(ours('good-0', 'held-0', 'now-1-delta')).toEqual(['invalid', 'revoked']);
    expect(ours('revoked-1', 'part-1', 'part-1-delta')).toEqual(['invalid', 'revoked']);
    expect(ours('good-1', 'part-1-delta')).toEqual(['invalid', 'revocation-unknown']);
  }, 60_000);
});

test('Java judges by the part that a certificate names, and by no other', { timeout: 240_000 }, () => {
  const program = join(import.meta.dirname, 'certpath/JudgeByList.java');
  const judge = (lists: string, ...leaves: string[]) =>
    run('java', program, 'root.der', 'issuing.der', lists, ...leaves.map((leaf) => `${leaf}.der`))
      .trim()
      .split('\n');
  const both = judge('root-list.der,part-0.der,part-1.der', 'good-0', 'good-1', 'revoked-0', 'revoked-1');
  expect(both.slice(0, 5)).toEqual(['0 signed', '1 signed', '1 signed', 'valid', 'valid']);
  for (const answer of both.slice(5)) expect(answer).toMatch(/^REVOKED .*KEY_COMPROMISE/);
  for (const answer of judge('root-list.der,part-1.der', 'good-0', 'revoked-0').slice(2))
    expect(answer).toMatch(/^UNDETERMINED_REVOCATION_STATUS/);
  // Java brings no list up to date by a delta: a delta beside its part disturbs nothing, and alone clears nobody.
  const beside = judge(
    'root-list.der,part-0.der,part-0-delta.der,part-1.der,part-1-delta.der',
    'good-0',
    'good-1',
    'revoked-0',
    'revoked-1',
  );
  expect(beside.slice(-4)).toEqual(both.slice(-4));
  for (const answer of judge('root-list.der,part-0-delta.der', 'good-0', 'revoked-0').slice(2))
    expect(answer).toMatch(/^UNDETERMINED_REVOCATION_STATUS/);
});

test('a part that there is not, and one that is written otherwise, are not found', async () => {
  for (const part of ['2', '00', '01', '1000', '-1', 'x', '', '2-delta', '00-delta', '0-delta-delta', '0-', '0-deltas', 'delta']) {
    expect((await fetch(`${origin}/crl/ca-persons-p256-part-${part}.crl`)).status, part).not.toBe(200);
  }
});
