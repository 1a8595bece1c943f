/**
 * Sealing a file on disk into another: the archive is read where it is needed, its entries are digested piece by piece and copied
 * as they are compressed, and only the new ones are written anew. Memory does not grow with the file.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { BytesInFile } from '#documents/container/byte-source.ts';
import type { Limits } from '#documents/verdict.ts';
import { addSignatureTo } from './add-signature.ts';
import { type SealOfdInput, sealSignature } from './seal-ofd.ts';

/** Small parts are gathered until there is this much to write. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Gives the same bytes as `sealOfd`. `pathOut` appears whole or not at all, and may be `pathIn`.
 * Problems as `sealOfd`; the system's errors when a path cannot be read or written.
 */
export async function sealOfdFile(pathIn: string, pathOut: string, input: SealOfdInput, limits: Partial<Limits> = {}): Promise<void> {
  const signature = sealSignature(input);
  const source = new BytesInFile(pathIn);
  const unfinished = `${pathOut}.unfinished`;
  try {
    const target = new FileWriter(unfinished);
    try {
      await addSignatureTo((part) => target.write(part), source, signature, limits);
      target.finish();
    } finally {
      target.close();
    }
    renameSync(unfinished, pathOut);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  } finally {
    source.close();
  }
}

class FileWriter {
  readonly #descriptor: number;
  #parts: Uint8Array[] = [];
  #gathered = 0;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w', 0o600);
  }

  write(part: Uint8Array): void {
    this.#parts.push(part);
    this.#gathered += part.length;
    if (this.#gathered >= BLOCK_BYTES) this.#flush();
  }

  finish(): void {
    this.#flush();
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #flush(): void {
    const block = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#gathered = 0;
    for (let done = 0; done < block.length; ) done += writeSync(this.#descriptor, block, done);
  }
}
