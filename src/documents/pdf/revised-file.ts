/** A PDF that grows by revisions. The original is copied once, into room for what will follow, and every byte is hashed once. */
import { createHash, type Hash } from 'node:crypto';
import type { DigestName } from '#crypto/suite.ts';

/** What a first copy leaves free for further revisions: validation data and a document timestamp seldom need more. */
const SPARE_BYTES = 64 * 1024;

export class RevisedFile {
  #bytes: Uint8Array;
  #room: Buffer | undefined;
  readonly #hashes = new Map<DigestName, Hash>();

  constructor(original: Uint8Array) {
    this.#bytes = original;
  }

  /** The file as it stands. Later revisions do not change these bytes. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** @param more whether further revisions will follow. */
  append(update: Uint8Array, more: boolean): void {
    const before = this.#bytes.length;
    const length = before + update.length;
    if (!this.#room || this.#room.length < length) {
      const room = Buffer.allocUnsafeSlow(length + (more ? SPARE_BYTES : 0));
      room.set(this.#bytes);
      this.#room = room;
    }
    this.#room.set(update, before);
    this.#bytes = this.#room.subarray(0, length);
    for (const hash of this.#hashes.values()) hash.update(update);
  }

  /** Digest of the file with parts of an update that is not appended yet. */
  digestWith(name: DigestName, ...parts: readonly Uint8Array[]): Uint8Array {
    let hash = this.#hashes.get(name);
    if (!hash) {
      hash = createHash(name).update(this.#bytes);
      this.#hashes.set(name, hash);
    }
    const whole = hash.copy();
    for (const part of parts) whole.update(part);
    return whole.digest();
  }
}
