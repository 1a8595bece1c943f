import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDer, TAG } from '#crypto/der.ts';
import { explicit, integer, nullValue, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { encodeMessageImprint, encodeTimestampQuery, readTimestampQuery, TIMESTAMP_FAILURES } from '#pki/timestamp-query.ts';
import { encodeTimestampRefusal, encodeTstInfo, parseTstInfo, TIMESTAMP_POLICY } from '#pki/timestamp-token.ts';
import { testName } from '../../fakes/test-authority.ts';

const imprint = digest('sha256', Buffer.from('data'));
const asked = encodeMessageImprint('sha256', imprint);

test('a query comes back as it was written', () => {
  const query = readTimestampQuery(encodeTimestampQuery('sha256', imprint, 0xffff_ffff_ffff_ffffn));
  expect(query).toMatchObject({ digest: 'sha256', certReq: true, nonceDer: integer(0xffff_ffff_ffff_ffffn) });
});

test.each([
  ['version 2', sequence(integer(2), asked), 'bad-request'],
  ['no imprint', sequence(integer(1)), 'bad-request'],
  ['an unknown digest', sequence(integer(1), sequence(sequence(oid('1.2.3'), nullValue()), octetString(imprint))), 'bad-alg'],
  ['parameters to the digest', sequence(integer(1), sequence(sequence(oid(OID.sha256), integer(1)), octetString(imprint))), 'bad-alg'],
  ['an imprint too short', sequence(integer(1), encodeMessageImprint('sha256', imprint.subarray(1))), 'bad-data-format'],
  ['an extension', sequence(integer(1), asked, explicit(0, sequence(oid('1.2.3'), octetString(imprint)))), 'unaccepted-extension'],
  ['a nonce of 65 octets', sequence(integer(1), asked, integer(new Uint8Array(65).fill(1))), 'bad-request'],
  ['parts in another order', sequence(integer(1), asked, integer(1), oid('1.2.3')), 'bad-request'],
  ['octets behind it', Buffer.concat([sequence(integer(1), asked), Buffer.of(0)]), 'bad-data-format'],
])('a query with %s is refused', (_what, der, failure) => {
  expect(readTimestampQuery(der)).toMatchObject({ failure });
});

test('every refusal sets exactly its own bit', () => {
  for (const [failure, bit] of Object.entries(TIMESTAMP_FAILURES)) {
    const der = encodeTimestampRefusal({ failure: failure as keyof typeof TIMESTAMP_FAILURES, because: 'x' });
    const [unused = 0, ...octets] = parseDer(der).at(0).at(2, TAG.bitString).content;
    const bits = octets.map((octet) => octet.toString(2).padStart(8, '0')).join('');
    expect(bits.slice(0, bits.length - unused)).toBe(`${'0'.repeat(bit)}1`);
  }
});

test.each([
  ['2026-06-01T08:00:00.000Z', '20260601080000Z'],
  ['2026-06-01T08:00:00.100Z', '20260601080000.1Z'],
  ['2026-06-01T08:00:00.123Z', '20260601080000.123Z'],
])('the time %s is written %s', (time, text) => {
  const der = encodeTstInfo({ imprintDer: asked, serial: Uint8Array.of(0x41), at: new Date(time), tsaName: testName('tsa') });
  expect(Buffer.from(der).toString('latin1')).toContain(text);
  expect(parseTstInfo(der)).toMatchObject({ at: new Date(time), policy: TIMESTAMP_POLICY });
});

test('damaged queries end in a query or a refusal', () => {
  const seed = encodeTimestampQuery('sha512', new Uint8Array(64), 1234n);
  const edits = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(edits, (changes) => {
      const bytes = Uint8Array.from(seed);
      for (const [place, value] of changes) bytes[place] = value;
      const query = readTimestampQuery(bytes);
      expect('failure' in query || query.imprint.length > 0).toBe(true);
    }),
    { numRuns: 3_000, seed: 43 },
  );
});
