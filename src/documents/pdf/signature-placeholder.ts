/** A signature dictionary whose /Contents is filled in last: room is reserved, /ByteRange written, the rest hashed (ISO 32000-2 §12.8.1). */
import type { DigestName } from '#crypto/suite.ts';
import { Problem } from '#problem.ts';
import type { Increment } from './increment.ts';
import type { RevisedFile } from './revised-file.ts';

/** Room for each number of /ByteRange: files above 100 MB broke signers that reserved less. */
const OFFSET_DIGITS = 10;
const UPDATE_SEED_BYTES = 2_048;

export interface PlaceholderInput {
  /** Object number of the dictionary. */
  number: number;
  /** Entries before /ByteRange, /Type first. */
  entries: string;
  /** Entries after /Contents. */
  more: string;
  contentsBytes: number;
  /** Goes into the second /ID, with the end of the file. */
  seed: string;
}

/** The update that holds one signature, complete but for its value. */
export class SignaturePlaceholder {
  readonly #file: RevisedFile;
  readonly #update: Buffer;
  /** Offset of `<` of Contents in the update, and of what stands behind its `>`. */
  readonly #gap: readonly [number, number];

  /** Adds the dictionary to the increment and builds it; nothing may be added afterwards. */
  constructor(file: RevisedFile, increment: Increment, { number, entries, more, contentsBytes, seed }: PlaceholderInput) {
    const head = `<<${entries}/ByteRange ${byteRange(0, 0, 0)}/Contents `;
    increment.put(number, `${head}<${'0'.repeat(contentsBytes * 2)}>${more}>>`);
    const { bytes, bodyAt } = increment.build(Buffer.concat([Buffer.from(seed), file.bytes.subarray(-UPDATE_SEED_BYTES)]));
    const start = (bodyAt.get(number) ?? 0) + head.length;
    const end = start + contentsBytes * 2 + 2;
    const before = file.bytes.length;
    const range = byteRange(before + start, before + end, bytes.length - end);
    bytes.write(range, start - '/Contents '.length - range.length, 'latin1');
    this.#file = file;
    this.#update = bytes;
    this.#gap = [start, end];
  }

  get contentsBytes(): number {
    return (this.#gap[1] - this.#gap[0] - 2) / 2;
  }

  /** Digest of all that the signature is over. */
  digest(name: DigestName): Uint8Array {
    const [start, end] = this.#gap;
    return this.#file.digestWith(name, this.#update.subarray(0, start), this.#update.subarray(end));
  }

  /** The update with its value. Throws Problem `pdf-not-signable` when it is longer than `contentsBytes`. */
  fill(contents: Uint8Array): Buffer {
    if (contents.length > this.contentsBytes) {
      throw new Problem('pdf-not-signable', {
        detail: 'The signature is longer than the room that was measured for it.',
        detailZh: '签名长度超出预先测得的空间。',
      });
    }
    this.#update.write(
      Buffer.from(contents.buffer, contents.byteOffset, contents.length).toString('hex').toUpperCase(),
      this.#gap[0] + 1,
      'latin1',
    );
    return this.#update;
  }
}

function byteRange(length1: number, start2: number, length2: number): string {
  return `[0 ${[length1, start2, length2].map((number) => String(number).padStart(OFFSET_DIGITS, ' ')).join(' ')}]`;
}
