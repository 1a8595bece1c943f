import { describe, expect, it } from 'vitest';
import { DerError, parseDer } from '#crypto/der.ts';
import { octetString, oid, sequence } from '#crypto/encode-der.ts';

describe('object identifiers', () => {
  it.each([
    '0.0',
    '1.39.1',
    '2.40',
    '2.999.3',
    '1.2.840.113549.1.9.16.1.4',
    // At and past the arcs that a number holds exactly: UUIDs stand below 2.25 (X.667).
    '1.3.6.1.4.1.70368744177663.9',
    '1.3.6.1.4.1.70368744177664.1',
    '2.5.9007199254740993',
    '2.70368744177700',
    '2.25.329800735698586629295641978511506172918',
  ])('%s is read as it was written', (dotted) => {
    expect(parseDer(oid(dotted)).asOid()).toBe(dotted);
  });

  it.each([
    ['empty', '0600'],
    ['padded', '0603558001'],
    ['cut off', '060255 84'.replace(' ', '')],
  ])('an %s one is refused', (_, hex) => {
    expect(() => parseDer(Buffer.from(hex, 'hex')).asOid()).toThrow(DerError);
  });
});

describe('encodings', () => {
  it('of any size keep their bytes while others are made', () => {
    const made = Array.from({ length: 3_000 }, (_, index) => sequence(octetString(new Uint8Array(index % 1_100).fill(index))));
    for (const [index, der] of made.entries()) {
      const content = parseDer(der).at(0).asOctets();
      expect(content.length).toBe(index % 1_100);
      expect(content.every((byte) => byte === (index & 0xff))).toBe(true);
    }
  });
});
