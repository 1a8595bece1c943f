import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { type VerifyCertificateOptions, verifyCertificate } from '#commands/verify-certificate.ts';
import { sequence } from '#crypto/encode-der.ts';
import { signMessage } from '#crypto/suite.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { assembleOcspResponse, encodeResponseData, type OcspStatus } from '#pki/ocsp-encode-response.ts';
import { toPem } from '#pki/pem.ts';
import { altNames, dnsName, type RawEntity, rawAuthority, rawCertificate, rawCrl } from '../../fakes/raw-pki.ts';

const folder = mkdtempSync(join(tmpdir(), 'verify-certificate-'));
afterAll(() => rmSync(folder, { recursive: true }));
process.env['TONGREN_DATA_DIR'] = join(folder, 'no-installation');

const at = new Date('2026-06-01T08:00:00Z');
const root = rawAuthority(undefined, { subject: 'root' });
const issuing = rawAuthority(root, { subject: 'issuing' });
const leaf = rawCertificate(issuing, { subject: 'leaf', extensions: [altNames(dnsName('www.example.cn'))] });

const pem = (...entities: RawEntity[]) => entities.map(({ certificate }) => toPem('CERTIFICATE', certificate.der)).join('\n');
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const files = {
  leaf: file('leaf.pem', pem(leaf)),
  bundle: file('bundle.pem', `some words\n${pem(issuing, root)}`),
  both: file('both.der', Buffer.concat([issuing.certificate.der, root.certificate.der])),
  root: file('root.der', root.certificate.der),
  rootList: file('root.crl', rawCrl(root).der),
  leafList: file('leaf.crl', rawCrl(issuing).der),
  staleRootList: file('stale.crl', rawCrl(root, { nextUpdate: new Date('2026-05-31T00:00:00Z') }).der),
  lists: file('lists.pem', [rawCrl(root), rawCrl(issuing)].map(({ der }) => toPem('X509 CRL', der)).join('')),
  revoking: file('revoking.crl', rawCrl(issuing, { entries: [{ serial: leaf.certificate.serialBytes, reason: 1 }] }).der),
};

let out: string[] = [];
let errors: string[] = [];
beforeEach(() => {
  out = [];
  errors = [];
  vi.spyOn(console, 'log').mockImplementation((line) => out.push(String(line)));
  vi.spyOn(console, 'error').mockImplementation((line) => errors.push(String(line)));
});

function run(change: Partial<VerifyCertificateOptions> = {}, path = files.leaf) {
  const options = { intermediates: [files.bundle], trust: [files.root], crl: [], ocsp: [], policy: [], at, json: true, ...change };
  const code = verifyCertificate(path, options);
  return { code, answer: options.json ? JSON.parse(out.join('\n')) : out.join('\n') };
}

test('a good chain is valid, and not knowing about revocation is told', () => {
  const { code, answer } = run();
  expect(code).toBe(0);
  expect(answer).toMatchObject({ verdict: 'valid', reasons: ['revocation-unknown'] });
  expect(answer.path.map(({ subject }: { subject: string }) => subject)).toEqual(['C=CN, CN=leaf', 'C=CN, CN=issuing', 'C=CN, CN=root']);
});

test('several certificates may stand in one DER file, and the rest of the leaf’s file helps', () => {
  expect(run({ intermediates: [files.both] }).code).toBe(0);
  out = [];
  expect(run({ intermediates: [] }, file('chain.pem', pem(leaf, issuing))).code).toBe(0);
});

test('without a trust file and without an installation nothing is trusted', () => {
  expect(run({ trust: [] })).toMatchObject({
    code: 1,
    answer: { verdict: 'invalid', reasons: expect.arrayContaining(['no-path-to-anchor']) },
  });
});

test('who gives lists wants to know: what they leave open refuses, unless that is waived', () => {
  expect(run({ crl: [files.lists] })).toMatchObject({ code: 0, answer: { reasons: [] } });
  out = [];
  expect(run({ crl: [files.rootList] })).toMatchObject({ code: 1, answer: { reasons: ['revocation-unknown'] } });
  out = [];
  expect(run({ crl: [files.rootList], requireRevocation: false }).code).toBe(0);
  out = [];
  expect(run({ crl: [files.leafList] })).toMatchObject({ code: 0, answer: { reasons: ['revocation-unknown'] } });
  out = [];
  expect(run({ crl: [files.leafList, files.staleRootList] })).toMatchObject({
    code: 1,
    answer: { findings: [{ index: 1, detail: 'crl-stale' }] },
  });
  out = [];
  expect(run({ crl: [files.leafList], requireRevocation: true }).code).toBe(1);
  out = [];
  expect(run({ crl: [files.lists], maxAgeHours: 1 }).code).toBe(1);
});

function ocspFile(name: string, status: OcspStatus, thisUpdate = at): string {
  const certId = encodeCertId(issuerHashes(issuing.certificate, 'sha1'), 'sha1', leaf.certificate.serialBytes);
  const answers = [{ certId, status, thisUpdate, nextUpdate: new Date('2026-06-02T00:00:00Z') }];
  const data = encodeResponseData({ responderSpki: issuing.certificate.spki, producedAt: at, answers });
  return file(name, assembleOcspResponse(data, issuing.key.suite, signMessage(issuing.key, data), []));
}

test('OCSP answers and lists are weighed together: revoked wins, and of hold and good the newer', () => {
  const good = ocspFile('good.ors', { status: 'good' });
  expect(run({ ocsp: [good], crl: [files.rootList] })).toMatchObject({ code: 0, answer: { reasons: [] } });
  out = [];
  expect(run({ ocsp: [good], crl: [files.rootList, files.revoking] })).toMatchObject({ code: 1, answer: { reasons: ['revoked'] } });
  const held = file('held.crl', rawCrl(issuing, { entries: [{ serial: leaf.certificate.serialBytes, reason: 6 }] }).der);
  out = [];
  expect(run({ ocsp: [good], crl: [files.rootList, held] })).toMatchObject({ code: 0 });
  const older = ocspFile('older.ors', { status: 'good' }, new Date('2026-05-29T00:00:00Z'));
  out = [];
  expect(run({ ocsp: [older], crl: [files.rootList, held] })).toMatchObject({ code: 1, answer: { reasons: ['revoked'] } });
  const revoked: OcspStatus = { status: 'revoked', revokedAt: new Date('2026-05-31T00:00:00Z'), reason: 'key-compromise' };
  out = [];
  expect(run({ ocsp: [ocspFile('revoked.ors', revoked)], crl: [files.lists] })).toMatchObject({
    code: 1,
    answer: {
      findings: [{ reason: 'revoked', index: 0, detail: 'key-compromise' }],
      path: [{ revocation: { status: 'revoked' } }, {}, {}],
    },
  });
});

test('host, policy, rules and purpose are asked', () => {
  for (const [change, reason] of [
    [{ host: 'www.example.com' }, 'name-mismatch'],
    [{ policy: ['1.2.3'] }, 'policy-not-acceptable'],
    [{ rules: 'tls' }, 'rules-broken'],
    [{ purpose: 'timestamp' }, 'wrong-purpose'],
  ] as const) {
    out = [];
    expect(run({ ...change, policy: 'policy' in change ? [...change.policy] : [] }).answer.reasons).toContain(reason);
  }
  out = [];
  expect(run({ host: 'www.example.cn', policy: ['1.2.3'], explicitPolicy: false }).code).toBe(0);
});

test('people read it in both languages, each fault under its certificate', () => {
  const { answer } = run({ json: false, at: new Date('2031-01-01T00:00:00Z') });
  expect(answer).toContain('invalid / 无效');
  expect(answer).toMatch(/0 {2}C=CN, CN=leaf\n.*\n.*证书当时已过期。The certificate had expired\./);
});

test('a file that is no certificate gives 2, one that is not there 3, and broken ones beside it are left out with a word', () => {
  expect(run({}, file('text.pem', 'nothing'))).toMatchObject({
    code: 2,
    answer: { verdict: 'invalid', reasons: ['certificate-unreadable'] },
  });
  out = [];
  expect(verifyCertificate(join(folder, 'absent'), { intermediates: [], trust: [], crl: [], ocsp: [], policy: [] })).toBe(3);
  const broken = file('broken.pem', `${toPem('CERTIFICATE', sequence())}${pem(issuing)}`);
  out = [];
  errors = [];
  expect(run({ intermediates: [broken] }).code).toBe(0);
  expect(errors).toEqual([expect.stringContaining('broken.pem')]);
});
