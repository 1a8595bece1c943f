/** The digest of an archive's file, inflated piece by piece: what an entry holds need not fit into memory. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import type { ZipEntry } from './read-zip.ts';
import { ZipError } from './zip-error.ts';

/** Base64. Throws ZipError when the entry is not of the size and CRC it states; stops at the first byte too many. */
export async function digestEntry(entry: ZipEntry, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  let size = 0;
  let crc = 0;
  const take = (piece: Uint8Array) => {
    size += piece.length;
    if (size > entry.size) throw new ZipError('size-mismatch', entry.name);
    crc = crc32(piece, crc);
    hash.update(piece);
  };
  if (entry.method === 0) {
    for (const piece of entry.pieces()) {
      take(piece);
      await nextTurn();
    }
  } else if (entry.compressedSize > 0) await inflate(entry, take);
  if (size !== entry.size) throw new ZipError('size-mismatch', entry.name);
  if (crc !== entry.crc) throw new ZipError('crc-mismatch', entry.name);
  return hash.digest('base64');
}

async function inflate(entry: ZipEntry, take: (piece: Uint8Array) => void): Promise<void> {
  try {
    await pipeline(Readable.from(entry.pieces()), createInflateRaw(), async (pieces: AsyncIterable<Uint8Array>) => {
      for await (const piece of pieces) take(piece);
    });
  } catch (cause) {
    throw cause instanceof ZipError ? cause : new ZipError('entry-damaged', entry.name, false, cause);
  }
}
