/**
 * Writing a ZIP archive the way OFD readers like it: sizes and CRC in the local header, no data descriptors, no
 * directory entries, no ZIP64, entries in the given order. The same entries and time give the same bytes.
 */
import { crc32, deflateRawSync } from 'node:zlib';
import { deflateRawKept } from './deflate-kept.ts';
import { checkEntryName } from './entry-name.ts';
import type { ZipEntry } from './read-zip.ts';
import { type DosStamp, directoryHeader, dosStamp, endRecords, localHeader, type StoredFacts } from './zip-records.ts';

export interface NewEntry {
  name: string;
  data: Uint8Array;
  /** Keep the bytes as they are: pictures and fonts that do not compress. */
  store?: boolean;
  /** The same array comes again and is never written to: deflated once. */
  keep?: boolean;
}

/** An entry of another archive, copied without inflating it. */
export interface CopiedEntry {
  copyOf: ZipEntry;
}

/** Two to the power of 13. */
const SMALL_WINDOW = 8 * 1024;

type Packed = StoredFacts & { pieces: Iterable<Uint8Array> };

/**
 * The archive's bytes.
 * @param options.time goes into every new entry, as UTC+8, which is what the readers show; copied entries keep theirs.
 * Throws an Error for duplicate or unsafe names: those are mistakes of the caller.
 */
export function writeZip(entries: readonly (NewEntry | CopiedEntry)[], options: { time: Date }): Uint8Array {
  const parts: Uint8Array[] = [];
  writeZipTo((part) => parts.push(part), entries, options);
  return Buffer.concat(parts);
}

/** The same piece by piece, in order: an archive that is copied from a file to a file is never in memory as a whole. */
export function writeZipTo(write: (part: Uint8Array) => void, entries: readonly (NewEntry | CopiedEntry)[], options: { time: Date }): void {
  if (entries.length > 0xfffe) throw new Error('too many archive entries');
  const stamp = dosStamp(options.time);
  const names = new Set<string>();
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const one of entries) {
    const entry = 'copyOf' in one ? copy(one.copyOf) : pack(one, stamp);
    const name = entry.name.toString('latin1');
    if (names.has(name)) throw new Error('two archive entries of one name');
    names.add(name);
    directory.push(directoryHeader(entry, offset));
    write(localHeader(entry));
    for (const piece of entry.pieces) write(piece);
    offset += 30 + entry.name.length + entry.compressedSize;
    if (offset > 0xfffffffe) throw new Error('archive too large');
  }
  const directorySize = directory.reduce((sum, part) => sum + part.length, 0);
  if (offset + directorySize > 0xfffffffe) throw new Error('archive too large');
  for (const part of directory) write(part);
  write(endRecords(entries.length, directorySize, offset));
}

function pack({ name: text, data, store = false, keep = false }: NewEntry, stamp: DosStamp): Packed {
  checkEntryName(text);
  const name = Buffer.from(text, 'utf8');
  const deflated =
    store || data.length === 0 ? undefined : keep ? deflateRawKept(data) : deflateRawSync(data, { level: 6, ...engineFor(data) });
  const smaller = deflated && deflated.length < data.length ? deflated : undefined;
  const base = { name, crc: crc32(data), size: data.length, ...stamp };
  return { ...base, method: smaller ? 8 : 0, compressedSize: (smaller ?? data).length, pieces: [smaller ?? data] };
}

/**
 * Small files are the many, and setting up the usual engine costs more than deflating them: a window that holds the whole file
 * finds every repetition the usual one would, and a buffer of the file's size is room enough.
 */
function engineFor({ length }: Uint8Array): { chunkSize: number; windowBits?: number; memLevel?: number } {
  const chunkSize = Math.min(16 * 1024, Math.max(64, length + 64));
  return length <= SMALL_WINDOW ? { chunkSize, windowBits: 13, memLevel: 6 } : { chunkSize };
}

function copy(entry: ZipEntry): Packed {
  checkEntryName(entry.name);
  const { method, crc, size, compressedSize, dosTime, dosDate } = entry;
  // The name is written again in UTF-8: a GBK name would be another name to most readers.
  const name = Buffer.from(entry.name, 'utf8');
  return { name, method, crc, size, compressedSize, pieces: entry.pieces(), dosTime, dosDate };
}
