/**
 * Writing a ZIP archive the way OFD readers like it: sizes and CRC in the local header, no data descriptors, no
 * directory entries, no ZIP64, entries in the given order. The same entries and time give the same bytes.
 */
import { crc32, deflateRawSync } from 'node:zlib';
import { deflateRawKept } from './deflate-kept.ts';
import { checkEntryName } from './entry-name.ts';
import type { ZipEntry } from './read-zip.ts';

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

interface Packed {
  name: Buffer;
  flags: number;
  method: number;
  crc: number;
  size: number;
  data: Uint8Array;
  dosTime: number;
  dosDate: number;
}

/**
 * The archive's bytes.
 * @param options.time goes into every new entry, as UTC+8, which is what the readers show; copied entries keep theirs.
 * Throws an Error for duplicate or unsafe names: those are mistakes of the caller.
 */
export function writeZip(entries: readonly (NewEntry | CopiedEntry)[], options: { time: Date }): Uint8Array {
  const stamp = dosStamp(options.time);
  const packed = entries.map((entry) => ('copyOf' in entry ? copy(entry.copyOf) : pack(entry, stamp)));
  const names = new Set(packed.map(({ name }) => name.toString('latin1')));
  if (names.size !== packed.length) throw new Error('two archive entries of one name');
  if (packed.length > 0xfffe) throw new Error('too many archive entries');
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of packed) {
    directory.push(directoryHeader(entry, offset), entry.name);
    const header = localHeader(entry);
    parts.push(header, entry.name, entry.data);
    offset += header.length + entry.name.length + entry.data.length;
  }
  const directorySize = directory.reduce((sum, part) => sum + part.length, 0);
  if (offset + directorySize > 0xfffffffe) throw new Error('archive too large');
  return Buffer.concat([...parts, ...directory, endRecord(packed.length, directorySize, offset)]);
}

function pack(entry: NewEntry, stamp: { dosTime: number; dosDate: number }): Packed {
  checkEntryName(entry.name);
  const name = Buffer.from(entry.name, 'utf8');
  const flags = name.every((byte) => byte < 0x80) ? 0 : 0x800;
  const deflated = entry.store || entry.data.length === 0 ? undefined : deflate(entry);
  const smaller = deflated && deflated.length < entry.data.length ? deflated : undefined;
  const base = { name, flags, crc: crc32(entry.data), size: entry.data.length, ...stamp };
  return smaller ? { ...base, method: 8, data: smaller } : { ...base, method: 0, data: entry.data };
}

function deflate({ data, keep = false }: NewEntry): Uint8Array {
  return keep ? deflateRawKept(data) : deflateRawSync(data, { level: 6 });
}

function copy(entry: ZipEntry): Packed {
  checkEntryName(entry.name);
  const { method, crc, size, dosTime, dosDate } = entry;
  // The name is written again in UTF-8: a GBK name would be another name to most readers.
  const name = Buffer.from(entry.name, 'utf8');
  return { name, flags: name.every((byte) => byte < 0x80) ? 0 : 0x800, method, crc, size, data: entry.compressed, dosTime, dosDate };
}

function localHeader(entry: Packed): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  writeCommon(header, entry, 6);
  return header;
}

function directoryHeader(entry: Packed, offset: number): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(20, 6);
  writeCommon(header, entry, 8);
  header.writeUInt32LE(offset, 42);
  return header;
}

function writeCommon(header: Buffer, entry: Packed, at: number): void {
  header.writeUInt16LE(entry.flags, at);
  header.writeUInt16LE(entry.method, at + 2);
  header.writeUInt16LE(entry.dosTime, at + 4);
  header.writeUInt16LE(entry.dosDate, at + 6);
  header.writeUInt32LE(entry.crc, at + 8);
  header.writeUInt32LE(entry.data.length, at + 12);
  header.writeUInt32LE(entry.size, at + 16);
  header.writeUInt16LE(entry.name.length, at + 20);
}

function endRecord(count: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(count, 8);
  record.writeUInt16LE(count, 10);
  record.writeUInt32LE(size, 12);
  record.writeUInt32LE(offset, 16);
  return record;
}

function dosStamp(time: Date): { dosTime: number; dosDate: number } {
  const local = new Date(time.getTime() + 8 * 3_600_000);
  const year = Math.min(Math.max(local.getUTCFullYear(), 1980), 2107);
  return {
    dosTime: (local.getUTCHours() << 11) | (local.getUTCMinutes() << 5) | (local.getUTCSeconds() >> 1),
    dosDate: ((year - 1980) << 9) | ((local.getUTCMonth() + 1) << 5) | local.getUTCDate(),
  };
}
