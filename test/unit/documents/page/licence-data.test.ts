import { describe, expect, test } from 'vitest';
import { canonicalJson, canonicalLicenceData, licenceDataDigest } from '#documents/page/licence-data.ts';
import { sampleLicence } from '#test/fakes/sample-licence.ts';

describe('canonical licence data', () => {
  test('members are sorted by UTF-16 code units and written without blanks (RFC 8785 §3.2.3)', () => {
    expect(canonicalJson({ '\u20ac': 1, '\r': 2, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 })).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5}',
    );
    expect(canonicalJson({ b: [1, { d: null, c: undefined }], a: 'é"\n' })).toBe('{"a":"é\\"\\n","b":[1,{"d":null}]}');
  });

  test('the order in which data was put together does not matter', () => {
    const data = sampleLicence('residence-permit');
    const reversed = { ...data, fields: Object.fromEntries(Object.entries(data.fields).reverse()) };
    expect(licenceDataDigest(reversed)).toBe(licenceDataDigest(data));
  });

  test('any change of what the licence says changes the digest', () => {
    const data = sampleLicence('residence-permit');
    const digest = licenceDataDigest(data);
    expect(licenceDataDigest({ ...data, holder: { ...data.holder, name: '林晓童' } })).not.toBe(digest);
    expect(licenceDataDigest({ ...data, photo: { format: 'PNG', bytes: Uint8Array.of(1) } })).not.toBe(digest);
  });

  test('the secret address and the marks of a copy stay out', () => {
    const data = sampleLicence('residence-permit');
    const copy = { madeAt: new Date(0), madeBy: '某中心', purpose: '落户', validUntil: '2026-12-20' };
    expect(licenceDataDigest({ ...data, verifyAddress: 'https://id.example/v/other', copy })).toBe(licenceDataDigest(data));
    expect(new TextDecoder().decode(canonicalLicenceData(data))).not.toContain('/v/');
  });
});
