import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compressStatuses, expandStatuses, packStatuses, type StatusBits, statusAt } from '#codes/status-bits.ts';

describe('the published examples of draft-ietf-oauth-status-list-20 §4', () => {
  test('one bit: 16 entries become 0xb9 0xa3', () => {
    const ones = [0, 3, 4, 5, 7, 8, 9, 13, 15];
    const list = packStatuses(
      1,
      16,
      ones.map((index) => ({ index, value: 1 })),
    );
    expect(Buffer.from(list).toString('hex')).toBe('b9a3');
    expect(expandStatuses('eNrbuRgAAhcBXQ')).toEqual(Buffer.from(list));
    expect(compressStatuses(list)).toBe('eNrbuRgAAhcBXQ');
  });

  test('two bits: 12 entries become 0xc9 0x44 0xf9', () => {
    const values = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3];
    const list = packStatuses(
      2,
      12,
      values.map((value, index) => ({ index, value })),
    );
    expect(Buffer.from(list).toString('hex')).toBe('c944f9');
    expect(compressStatuses(list)).toBe('eNo76fITAAPfAgc');
  });
});

test.each([1, 2, 4, 8] as StatusBits[])('what is packed with %i bits is found again, and nothing beside it', (bits) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(999), { maxLength: 50 }), fc.integer({ min: 1, max: 2 ** bits - 1 }), (indexes, value) => {
      const list = packStatuses(
        bits,
        1000,
        indexes.map((index) => ({ index, value })),
      );
      for (let index = 0; index < 1000; index++) expect(statusAt(bits, list, index)).toBe(indexes.includes(index) ? value : 0);
    }),
    { numRuns: 20, seed: 3 },
  );
});

test('beyond the end there is no status', () => {
  expect(statusAt(2, new Uint8Array(2), 8)).toBeUndefined();
});

test('a bomb of zlib is refused by its size, noise by its form', () => {
  const bomb = compressStatuses(new Uint8Array(80 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(200_000);
  expect(() => expandStatuses(bomb)).toThrow(RangeError);
  expect(() => expandStatuses('AAAA')).toThrow(RangeError);
});
