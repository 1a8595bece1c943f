import { expect, test } from 'vitest';
import { signMessage } from '#crypto/suite.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import { isCrlSignedBy, parseCrl, REASON_CODES, type RevocationReason, type RevokedEntry } from '#pki/crl.ts';
import { assembleCrl, encodeTbsCrl } from '#pki/encode-crl.ts';
import { testChain, testCrl } from '../../fakes/test-authority.ts';

const { issuing, leaf } = testChain('es256');
const revokedAt = new Date('2026-03-04T05:06:07Z');

test('every reason and an invalidity date are read back as they were written', () => {
  const reasons = Object.keys(REASON_CODES) as RevocationReason[];
  const entries = reasons.map(
    (reason, index): RevokedEntry => ({
      serialHex: `4${index}`.padEnd(32, 'a'),
      revokedAt,
      reason,
      ...(index % 2 ? { invalidityDate: new Date('2026-01-01T00:00:00Z') } : {}),
    }),
  );
  const crl = testCrl(issuing, entries, { number: 77n });
  expect(crl).toMatchObject({ number: 77n, count: reasons.length, isDelta: false, unknownCritical: false });
  for (const entry of entries) expect(crl.find(entry.serialHex)).toEqual(entry);
  expect(crl.find(leaf.certificate.serialHex)).toBeUndefined();
  expect([isCrlSignedBy(crl, issuing.certificate), isCrlSignedBy(crl, leaf.certificate)]).toEqual([true, false]);
});

test('an empty list has no revokedCertificates at all', () => {
  expect(testCrl(issuing).count).toBe(0);
});

test('a hundred thousand entries are written, read and looked up in well under their seconds', () => {
  const serial = (index: number) => `4${index.toString(16).padStart(31, '0')}`;
  function* entries(): Generator<RevokedEntry> {
    for (let index = 0; index < 100_000; index++)
      yield { serialHex: serial(index), revokedAt, reason: index % 3 ? 'superseded' : 'unspecified' };
  }
  const started = performance.now();
  const tbs = encodeTbsCrl({
    suite: 'es256',
    issuer: issuing.certificate.subject.der,
    issuerKeyIdentifier: keyIdentifier(issuing.certificate.spki),
    number: 1n,
    thisUpdate: revokedAt,
    nextUpdate: new Date('2026-04-01T00:00:00Z'),
    entries: entries(),
  });
  const crl = parseCrl(assembleCrl(tbs, 'es256', signMessage(issuing.key, tbs)));
  const read = performance.now();
  for (let index = 0; index < 100_000; index += 10) expect(crl.find(serial(index))?.revokedAt).toEqual(revokedAt);
  expect(crl.count).toBe(100_000);
  expect(read - started).toBeLessThan(4_000);
});
