/**
 * Digests of files that come again in every package: the form of a licence type is the largest part of each licence. The same
 * compressed bytes hold the same file, so what was inflated and digested once need not be again. Only for sealing, where the bytes
 * are what a seal is put on; a verifier computes every digest itself.
 */
import { createHash } from 'node:crypto';
import type { ZipEntry } from './read-zip.ts';

/** Smaller files cost little, and differ from licence to licence. */
const MIN_BYTES = 32 * 1024;
const MAX_KEPT = 64;

/** Least recently used first. */
const kept = new Map<string, string>();

/** What `compute` says of this entry, which must throw unless the entry is of the size and CRC it states. */
export function knownDigest(entry: ZipEntry, algorithm: string, compute: () => string): string {
  if (entry.method === 0 || entry.size < MIN_BYTES) return compute();
  const { size, crc } = entry;
  const key = `${algorithm}:${size}:${crc}:${createHash('sha256').update(entry.compressed).digest('base64')}`;
  const value = kept.get(key) ?? compute();
  kept.delete(key);
  kept.set(key, value);
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  return value;
}
