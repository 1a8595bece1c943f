/** A result of a bulk job that was read through before any of it is handed on: whoever asks for many learns of a damaged one in time. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { FieldCipherError } from '#crypto/field-cipher.ts';
import { type KeptFile, openJobFile, piecesOf } from './job-files.ts';
import { placeOfFile, resultNameOf, type SealJobDeps, type SealJobFileRow } from './seal-job.ts';

/** What is not larger is read once and held until it is out; the rest is read twice. */
const HELD_BYTES = 1024 * 1024;

export interface ProvenFile {
  /** Bytes. */
  length: number;
  /** CRC-32. */
  crc: number;
  /** Once, in order. */
  pieces(): AsyncGenerator<Uint8Array, void>;
  close(): void;
}

/** The result, found to be the one that was sealed; undefined when it is not, or not there. The caller closes it. */
export async function openProvenResult(deps: SealJobDeps, row: SealJobFileRow): Promise<ProvenFile | undefined> {
  let file: KeptFile | undefined;
  try {
    file = await openJobFile(deps, resultNameOf(row, row.claim ?? ''), placeOfFile(row.id, 'result'));
    return file && (await prove(file, row.resultDigest));
  } catch (error) {
    file?.close();
    // Anything else, such as a disk that does not answer, is no fault of this file.
    if (error instanceof FieldCipherError) return undefined;
    throw error;
  }
}

async function prove(file: KeptFile, digest: string | null): Promise<ProvenFile | undefined> {
  const hash = createHash('sha256');
  const held: Buffer[] = [];
  let crc = 0;
  for (const piece of piecesOf(file)) {
    hash.update(piece);
    crc = crc32(piece, crc);
    if (file.length <= HELD_BYTES) held.push(piece);
    else await nextTurn();
  }
  if (hash.digest('hex') !== digest) {
    file.close();
    return undefined;
  }
  return {
    length: file.length,
    crc,
    close: () => file.close(),
    async *pieces() {
      for (const piece of file.length <= HELD_BYTES ? held : piecesOf(file)) {
        yield piece;
        // Disk and reader may both be faster than anybody else gets a turn.
        await nextTurn();
      }
    },
  };
}
