import { describe, expect, test } from 'vitest';
import { addDocumentTimestamp } from '#documents/pdf/add-validation-data.ts';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { RevisedFile } from '#documents/pdf/revised-file.ts';
import type { OcspStatus } from '#pki/ocsp-encode-response.ts';
import { parseOcspRequest } from '#pki/ocsp-request.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { ocspResponse } from '#test/fakes/ocsp-response.ts';
import { appendUpdate, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, check, NOW, patch, seal, sealedOnce, sealer } from './sealed-pdf.ts';

const at = (text: string) => new Date(text);
const shortTsa = authority.issue('timestamp', { commonName: '第一时间戳', notAfter: at('2027-06-01T00:00:00Z') });
const longTsa = authority.issue('timestamp', { commonName: '第二时间戳', notAfter: at('2031-06-01T00:00:00Z') });
const firstStamp = timestampAuthority(shortTsa, () => at('2026-11-21T03:00:02Z'));
const renewal = (time: string) => timestampAuthority(longTsa, () => at(time));
const revoked = (serialHex: string, revokedAt: string) =>
  authority.crl([{ serialHex, revokedAt: at(revokedAt) }], at('2027-01-02T00:00:00Z'), at('2032-01-01T00:00:00Z'));
const clean = authority.crl([], at('2026-11-21T03:30:00Z'), at('2032-01-01T00:00:00Z'));

async function archived(pdf: Uint8Array, time: string): Promise<Uint8Array> {
  const file = new RevisedFile(pdf);
  await addDocumentTimestamp(file, renewal(time), 'sha256');
  return file.bytes;
}

const stamped = await seal(handMadePdf(), { timestamp: firstStamp });
const indications = (pdf: Uint8Array, changes: Parameters<typeof check>[1]) =>
  check(pdf, changes).signatures.map(({ indication, subIndication }) => [indication, subIndication].filter(Boolean).join('/'));

describe('what a timestamp proves stays proven', () => {
  test('a signer revoked after the proven time stays TOTAL-PASSED, one revoked before it does not', () => {
    const options = (revokedAt: string) => ({ crls: [revoked(sealer.certificate.serialHex, revokedAt)], at: at('2027-02-01T00:00:00Z') });
    expect(indications(stamped, options('2027-01-01T00:00:00Z'))).toEqual(['TOTAL-PASSED']);
    expect(check(stamped, options('2027-01-01T00:00:00Z')).signatures[0]?.reasons).toContain('signer-revoked-later');
    expect(indications(stamped, options('2026-11-21T02:00:00Z'))).toEqual(['INDETERMINATE/REVOKED_NO_POE']);
    expect(check(stamped, options('2026-11-21T02:00:00Z')).verdict).toBe('not-valid');
  });

  test('an authority revoked later takes its timestamp away, unless another one covered it before', async () => {
    const options = { crls: [revoked(shortTsa.certificate.serialHex, '2027-01-01T00:00:00Z')], at: at('2027-02-01T00:00:00Z') };
    expect(check(stamped, options).verdict).toBe('not-valid');
    const kept = check(await archived(stamped, '2026-12-01T00:00:00Z'), options);
    expect(kept.verdict).toBe('genuine');
    expect(kept.signatures[0]?.time.proven).toBe('2026-11-21T03:00:02.000Z');
    expect(check(await archived(stamped, '2027-01-15T00:00:00Z'), options).verdict).toBe('not-valid');
  });

  test('timestamps form a chain: each is judged as of the one over it', async () => {
    const middle = new RevisedFile(stamped);
    await addDocumentTimestamp(
      middle,
      timestampAuthority(shortTsa, () => at('2026-12-01T00:00:00Z')),
      'sha256',
    );
    const both = await archived(middle.bytes, '2027-01-01T00:00:00Z');
    const options = { crls: [revoked(shortTsa.certificate.serialHex, '2027-01-01T12:00:00Z')], at: at('2028-01-01T00:00:00Z') };
    expect(check(middle.bytes, options).verdict).toBe('not-valid');
    expect(check(both, options).signatures.map(({ verdict }) => verdict)).toEqual(['genuine', 'genuine', 'genuine']);
  });

  test('years later, renewed in time it is TOTAL-PASSED; not renewed, the verdict stands and the proof is said to have ended', async () => {
    const late = { crls: [clean], at: at('2030-01-01T00:00:00Z') };
    expect(indications(await archived(stamped, '2027-05-01T00:00:00Z'), late)).toEqual(['TOTAL-PASSED', 'TOTAL-PASSED']);
    expect(indications(stamped, late)).toEqual(['INDETERMINATE/OUT_OF_BOUNDS_NO_POE']);
    expect(check(stamped, late).signatures[0]?.reasons).toContain('timestamp-not-renewed');
    expect(check(stamped, late).verdict).toBe('genuine');
  });

  test('a document timestamp alone proves the time of a signature that has none of its own', async () => {
    const report = check(await archived(await seal(handMadePdf()), '2026-11-21T03:10:00Z'));
    expect(report.signatures[0]).toMatchObject({ form: 'pades-t', time: { proven: '2026-11-21T03:10:00.000Z' } });
  });

  test('a token that is later than the one over it contradicts it', async () => {
    const file = new RevisedFile(await seal(handMadePdf(), { timestamp: firstStamp }));
    await addDocumentTimestamp(
      file,
      timestampAuthority(longTsa, () => at('2026-11-21T02:00:00Z')),
      'sha256',
    );
    const [first] = check(file.bytes).signatures;
    expect(first).toMatchObject({ verdict: 'not-valid', indication: 'INDETERMINATE', subIndication: 'TIMESTAMP_ORDER_FAILURE' });
    expect(first?.reasons).toContain('timestamp-order');
  });

  test('a timestamp of an authority nobody trusts proves nothing about what it covers', async () => {
    const stranger = new DocumentAuthority({ suite: 'es256', name: '别处' }).issue('timestamp');
    const file = new RevisedFile(await seal(handMadePdf()));
    await addDocumentTimestamp(
      file,
      timestampAuthority(stranger, () => at('2026-11-21T03:10:00Z')),
      'sha256',
    );
    const [first, second] = check(file.bytes).signatures;
    expect(first?.time.proven).toBeNull();
    expect(second).toMatchObject({ indication: 'INDETERMINATE', subIndication: 'NO_CERTIFICATE_CHAIN_FOUND' });
  });
});

describe('the words of EN 319 102-1', () => {
  test.each([
    ['whole and trusted', async () => seal(handMadePdf()), { crls: [clean] }, 'TOTAL-PASSED'],
    ['revocation not to be learnt', async () => seal(handMadePdf()), {}, 'INDETERMINATE/TRY_LATER'],
    ['a byte flipped', async () => patch(await sealedOnce(), '(Sample)', '(Simple)'), {}, 'TOTAL-FAILED/HASH_FAILURE'],
    ['no anchor', async () => sealedOnce(), { anchors: [] }, 'INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND'],
    [
      'expired since, by claim only',
      async () => sealedOnce(),
      { at: at('2030-01-01T00:00:00Z'), crls: [clean] },
      'INDETERMINATE/OUT_OF_BOUNDS_NO_POE',
    ],
    [
      'a page replaced later',
      async () => appendUpdate(await sealedOnce(), { objects: { 4: '<</Length 4>>\nstream\nQ Q \nendstream' } }),
      {},
      'TOTAL-FAILED/FORMAT_FAILURE',
    ],
    [
      'Contents of zeros',
      async () =>
        patch(await sealedOnce(), /\/Contents <[0-9A-F]+>/, (found) => found.replace(/<.*>/, (hex) => `<${'0'.repeat(hex.length - 2)}>`)),
      {},
      'TOTAL-FAILED/FORMAT_FAILURE',
    ],
  ] as const)('%s', async (_name, make, changes, expected) => {
    expect(indications(await make(), changes)).toEqual([expected]);
  });
});

test('validation data in the file is used, and makes revocation known without asking', async () => {
  const validationData = validationDataFrom({ anchors: [authority.root.certificate], crls: [clean], now: () => NOW });
  const pdf = await seal(handMadePdf(), { timestamp: firstStamp, validationData });
  expect(indications(pdf, { requireRevocation: true })).toEqual(['TOTAL-PASSED']);
});

describe('OCSP answers in the file', () => {
  const responder = authority.issue('ocsp', { commonName: '状态查询' });
  const answer = (status: OcspStatus, from = '2026-11-21T03:10:00Z', to = '2026-11-22T03:10:00Z') =>
    ocspResponse(responder, authority.root.certificate, sealer.certificate, { status, thisUpdate: at(from), nextUpdate: at(to) });
  const rootOnly = { anchors: [authority.root.certificate], now: () => NOW };
  const answered = async (der: Uint8Array) =>
    seal(handMadePdf(), {
      timestamp: firstStamp,
      // Nothing for the timestamp’s chain: a list of their common authority would answer for the signer too.
      validationData: async ({ role }) => ({ certificates: [], crls: [], ocspResponses: role === 'signer' ? [der] : [] }),
    });

  test('an answer made after the proven time tells about it, years later too', async () => {
    const pdf = await answered(await answer({ status: 'good' }));
    expect(check(pdf).signatures[0]).toMatchObject({ form: 'pades-lt', indication: 'TOTAL-PASSED' });
  });

  test('one that says revoked before the proven time makes the signature invalid, after it does not', async () => {
    const revocation = (revokedAt: string) => answer({ status: 'revoked', revokedAt: at(revokedAt), reason: 'superseded' });
    expect(check(await answered(await revocation('2026-11-21T02:00:00Z'))).verdict).toBe('not-valid');
    expect(check(await answered(await revocation('2026-11-21T03:05:00Z'))).signatures[0]).toMatchObject({ verdict: 'genuine' });
  });

  test('one by a responder of another authority tells nothing', async () => {
    const other = new DocumentAuthority({ suite: 'es256', name: '别处' });
    const der = await ocspResponse(other.issue('ocsp'), authority.root.certificate, sealer.certificate, {
      status: { status: 'good' },
      thisUpdate: at('2026-11-21T03:10:00Z'),
      nextUpdate: at('2026-11-22T03:10:00Z'),
    });
    expect(check(await answered(der)).signatures[0]?.reasons).toContain('revocation-unknown');
  });

  test('an answer is asked for where there is no list, of the responder the certificate names', async () => {
    const named = authority.issue('document-signer', { commonName: '有状态地址', ocspUrl: 'http://ocsp.example.cn/' });
    const asked: string[] = [];
    const validationData = validationDataFrom({
      ...rootOnly,
      askOcsp: async (url, request) => {
        asked.push(url);
        expect(parseOcspRequest(request).questions[0]?.serialHex).toBe(named.certificate.serialHex);
        const good = {
          status: { status: 'good' },
          thisUpdate: at('2026-11-21T03:10:00Z'),
          nextUpdate: at('2026-11-22T03:10:00Z'),
        } as const;
        return ocspResponse(responder, authority.root.certificate, named.certificate, good);
      },
    });
    const pdf = await seal(handMadePdf(), { validationData }, named);
    expect(asked).toEqual(['http://ocsp.example.cn/']);
    expect(check(pdf, { requireRevocation: true }).verdict).toBe('genuine');
  });
});
