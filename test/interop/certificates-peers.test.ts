/** Other people's programs judge what our authorities make: OpenSSL and GnuTLS on P-256 whole, OpenSSL link by link on SM2, pkijs and @peculiar/x509 as readers. */
import 'reflect-metadata';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { areaOf, authorityKeyName, listAuthorities } from '#certificates/authorities.ts';
import type { AuthoritySuite } from '#certificates/certificate-deps.ts';
import { findAuthority } from '#certificates/find-authority.ts';
import { findCrl } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { releaseCertificate, revokeCertificate } from '#certificates/revoke-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { type Certificate, parseCertificateFile } from '#pki/certificate.ts';
import { isCrlSignedBy, parseCrlFile } from '#pki/crl.ts';
import { toPem } from '#pki/pem.ts';
import { ISSUING_AREAS, PROFILES, type ProfileName } from '#pki/profiles.ts';
import { validatePath } from '#pki/validate-path.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testDatabase } from '../test-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-peers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { db } = await testDatabase();
// Peers judge by the real time.
const deps = { db, clock: { now: () => new Date() }, keys: memoryKeyStore(), publicOrigin: 'http://127.0.0.1:3000' };
const ID = 'distid:1234567812345678';
const SM2_LEAVES = [
  'organisation',
  'legal-representative',
  'organisation-encryption',
  'seal-maker',
  'seal',
  'code-signer',
  'person',
] as const;
const P256_LEAVES = [
  'organisation',
  'legal-representative',
  'service-client',
  'person-encryption',
  'seal',
  'document-signer',
  'code-signer',
  'service-signer',
  'person',
  'timestamp',
  'ocsp',
] as const;
const issued = new Map<string, Certificate>();

/** Key name of the authority that issues the profile. */
const issuerOf = (profile: ProfileName, suite: AuthoritySuite) => authorityKeyName(areaOf(PROFILES[profile]) ?? 'services', suite);
const file = (name: string) => join(folder, name);
const run = (program: string, ...args: string[]) => {
  const done = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  if (done.error) throw done.error;
  return `${done.stdout}${done.stderr}`;
};

beforeAll(async () => {
  await initialiseAuthorities(deps);
  const make = async (suite: 'sm2-sm3' | 'es256', profile: ProfileName, name = profile as string) => {
    const { certificate } = await issueCertificate(deps, {
      profile,
      suite,
      subject: {
        commonName: '示范市市场监督管理局电子印章',
        organisation: '示范市市场监督管理局',
        uscc: '11110000000000000X',
        province: '示范省',
      },
      spki: generateKeyPair(suite).spki,
      days: Math.min(PROFILES[profile].maxDays, 700),
      by: 'system:test',
      issuerKey: issuerOf(profile, suite),
    });
    const path = `${suite}-${name}`;
    issued.set(path, certificate);
    writeFileSync(file(`${path}.pem`), toPem('CERTIFICATE', certificate.der));
    return certificate;
  };
  for (const profile of SM2_LEAVES) await make('sm2-sm3', profile);
  for (const profile of P256_LEAVES) await make('es256', profile);
  for (const suite of ['sm2-sm3', 'es256'] as const) {
    const { serialHex } = await make(suite, 'seal', 'revoked');
    await revokeCertificate(deps, { serialHex, reason: 'key-compromise', by: 'system:test', invalidityDate: new Date() });
  }
  for (const { keyName: name } of await listAuthorities(deps)) {
    writeFileSync(file(`${name}.pem`), toPem('CERTIFICATE', (await findAuthority(deps, name))?.der ?? new Uint8Array()));
    writeFileSync(file(`${name}.crl`), toPem('X509 CRL', (await findCrl(deps, name))?.der ?? new Uint8Array()));
  }
}, 60_000);

const chainArguments = (profile: ProfileName) => [
  '-CAfile',
  'ca-root-p256.pem',
  '-untrusted',
  `${issuerOf(profile, 'es256')}.pem`,
  '-crl_check_all',
  '-CRLfile',
  `${issuerOf(profile, 'es256')}.crl`,
  '-CRLfile',
  'ca-root-p256.crl',
  '-x509_strict',
];

test.each(P256_LEAVES)('OpenSSL accepts the whole P-256 chain of a %s, strictly and with the lists of both authorities', (profile) => {
  expect(run('openssl', 'verify', ...chainArguments(profile), `es256-${profile}.pem`)).toBe(`es256-${profile}.pem: OK\n`);
});

test('OpenSSL goes by a delta list for what was revoked after its complete list', async () => {
  const before = (await findCrl(deps, 'ca-persons-p256'))?.der ?? new Uint8Array();
  writeFileSync(file('before.crl'), toPem('X509 CRL', before));
  const person = issued.get('es256-person') as Certificate;
  const verify = (...lists: string[]) =>
    run(
      'openssl',
      ...['verify', '-CAfile', 'ca-root-p256.pem', '-untrusted', 'ca-persons-p256.pem', '-crl_check', '-extended_crl', '-use_deltas'],
      ...lists.flatMap((list) => ['-CRLfile', list]),
      'es256-person.pem',
    );
  expect(verify('before.crl')).toContain('OK');
  await revokeCertificate(deps, { serialHex: person.serialHex, reason: 'certificate-hold', by: 'system:test' });
  writeFileSync(file('delta.crl'), toPem('X509 CRL', (await findCrl(deps, 'ca-persons-p256', 'delta'))?.der ?? new Uint8Array()));
  expect(verify('before.crl')).toContain('OK');
  expect(verify('before.crl', 'delta.crl')).toContain('certificate revoked');
  await releaseCertificate(deps, { serialHex: person.serialHex, by: 'system:test' });
  writeFileSync(file('delta.crl'), toPem('X509 CRL', (await findCrl(deps, 'ca-persons-p256', 'delta'))?.der ?? new Uint8Array()));
  expect(verify('before.crl', 'delta.crl')).toContain('OK');
});

test('OpenSSL refuses a revoked certificate in its own words', () => {
  expect(run('openssl', 'verify', ...chainArguments('seal'), 'es256-revoked.pem')).toContain('certificate revoked');
});

test.each([
  ['ca-seals-p256', 'es256-seal'],
  ['ca-root-p256', 'ca-seals-p256'],
])('OpenSSL reads the list of %s: signature, number, reason', (name) => {
  expect(run('openssl', 'crl', '-in', `${name}.crl`, '-noout', '-verify', '-CAfile', `${name}.pem`)).toContain('verify OK');
  const text = run('openssl', 'crl', '-in', `${name}.crl`, '-noout', '-text');
  expect(text).toMatch(/X509v3 CRL Number:/);
  if (name === 'ca-seals-p256') expect(text).toMatch(/Key Compromise/);
});

test.each([
  ['ca-root-sm2', 'ca-root-sm2'],
  ...ISSUING_AREAS.map((area) => ['ca-root-sm2', `ca-${area}-sm2`]),
  ...SM2_LEAVES.map((profile) => [issuerOf(profile, 'sm2-sm3'), `sm2-sm3-${profile}`]),
])('OpenSSL accepts the SM2 link from %s to %s with the default identity, and not without it', (issuer, subject) => {
  const link = ['-partial_chain', '-trusted', `${issuer}.pem`, `${subject}.pem`];
  expect(run('openssl', 'verify', '-vfyopt', ID, ...link)).toBe(`${subject}.pem: OK\n`);
  // A trusted certificate's own signature is not looked at.
  if (issuer !== subject) expect(run('openssl', 'verify', ...link)).toContain('certificate signature failure');
});

test.each(['ca-root-sm2', 'ca-seals-sm2'])('OpenSSL finds the signature of the SM2 list of %s right over the very bytes', (name) => {
  const [crl] = parseCrlFile(Buffer.from(run('cat', `${name}.crl`)));
  if (!crl) throw new Error('no list');
  writeFileSync(file('tbs.bin'), crl.tbs);
  writeFileSync(file('sig.bin'), crl.signature);
  const words = run(
    'openssl',
    'pkeyutl',
    '-verify',
    '-rawin',
    '-digest',
    'sm3',
    '-certin',
    '-inkey',
    `${name}.pem`,
    '-in',
    'tbs.bin',
    '-sigfile',
    'sig.bin',
    '-pkeyopt',
    ID,
  );
  expect(words).toContain('Signature Verified Successfully');
});

test.each(P256_LEAVES)('GnuTLS accepts the P-256 chain of a %s with its list', (profile) => {
  writeFileSync(file('chain.pem'), run('cat', `es256-${profile}.pem`, `${issuerOf(profile, 'es256')}.pem`));
  const words = run(
    'certtool',
    '--verify',
    '--load-ca-certificate',
    'ca-root-p256.pem',
    '--load-crl',
    `${issuerOf(profile, 'es256')}.crl`,
    '--infile',
    'chain.pem',
  );
  expect(words).toContain('Chain verification output: Verified. The certificate is trusted.');
});

test('GnuTLS refuses the revoked one', () => {
  writeFileSync(file('chain.pem'), run('cat', 'es256-revoked.pem', 'ca-seals-p256.pem'));
  expect(
    run('certtool', '--verify', '--load-ca-certificate', 'ca-root-p256.pem', '--load-crl', 'ca-seals-p256.crl', '--infile', 'chain.pem'),
  ).toContain('revoked');
});

test('pkijs and @peculiar/x509 read every certificate and list as we do', async () => {
  for (const certificate of issued.values()) {
    const peer = new x509.X509Certificate(Uint8Array.from(certificate.der));
    expect(peer.serialNumber.toLowerCase()).toBe(certificate.serialHex);
    expect([peer.notBefore, peer.notAfter]).toEqual([certificate.notBefore, certificate.notAfter]);
    expect(peer.subjectName.getField('CN')).toEqual(['示范市市场监督管理局电子印章']);
    const parsed = pkijs.Certificate.fromBER(Uint8Array.from(certificate.der));
    expect(parsed.extensions?.map(({ extnID }) => extnID)).toEqual([...certificate.extensions.keys()]);
    expect(parsed.extensions?.every(({ parsedValue }) => parsedValue === undefined || !('parsingError' in parsedValue))).toBe(true);
  }
  for (const name of ['ca-seals-sm2', 'ca-seals-p256']) {
    const published = await findCrl(deps, name);
    const list = pkijs.CertificateRevocationList.fromBER(Uint8Array.from(published?.der ?? []));
    expect(list.revokedCertificates?.length).toBe(1);
    expect(asn1js.fromBER(Uint8Array.from(published?.der ?? [])).offset).toBe(published?.der.length);
  }
});

test('we judge a chain and a list that OpenSSL made, in both algorithms', () => {
  const configuration = `[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=x\n[root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n[leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=7\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n`;
  writeFileSync(file('o.cnf'), configuration);
  for (const [suite, curve, digest, id] of [
    ['sm2', 'SM2', '-sm3', ['-sigopt', ID]],
    ['p256', 'P-256', '-sha256', []],
  ] as const) {
    const key = (name: string) =>
      run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-out', `${name}.key`);
    key(`o-root-${suite}`);
    key(`o-leaf-${suite}`);
    run(
      'openssl',
      'req',
      '-x509',
      '-new',
      '-key',
      `o-root-${suite}.key`,
      digest,
      ...id,
      '-subj',
      '/CN=o root',
      '-days',
      '100',
      '-config',
      'o.cnf',
      '-extensions',
      'root',
      '-out',
      `o-root-${suite}.crt`,
    );
    run('openssl', 'req', '-new', '-key', `o-leaf-${suite}.key`, digest, ...id, '-subj', '/CN=o leaf', '-config', 'o.cnf', '-out', 'o.csr');
    const verifying = id.length > 0 ? ['-vfyopt', ID] : [];
    run(
      'openssl',
      'x509',
      '-req',
      '-in',
      'o.csr',
      '-CA',
      `o-root-${suite}.crt`,
      '-CAkey',
      `o-root-${suite}.key`,
      '-CAcreateserial',
      digest,
      ...id,
      ...verifying,
      '-days',
      '90',
      '-extfile',
      'o.cnf',
      '-extensions',
      'leaf',
      '-out',
      `o-leaf-${suite}.crt`,
    );
    const read = (name: string) => parseCertificateFile(Buffer.from(run('cat', name)));
    const root = read(`o-root-${suite}.crt`);
    const leaf = read(`o-leaf-${suite}.crt`);
    const question = { leaf, intermediates: [], anchors: [root], at: new Date(Date.now() + 5_000) };
    expect(validatePath(question)).toMatchObject({ valid: true, reasons: ['revocation-unknown'] });
    if (suite === 'sm2') continue;
    writeFileSync(
      file('index.txt'),
      `R\t401231235959Z\t${new Date(Date.now() - 60_000).toISOString().replace(/\D/g, '').slice(2, 14)}Z,keyCompromise\t${leaf.serialHex.toUpperCase()}\tunknown\t/CN=o leaf\n`,
    );
    writeFileSync(file('crlnumber'), '01\n');
    run(
      'openssl',
      'ca',
      '-config',
      'o.cnf',
      '-name',
      'c',
      '-gencrl',
      '-keyfile',
      'o-root-p256.key',
      '-cert',
      'o-root-p256.crt',
      '-out',
      'o.crl',
    );
    const crls = parseCrlFile(Buffer.from(run('cat', 'o.crl')));
    expect(crls.map((crl) => isCrlSignedBy(crl, root))).toEqual([true]);
    expect(validatePath({ ...question, crls })).toMatchObject({
      valid: false,
      reasons: ['revoked'],
      revocation: { reason: 'key-compromise' },
    });
  }
});
