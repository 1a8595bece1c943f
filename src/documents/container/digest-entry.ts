/** The digest of an archive's file, which need not fit into memory. */
import { createHash } from 'node:crypto';
import { inflatedPieces } from './inflated-pieces.ts';
import type { ZipEntry } from './read-zip.ts';

/** Base64. Throws ZipError as `inflatedPieces` does. */
export async function digestEntry(entry: ZipEntry, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const piece of inflatedPieces(entry)) hash.update(piece);
  return hash.digest('base64');
}
