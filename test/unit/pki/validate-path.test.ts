import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Certificate } from '#pki/certificate.ts';
import { parseCrl, type RevokedEntry } from '#pki/crl.ts';
import { PROFILES } from '#pki/profiles.ts';
import { type PathQuestion, validatePath } from '#pki/validate-path.ts';
import { type TestEntity, testChain, testCrl, testIssue } from '../../fakes/test-authority.ts';

const at = new Date('2026-06-01T08:00:00Z');
const chains = { 'sm2-sm3': testChain('sm2-sm3'), es256: testChain('es256') };
const { root, issuing, leaf } = chains.es256;

function judge(change: Partial<PathQuestion> = {}) {
  return validatePath({ leaf: leaf.certificate, intermediates: [issuing.certificate], anchors: [root.certificate], at, ...change });
}
const certificates = (...entities: TestEntity[]): Certificate[] => entities.map(({ certificate }) => certificate);

test.each(['sm2-sm3', 'es256'] as const)('%s: a good chain is valid whatever order its certificates come in', (suite) => {
  const chain = chains[suite];
  const noise = certificates(chains.es256.issuing, chains['sm2-sm3'].issuing, chain.leaf, chain.root);
  const result = validatePath({
    leaf: chain.leaf.certificate,
    intermediates: noise,
    anchors: [chain.root.certificate],
    at,
    purpose: 'seal',
  });
  expect(result).toMatchObject({ valid: true, anchored: true, reasons: ['revocation-unknown'] });
  expect(result.path).toEqual(certificates(chain.leaf, chain.issuing, chain.root));
});

test('without its issuer, or with a stranger’s root, there is no path', () => {
  expect(judge({ intermediates: [] })).toMatchObject({ valid: false, anchored: false, reasons: ['no-path-to-anchor'] });
  const stranger = testIssue('es256', undefined, { profile: 'root', days: 3_650 });
  const { reasons } = judge({ anchors: [stranger.certificate] });
  // Of the same name, but with another key than the one the certificate names: it is not its issuer, and no forgery is proven.
  expect([...reasons].sort()).toEqual(['no-path-to-anchor', 'revocation-unknown']);
});

test('a self-signed certificate in the intermediates is not trusted for being self-signed', () => {
  const evil = testChain('es256');
  const result = judge({ leaf: evil.leaf.certificate, intermediates: certificates(evil.issuing, evil.root) });
  expect(result.valid).toBe(false);
  expect(result.reasons).toContain('no-path-to-anchor');
});

test.each([
  ['the second before it begins', '2025-12-31T23:59:59Z', ['not-yet-valid']],
  ['the second it begins', '2026-01-01T00:00:00Z', []],
  ['the last second of its life', '2027-01-01T00:00:00Z', []],
  ['a second later', '2027-01-01T00:00:01Z', ['expired']],
])('a leaf judged at %s', (_what, time, reasons) => {
  expect(judge({ at: new Date(time) }).reasons.filter((reason) => reason !== 'revocation-unknown')).toEqual(reasons);
});

test.each<[string, () => Partial<PathQuestion>, string]>([
  [
    'an issuer that is no authority',
    () => ({ leaf: testIssue('es256', leaf).certificate, intermediates: certificates(issuing, leaf) }),
    'not-a-ca',
  ],
  [
    'an authority below one of path length 0',
    () => {
      const below = testIssue('es256', issuing, { profile: 'issuing', commonName: 'below' });
      return { leaf: testIssue('es256', below).certificate, intermediates: certificates(issuing, below) };
    },
    'path-too-long',
  ],
  [
    'an authority whose key may not sign certificates',
    () => {
      const mute = testIssue('es256', root, { profile: { ...PROFILES.issuing, keyUsage: ['crl-sign'] }, commonName: 'mute' });
      return { leaf: testIssue('es256', mute).certificate, intermediates: certificates(mute) };
    },
    'wrong-key-usage',
  ],
  [
    'an expired authority',
    () => {
      const old = testIssue('es256', root, { profile: 'issuing', commonName: 'old', days: 10 });
      return { leaf: testIssue('es256', old).certificate, intermediates: certificates(old) };
    },
    'expired',
  ],
  [
    'a certificate of a time stamper for a seal',
    () => ({ leaf: testIssue('es256', issuing, { profile: 'timestamp' }).certificate, purpose: 'seal' }),
    'wrong-purpose',
  ],
  ['a seal for time stamps', () => ({ purpose: 'timestamp' }), 'wrong-purpose'],
  ['a seal for OCSP', () => ({ purpose: 'ocsp' }), 'wrong-purpose'],
  ['an authority as a seal', () => ({ leaf: issuing.certificate, purpose: 'seal' }), 'wrong-purpose'],
  ['a seal as an authority', () => ({ purpose: 'ca' }), 'wrong-purpose'],
  [
    'a key for encryption as a seal',
    () => ({
      leaf: testIssue('es256', issuing, { profile: { ...PROFILES.seal, keyUsage: ['key-encipherment'] } }).certificate,
      purpose: 'seal',
    }),
    'wrong-key-usage',
  ],
])('%s is refused', (_what, change, reason) => {
  const result = judge(change());
  expect(result.valid).toBe(false);
  expect(result.reasons).toContain(reason);
});

test('an anchor may be the leaf itself, and is then judged by its own life', () => {
  expect(judge({ anchors: [leaf.certificate], intermediates: [] })).toMatchObject({ valid: true, path: [leaf.certificate] });
  expect(judge({ anchors: [leaf.certificate], at: new Date('2030-01-01T00:00:00Z') }).reasons).toEqual(['expired']);
});

const entry = (certificate: Certificate, revokedAt: string, reason: RevokedEntry['reason'] = 'key-compromise'): RevokedEntry => ({
  serialHex: certificate.serialHex,
  revokedAt: new Date(revokedAt),
  reason,
});

test.each(['sm2-sm3', 'es256'] as const)('%s: lists say good, revoked from a time on, or nothing when they are stale', (suite) => {
  const chain = chains[suite];
  const question = {
    leaf: chain.leaf.certificate,
    intermediates: certificates(chain.issuing),
    anchors: certificates(chain.root),
    requireRevocation: true,
  };
  const rootList = testCrl(chain.root);
  const good = [rootList, testCrl(chain.issuing)];
  expect(validatePath({ ...question, at, crls: good })).toMatchObject({ valid: true, reasons: [], revocation: { status: 'good' } });
  expect(validatePath({ ...question, at: new Date('2026-06-06T00:00:00Z'), crls: good }).reasons).toEqual(['revocation-unknown']);
  expect(validatePath({ ...question, at, crls: [rootList] })).toMatchObject({ valid: false, reasons: ['revocation-unknown'] });
  const revoked = [rootList, testCrl(chain.issuing, [entry(chain.leaf.certificate, '2026-05-29T00:00:00Z')])];
  expect(validatePath({ ...question, at, crls: revoked })).toMatchObject({
    valid: false,
    reasons: ['revoked'],
    revocation: { reason: 'key-compromise' },
  });
  expect(validatePath({ ...question, at: new Date('2026-05-28T23:59:59Z'), crls: revoked }).reasons).not.toContain('revoked');
  const authorityRevoked = [testCrl(chain.root, [entry(chain.issuing.certificate, '2026-05-29T00:00:00Z')]), good[1] ?? rootList];
  expect(validatePath({ ...question, at, crls: authorityRevoked }).reasons).toContain('revoked');
});

test('a stale list still shows a revocation, and a fresh one beside it does not take it back', () => {
  const stale = testCrl(issuing, [entry(leaf.certificate, '2026-01-02T00:00:00Z')], {
    thisUpdate: new Date('2026-01-03T00:00:00Z'),
    nextUpdate: new Date('2026-01-10T00:00:00Z'),
  });
  expect(judge({ crls: [testCrl(issuing), stale] }).reasons).toContain('revoked');
});

test.each<[string, () => ReturnType<typeof testCrl>]>([
  ['of another issuer', () => testCrl(root, [entry(leaf.certificate, '2026-05-01T00:00:00Z')])],
  [
    'with a wrong signature',
    () => {
      const list = testCrl(issuing, [entry(leaf.certificate, '2026-05-01T00:00:00Z')]);
      const der = Uint8Array.from(list.der);
      der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
      return parseCrl(der);
    },
  ],
  ['in the issuer’s name by another key', () => testCrl({ ...issuing, key: leaf.key }, [entry(leaf.certificate, '2026-05-01T00:00:00Z')])],
  [
    'for authorities only',
    () => testCrl(issuing, [entry(leaf.certificate, '2026-05-01T00:00:00Z')], { distributionPoint: { onlyCaCertificates: true } }),
  ],
  [
    'of another partition',
    () =>
      testCrl(issuing, [entry(leaf.certificate, '2026-05-01T00:00:00Z')], {
        distributionPoint: { url: 'http://ca.example.cn/crl/other.crl' },
      }),
  ],
])('a list %s says nothing', (_what, make) => {
  expect(judge({ crls: [make()], requireRevocation: true })).toMatchObject({ valid: false, reasons: ['revocation-unknown'] });
});

test('a list of the partition the certificate points to counts', () => {
  const list = testCrl(issuing, [], { distributionPoint: { url: 'http://ca.example.cn/crl/x.crl', onlyUserCertificates: true } });
  expect(judge({ crls: [list] }).revocation).toMatchObject({ status: 'good' });
});

test('a later list answers for an earlier time only while the certificate was alive, or if expired ones are kept', () => {
  const later = { thisUpdate: new Date('2027-03-01T00:00:00Z'), nextUpdate: new Date('2027-03-08T00:00:00Z') };
  expect(judge({ crls: [testCrl(issuing, [], later)] }).revocation.status).toBe('unknown');
  expect(judge({ crls: [testCrl(issuing, [], { ...later, expiredKeptSince: new Date('2026-01-01T00:00:00Z') })] }).revocation.status).toBe(
    'good',
  );
});

test('a heap of authorities with one name and one another’s signatures ends in bounded work', () => {
  const keys = Array.from({ length: 12 }, () => testIssue('es256', undefined, { profile: 'root', commonName: 'same', days: 1_000 }));
  const crossed = keys.flatMap((subject) =>
    keys
      .filter((issuer) => issuer !== subject)
      .map((issuer) =>
        testIssue('es256', issuer, { profile: { ...PROFILES.root, issuer: 'root' }, commonName: 'same', spki: subject.certificate.spki }),
      ),
  );
  const target = testIssue('es256', keys[0]);
  const started = performance.now();
  const result = judge({ leaf: target.certificate, intermediates: certificates(...crossed) });
  expect(result.valid).toBe(false);
  expect(result.reasons).toContain('work-limit');
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('a leaf with a key of a kind we do not judge gives a reason, not an exception', () => {
  const spki = generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  }).publicKey;
  const entity = testIssue('es256', issuing, { spki });
  expect(judge({ leaf: entity.certificate, purpose: 'seal' })).toMatchObject({ valid: false });
  expect(judge({ leaf: entity.certificate, purpose: 'seal' }).reasons).toContain('unsupported-algorithm');
});
