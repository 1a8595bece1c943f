import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DerError } from '#crypto/der.ts';
import { explicit, integer, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type Suite, signMessage } from '#crypto/suite.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { assembleOcspResponse, encodeOcspRefusal, encodeResponseData, type OcspStatus } from '#pki/ocsp-encode-response.ts';
import { judgeOcsp } from '#pki/ocsp-judge.ts';
import { encodeOcspRequest, parseOcspRequest, readOcspPath } from '#pki/ocsp-request.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { type TestEntity, testChain, testIssue } from '../../fakes/test-authority.ts';

const at = new Date('2026-06-01T00:00:00Z');
const nextUpdate = new Date('2026-06-03T00:00:00Z');
const { root, issuing, leaf } = testChain('es256');
const responder = testIssue('es256', issuing, { profile: 'ocsp', notBefore: new Date('2026-05-01T00:00:00Z'), days: 90 });
const certIdOf = (entity: TestEntity, digest: 'sha1' | 'sha256' | 'sm3' = 'sha1', issuer = issuing) =>
  encodeCertId(issuerHashes(issuer.certificate, digest), digest, entity.certificate.serialBytes);

interface Make {
  signer?: TestEntity;
  status?: OcspStatus;
  nonce?: Uint8Array;
  certId?: Uint8Array;
  named?: TestEntity;
  withCertificate?: boolean;
  suite?: Suite;
}

function make({
  signer = responder,
  status = { status: 'good' },
  nonce,
  certId = certIdOf(leaf),
  named = signer,
  withCertificate = true,
}: Make) {
  const data = encodeResponseData({
    responderSpki: named.certificate.spki,
    producedAt: at,
    answers: [{ certId, status, thisUpdate: at, nextUpdate, archiveCutoff: root.certificate.notBefore }],
    ...(nonce ? { nonce } : {}),
  });
  return assembleOcspResponse(data, signer.key.suite, signMessage(signer.key, data), withCertificate ? [signer.certificate.der] : []);
}

function judge(der: Uint8Array, { when = at, nonce }: { when?: Date; nonce?: Uint8Array } = {}) {
  const parsed = parseOcspResponse(der);
  if (parsed.status !== 'successful') throw new Error('refused');
  const question = { certificate: leaf.certificate, issuer: issuing.certificate, responses: [parsed.basic], at: when };
  return judgeOcsp(nonce ? { ...question, nonce } : question);
}

describe('requests', () => {
  test('a request comes back as it was written', () => {
    const nonce = Buffer.alloc(32, 7);
    const request = parseOcspRequest(encodeOcspRequest([certIdOf(leaf), certIdOf(leaf, 'sm3')], nonce));
    expect(request.questions.map(({ digest, serialHex }) => [digest, serialHex])).toEqual([
      ['sha1', leaf.certificate.serialHex],
      ['sm3', leaf.certificate.serialHex],
    ]);
    expect(Buffer.from(request.nonce ?? [])).toEqual(nonce);
  });

  test.each([0, 129])('a nonce of %i octets is refused', (octets) => {
    expect(() => parseOcspRequest(encodeOcspRequest([certIdOf(leaf)], new Uint8Array(octets)))).toThrow(DerError);
  });

  test.each([1, 128])('a nonce of %i octets is taken', (octets) => {
    expect(parseOcspRequest(encodeOcspRequest([certIdOf(leaf)], new Uint8Array(octets))).nonce).toHaveLength(octets);
  });

  test.each([
    ['no question', encodeOcspRequest([])],
    ['21 questions', encodeOcspRequest(Array.from({ length: 21 }, () => certIdOf(leaf)))],
    ['more octets than allowed', encodeOcspRequest(Array.from({ length: 200 }, () => certIdOf(leaf)))],
    ['octets after the end', Buffer.concat([encodeOcspRequest([certIdOf(leaf)]), Buffer.of(0)])],
    ['another version', sequence(sequence(explicit(0, integer(1)), sequence(sequence(certIdOf(leaf)))))],
    [
      'an unknown critical extension',
      sequence(
        sequence(
          sequence(sequence(certIdOf(leaf))),
          explicit(2, sequence(sequence(oid('1.2.3.4'), Uint8Array.of(1, 1, 0xff), octetString(new Uint8Array(1))))),
        ),
      ),
    ],
  ])('a request with %s is refused', (_what, der) => {
    expect(() => parseOcspRequest(der)).toThrow(DerError);
  });

  test('a GET address is read with and without URL-encoded characters', () => {
    const der = encodeOcspRequest([certIdOf(leaf)]);
    const base64 = Buffer.from(der).toString('base64');
    expect(Buffer.from(readOcspPath(base64))).toEqual(Buffer.from(der));
    expect(Buffer.from(readOcspPath(encodeURIComponent(base64)))).toEqual(Buffer.from(der));
    for (const text of ['%', 'a b', '', 'ä']) expect(() => readOcspPath(text)).toThrow(DerError);
  });
});

describe('judging', () => {
  test('a good answer of the delegate is believed', () => {
    expect(judge(make({}))).toEqual({ revocation: { status: 'good', asOf: at }, faults: [] });
  });

  test('an answer signed by the authority itself is believed without a certificate', () => {
    expect(judge(make({ signer: issuing, withCertificate: false })).revocation.status).toBe('good');
  });

  test.each(['sha256', 'sm3'] as const)('a CertID of %s is recognised', (digest) => {
    expect(judge(make({ certId: certIdOf(leaf, digest) })).revocation.status).toBe('good');
  });

  test('SM2 throughout', () => {
    const chain = testChain('sm2-sm3');
    const own = testIssue('sm2-sm3', chain.issuing, { profile: 'ocsp', days: 90, notBefore: new Date('2026-05-01T00:00:00Z') });
    const parsed = parseOcspResponse(make({ signer: own, certId: certIdOf(chain.leaf, 'sm3', chain.issuing) }));
    if (parsed.status !== 'successful') throw new Error('refused');
    const { certificate } = chain.leaf;
    expect(judgeOcsp({ certificate, issuer: chain.issuing.certificate, responses: [parsed.basic], at }).revocation.status).toBe('good');
  });

  test('a revocation is told with time and reason, and does not go stale', () => {
    const revokedAt = new Date('2026-05-20T00:00:00Z');
    const der = make({ status: { status: 'revoked', revokedAt, reason: 'superseded' } });
    const revocation = { status: 'revoked', revokedAt, reason: 'superseded', asOf: at };
    expect(judge(der).revocation).toEqual(revocation);
    expect(judge(der, { when: new Date('2027-01-01T00:00:00Z') }).faults).toEqual(['responder-not-valid']);
    expect(judge(der, { when: new Date('2026-07-01T00:00:00Z') }).revocation).toEqual(revocation);
    expect(judge(der, { when: new Date('2026-05-19T00:00:00Z') }).revocation).toEqual({ status: 'unknown' });
  });

  test('"unknown" leaves the status unknown', () => {
    expect(judge(make({ status: { status: 'unknown' } })).revocation).toEqual({ status: 'unknown' });
  });

  test.each([
    [
      'a responder of another authority',
      make({ signer: testIssue('es256', root, { profile: 'ocsp', days: 90 }) }),
      'responder-not-authorised',
    ],
    [
      'a certificate that is not for OCSP',
      make({ signer: testIssue('es256', issuing, { profile: 'timestamp' }) }),
      'responder-not-authorised',
    ],
    ['an expired responder', make({ signer: testIssue('es256', issuing, { profile: 'ocsp', days: 90 }) }), 'responder-not-valid'],
    ['a stranger’s signature', make({ signer: testIssue('es256', issuing, { profile: 'ocsp' }), named: responder }), 'responder-not-found'],
    ['an answer about another certificate', make({ certId: certIdOf(responder) }), 'other-certificate'],
    ['a responder that is not there', make({ withCertificate: false }), 'responder-not-found'],
  ])('%s is not believed', (_what, der, fault) => {
    expect(judge(der)).toEqual({ revocation: { status: 'unknown' }, faults: [fault] });
  });

  test('a changed octet breaks the signature', () => {
    const der = Buffer.from(make({}));
    const place = der.indexOf(Buffer.from('20260603', 'latin1'));
    der.write('2027', place, 'latin1');
    expect(judge(der).faults).toEqual(['bad-signature']);
  });

  test.each([
    ['the second it ends', '2026-06-03T00:05:00Z', []],
    ['a second later', '2026-06-03T00:05:01Z', ['stale']],
    ['before it was made', '2026-05-31T23:54:59Z', ['not-yet-valid']],
  ])('freshness: %s', (_when, when, faults) => {
    expect(judge(make({}), { when: new Date(when) }).faults).toEqual(faults);
  });

  test('a nonce must be the one that was sent', () => {
    const nonce = Buffer.alloc(16, 1);
    expect(judge(make({ nonce }), { nonce }).revocation.status).toBe('good');
    expect(judge(make({ nonce: Buffer.alloc(16, 2) }), { nonce }).faults).toEqual(['nonce-differs']);
    expect(judge(make({}), { nonce }).faults).toEqual(['nonce-differs']);
  });

  test('a refusal is read with its number', () => {
    expect(parseOcspResponse(encodeOcspRefusal('unauthorized'))).toEqual({ status: 'refused', code: 6 });
  });
});

describe('damaged bytes end in a value or a DerError', () => {
  const mutated = (seed: Uint8Array) =>
    fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }).map((edits) => {
      const bytes = Uint8Array.from(seed);
      for (const [place, value] of edits) bytes[place] = value;
      return bytes;
    });
  const onlyDerErrors = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(DerError);
    }
  };

  test('requests', () => {
    const seed = encodeOcspRequest([certIdOf(leaf), certIdOf(leaf, 'sha256')], Buffer.alloc(20, 3));
    fc.assert(
      fc.property(mutated(seed), (bytes) => onlyDerErrors(() => parseOcspRequest(bytes))),
      { numRuns: 2_000, seed: 41 },
    );
  });

  test('responses, read and judged', () => {
    const seed = make({ nonce: Buffer.alloc(20, 3), status: { status: 'revoked', revokedAt: at, reason: 'superseded' } });
    fc.assert(
      fc.property(mutated(seed), (bytes) =>
        onlyDerErrors(() => parseOcspResponse(bytes).status === 'successful' && judge(bytes, { nonce: Buffer.alloc(20, 3) })),
      ),
      { numRuns: 2_000, seed: 42 },
    );
  });
});

test('our OIDs are those of RFC 6960', () => {
  expect([OID.ocspBasic, OID.ocspNonce, OID.ocspArchiveCutoff]).toEqual([
    '1.3.6.1.5.5.7.48.1.1',
    '1.3.6.1.5.5.7.48.1.2',
    '1.3.6.1.5.5.7.48.1.6',
  ]);
});
