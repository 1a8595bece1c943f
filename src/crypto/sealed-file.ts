/**
 * Encryption of files that need not fit into memory: segments that are each encrypted and each authenticated, so that a piece can be read
 * without the rest, and nothing is handed out unproven. As in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce
 * of a segment is its number and whether it is the last, so that none can be moved, left out, or cut off.
 * Layout: magic (5) ‖ length of the sealed key (1) ‖ sealed key ‖ segments of 64 KiB + tag (16), the last one shorter.
 * The key is the file's own; the field cipher seals it to the file's place. Files of the field cipher itself, whole, open too.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type FieldCipher, FieldCipherError } from './field-cipher.ts';

/** A field's first byte is the version of its key, never 0. */
const MAGIC = Buffer.from('\0TGF1', 'latin1');
const SEGMENT_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Readers of archives go to and fro between a list of entries and the entries. */
const KEPT_SEGMENTS = 4;

/** Bytes that are read where they are needed. */
export interface ReadBytes {
  readonly length: number;
  read(start: number, end: number): Buffer;
}

/** Takes the plain bytes in parts and hands on encrypted ones. @param place as for `FieldCipher.seal`. */
export class FileSealer {
  readonly #write: (part: Uint8Array) => void;
  readonly #key = randomBytes(KEY_BYTES);
  readonly #segment = Buffer.allocUnsafe(SEGMENT_BYTES);
  /** Of the key under which the file's own lies. */
  readonly keyVersion: number;
  #filled = 0;
  #number = 0;

  constructor(fields: Pick<FieldCipher, 'seal'>, place: string, write: (part: Uint8Array) => void) {
    this.#write = write;
    const sealedKey = fields.seal(place, this.#key);
    this.keyVersion = sealedKey[0] ?? 0;
    write(Buffer.concat([MAGIC, Buffer.of(sealedKey.length), sealedKey]));
  }

  write(part: Uint8Array): void {
    for (let done = 0; done < part.length; ) {
      // Kept back until more comes: it might be the last.
      if (this.#filled === SEGMENT_BYTES) this.#flush(false);
      const piece = part.subarray(done, done + SEGMENT_BYTES - this.#filled);
      this.#segment.set(piece, this.#filled);
      this.#filled += piece.length;
      done += piece.length;
    }
  }

  finish(): void {
    this.#flush(true);
    this.#key.fill(0);
  }

  #flush(isLast: boolean): void {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(this.#number++, isLast));
    const body = cipher.update(this.#segment.subarray(0, this.#filled));
    cipher.final();
    this.#write(Buffer.concat([body, cipher.getAuthTag()]));
    this.#filled = 0;
  }
}

/**
 * The plain bytes of a stored file. Holds four segments. Throws FieldCipherError here when it was cut off or is not from this place, and in
 * `read` when the piece asked for was changed.
 */
export function openSealedFile(fields: Pick<FieldCipher, 'open'>, place: string, stored: ReadBytes): ReadBytes {
  const head = stored.read(0, Math.min(stored.length, MAGIC.length + 1));
  if (head.length <= MAGIC.length || !head.subarray(0, MAGIC.length).equals(MAGIC)) return wholeField(fields, place, stored);
  const start = head.length + (head[MAGIC.length] ?? 0);
  if (stored.length < start + TAG_BYTES) throw new FieldCipherError('too short');
  const segments = new Segments(Buffer.from(fields.open(place, stored.read(head.length, start))), stored, start);
  // The last one proves where the file ends.
  segments.plain(segments.count - 1);
  return {
    length: segments.length,
    read(from, to) {
      if (from < 0 || to < from || to > segments.length) throw new RangeError('a piece outside the file');
      const first = Math.floor(from / SEGMENT_BYTES);
      const last = Math.floor(Math.max(from, to - 1) / SEGMENT_BYTES);
      if (to === from) return Buffer.alloc(0);
      if (first === last) return segments.plain(first).subarray(from - first * SEGMENT_BYTES, to - first * SEGMENT_BYTES);
      const bytes = Buffer.allocUnsafe(to - from);
      for (let number = first; number <= last; number++) {
        const at = number * SEGMENT_BYTES;
        segments.plain(number).copy(bytes, Math.max(0, at - from), Math.max(0, from - at), Math.min(SEGMENT_BYTES, to - at));
      }
      return bytes;
    },
  };
}

/** The version of the key under which a stored file lies; undefined when it is too short to tell. */
export function keyVersionOfFile(stored: ReadBytes): number | undefined {
  const head = stored.read(0, Math.min(stored.length, MAGIC.length + 2));
  return isSegmented(head) ? head[MAGIC.length + 1] : head[0];
}

/**
 * The stored file once more, under the cipher's newest key and in the same layout. A step after each `yield`, so that a large file does not
 * keep the process from its other work. Throws as `openSealedFile`.
 */
export function* resealFile(
  fields: Pick<FieldCipher, 'seal' | 'open'>,
  place: string,
  stored: ReadBytes,
  write: (part: Uint8Array) => void,
): Generator<void, void> {
  const plain = openSealedFile(fields, place, stored);
  if (!isSegmented(stored.read(0, Math.min(stored.length, MAGIC.length)))) {
    write(fields.seal(place, plain.read(0, plain.length)));
    return;
  }
  const sealer = new FileSealer(fields, place, write);
  for (let start = 0; start < plain.length; start += SEGMENT_BYTES) {
    sealer.write(plain.read(start, Math.min(plain.length, start + SEGMENT_BYTES)));
    yield;
  }
  sealer.finish();
}

const isSegmented = (head: Buffer) => head.length >= MAGIC.length && head.subarray(0, MAGIC.length).equals(MAGIC);

class Segments {
  readonly count: number;
  /** Of the plain bytes. */
  readonly length: number;
  readonly #key: Buffer;
  readonly #stored: ReadBytes;
  readonly #start: number;
  /** Decrypted last, newest at the end. */
  readonly #kept = new Map<number, Buffer>();

  constructor(key: Buffer, stored: ReadBytes, start: number) {
    this.#key = key;
    this.#stored = stored;
    this.#start = start;
    this.count = Math.ceil((stored.length - start) / (SEGMENT_BYTES + TAG_BYTES));
    this.length = stored.length - start - this.count * TAG_BYTES;
  }

  plain(number: number): Buffer {
    const kept = this.#kept.get(number);
    if (kept) return kept;
    const from = this.#start + number * (SEGMENT_BYTES + TAG_BYTES);
    const isLast = number === this.count - 1;
    const sealed = this.#stored.read(from, isLast ? this.#stored.length : from + SEGMENT_BYTES + TAG_BYTES);
    if (sealed.length < TAG_BYTES) throw new FieldCipherError('too short');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(number, isLast));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      decipher.final();
    } catch (cause) {
      throw new FieldCipherError('changed, or cut off', { cause });
    }
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size === KEPT_SEGMENTS) this.#kept.delete(oldest);
    this.#kept.set(number, plain);
    return plain;
  }
}

/** Number of the segment (11 bytes), and 1 for the last. */
function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function wholeField(fields: Pick<FieldCipher, 'open'>, place: string, stored: ReadBytes): ReadBytes {
  const plain = Buffer.from(fields.open(place, stored.read(0, stored.length)));
  return { length: plain.length, read: (start, end) => plain.subarray(start, end) };
}
