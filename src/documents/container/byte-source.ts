/** Where an archive's bytes are: in memory, or in a file of which only the pieces asked for are read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ZipError } from './zip-error.ts';

export interface ByteSource {
  readonly length: number;
  /** The bytes from `start` up to, not including, `end`; never fewer. The caller does not write to them. */
  read(start: number, end: number): Buffer;
}

/** Small reads of a file fetch this much, because the next one is likely beside it. */
const WINDOW_BYTES = 8 * 1024;

export function bytesInMemory(bytes: Uint8Array): ByteSource {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { length: view.length, read: (start, end) => view.subarray(start, end) };
}

/** A file opened for reading; `close` when done. Holds no more of it than the piece read last. */
export class BytesInFile implements ByteSource {
  readonly length: number;
  readonly #descriptor: number;
  #window: { start: number; bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  /** Throws the system's error when it cannot be opened. */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
    this.length = fstatSync(this.#descriptor).size;
  }

  read(start: number, end: number): Buffer {
    const { start: from, bytes } = this.#window;
    if (start >= from && end <= from + bytes.length) return bytes.subarray(start - from, end - from);
    if (end - start >= WINDOW_BYTES) return this.#fetch(start, end);
    this.#window = { start, bytes: this.#fetch(start, Math.min(this.length, start + WINDOW_BYTES)) };
    return this.#window.bytes.subarray(0, end - start);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #fetch(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start);
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#descriptor, bytes, done, bytes.length - done, start + done);
      // Somebody shortened the file while it was read.
      if (count === 0) throw new ZipError('entry-outside-archive');
      done += count;
    }
    return bytes;
  }
}
