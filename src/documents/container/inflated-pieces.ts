/** An archive's file, inflated piece by piece off this thread: what an entry holds need not fit into memory. */
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import type { ZipEntry } from './read-zip.ts';
import { ZipError } from './zip-error.ts';

/** Throws ZipError when the entry is not of the size and CRC it states; stops at the first byte too many. */
export async function* inflatedPieces(entry: ZipEntry): AsyncGenerator<Uint8Array, void> {
  let [crc, size] = [0, 0];
  for await (const piece of contentOf(entry)) {
    size += piece.length;
    if (size > entry.size) throw new ZipError('size-mismatch', entry.name);
    crc = crc32(piece, crc);
    yield piece;
    // Pieces of what is stored uncompressed come without waiting: others get their turn between them.
    await nextTurn();
  }
  if (size !== entry.size) throw new ZipError('size-mismatch', entry.name);
  if (crc !== entry.crc) throw new ZipError('crc-mismatch', entry.name);
}

function contentOf(entry: ZipEntry): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (entry.method === 0) return entry.pieces();
  return entry.compressedSize === 0 ? [] : inflate(entry);
}

async function* inflate(entry: ZipEntry): AsyncGenerator<Uint8Array, void> {
  const source = Readable.from(entry.pieces());
  const engine = source.pipe(createInflateRaw());
  source.on('error', (error) => engine.destroy(error));
  try {
    yield* engine;
  } catch (cause) {
    throw cause instanceof ZipError ? cause : new ZipError('entry-damaged', entry.name, false, cause);
  } finally {
    source.destroy();
    engine.destroy();
  }
}
