/** Files encrypted in segments: read anywhere, changed nowhere. */
import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FieldCipherError } from '#crypto/field-cipher.ts';
import { FileSealer, openSealedFile, type ReadBytes } from '#crypto/sealed-file.ts';
import { testFields } from '#test/fakes/test-fields.ts';

const SEGMENT = 64 * 1024;
const PLACE = 'seal-job.source:1';
const fields = testFields();

function sealed(plain: Uint8Array, parts = [plain.length]): Buffer {
  const out: Uint8Array[] = [];
  const sealer = new FileSealer(fields, PLACE, (part) => out.push(Uint8Array.from(part)));
  let done = 0;
  for (const length of parts) {
    sealer.write(plain.subarray(done, done + length));
    done += length;
  }
  sealer.write(plain.subarray(done));
  sealer.finish();
  return Buffer.concat(out);
}

const stored = (bytes: Uint8Array): ReadBytes => ({
  length: bytes.length,
  read: (start, end) => Buffer.from(bytes.subarray(start, end)),
});
const open = (bytes: Uint8Array, place = PLACE) => openSealedFile(fields, place, stored(bytes));
const plainOf = (bytes: Uint8Array) => {
  const file = open(bytes);
  return file.read(0, file.length);
};

test.each([0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 5 * SEGMENT, 5 * SEGMENT + 17])('%i bytes come back', (length) => {
  const plain = randomBytes(length);
  const bytes = sealed(plain);
  expect(open(bytes).length).toBe(length);
  expect(plainOf(bytes).equals(plain)).toBe(true);
  // Not one segment of it is there to be read.
  if (length > 16) expect(bytes.includes(plain.subarray(0, 16))).toBe(false);
});

test('in whatever parts it was written, any piece of it reads as it was', () => {
  const plain = Buffer.concat(Array.from({ length: 10_000 }, (_, n) => createHash('sha256').update(`${n}`).digest()));
  const length = fc.integer({ min: 0, max: plain.length });
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 6 }),
      fc.array(fc.tuple(length, length), { maxLength: 8 }),
      (parts, pieces) => {
        const file = open(sealed(plain, parts));
        for (const piece of pieces) {
          const [start, end] = [Math.min(...piece), Math.max(...piece)];
          expect(file.read(start, end).equals(plain.subarray(start, end))).toBe(true);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('cut off, lengthened, its segments in another order or one changed: refused', () => {
  const plain = randomBytes(4 * SEGMENT + 100);
  const bytes = sealed(plain);
  const start = bytes.length - plain.length - 5 * 16;
  const segment = (n: number) => bytes.subarray(start + n * (SEGMENT + 16), start + (n + 1) * (SEGMENT + 16));
  const head = bytes.subarray(0, start);
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(start + SEGMENT + 40) ^ 1, start + SEGMENT + 40);
  const wrong: [string, Uint8Array][] = [
    ['cut in a segment', bytes.subarray(0, -1)],
    ['cut between segments', bytes.subarray(0, start + 2 * (SEGMENT + 16))],
    ['cut to the key', head],
    ['lengthened', Buffer.concat([bytes, Buffer.alloc(20)])],
    ['in another order', Buffer.concat([head, segment(1), segment(0), segment(2), segment(3), segment(4)])],
    ['without one', Buffer.concat([head, segment(0), segment(2), segment(3), segment(4)])],
    ['changed', changed],
  ];
  const taken = wrong.filter(([, file]) => {
    try {
      plainOf(file);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(FieldCipherError);
      return false;
    }
  });
  expect(taken.map(([what]) => what)).toEqual([]);
});

test('a changed segment hurts nobody who reads another, and nothing of it is handed out', () => {
  const plain = randomBytes(3 * SEGMENT);
  const bytes = sealed(plain);
  bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200);
  const file = open(bytes);
  expect(file.read(SEGMENT, SEGMENT + 50).equals(plain.subarray(SEGMENT, SEGMENT + 50))).toBe(true);
  expect(() => file.read(0, 1)).toThrow(FieldCipherError);
});

test('of another place it does not open; a file the field cipher sealed as a whole does', () => {
  expect(() => open(sealed(randomBytes(10)), 'seal-job.source:2')).toThrow(FieldCipherError);
  const plain = randomBytes(1000);
  const whole = open(fields.seal(PLACE, plain));
  expect(whole.length).toBe(1000);
  expect(whole.read(10, 20).equals(plain.subarray(10, 20))).toBe(true);
});

test('two files of the same bytes share none', () => {
  const plain = Buffer.alloc(SEGMENT);
  expect(sealed(plain).subarray(-1000).equals(sealed(plain).subarray(-1000))).toBe(false);
});
