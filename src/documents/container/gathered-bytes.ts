const PIECE_BYTES = 64 * 1024;

/**
 * Many small pieces, copied side by side into few large ones. Kept as they come each would cost several times its bytes, or hold on to the
 * whole of the block that Node shares between small buffers.
 */
export class GatheredBytes {
  length = 0;
  readonly #full: Buffer[] = [];
  #filling = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #filled = 0;

  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    for (let done = 0; done < bytes.length; ) {
      if (this.#filled === PIECE_BYTES) {
        this.#full.push(this.#filling);
        this.#filling = Buffer.allocUnsafeSlow(PIECE_BYTES);
        this.#filled = 0;
      }
      const part = bytes.subarray(done, done + PIECE_BYTES - this.#filled);
      this.#filling.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
    }
  }

  *pieces(): Generator<Buffer, void> {
    yield* this.#full;
    if (this.#filled > 0) yield this.#filling.subarray(0, this.#filled);
  }
}
