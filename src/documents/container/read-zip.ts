/**
 * Reading a ZIP archive (APPNOTE 6.2 level: stored or deflated, one volume) whose bytes are not trusted.
 * Everything goes through the central directory, because real OFD producers write local headers that stream readers
 * stumble over. What two readers might understand differently is refused: duplicate names, overlapping entries, a local
 * header of another name, a second archive hidden in front, behind or between the entries, or in what a stream reader
 * would not take for an entry's content.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { type ByteSource, bytesInMemory } from './byte-source.ts';
import { checkEntryName, decodeEntryName, nameInGbk } from './entry-name.ts';
import { type EndRecord, findEndRecord } from './find-end-record.ts';
import { ZipError } from './zip-error.ts';

export interface ZipLimits {
  maxEntries: number;
  maxInflatedBytes: number;
  maxEntryBytes: number;
  /** Inflated ÷ compressed size of one entry; asked only of entries that inflate to more than eight mebibytes. */
  maxRatio: number;
  /**
   * For an archive that only brings files, of which no signature speaks: two readers may differ on what lies within its entries or in
   * front, so neither is searched, and opening it costs its directory alone.
   */
  onlyCarries?: boolean;
}

export const DEFAULT_ZIP_LIMITS: ZipLimits = {
  maxEntries: 20_000,
  maxInflatedBytes: 256 * 1024 * 1024,
  maxEntryBytes: 64 * 1024 * 1024,
  maxRatio: 200,
};

export interface ZipEntry {
  readonly name: string;
  readonly rawName: Uint8Array;
  readonly method: 0 | 8;
  readonly flags: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly dosTime: number;
  readonly dosDate: number;
  /** The bytes as they stand in the archive, not inflated. From a file they are read each time. */
  readonly compressed: Uint8Array;
  /** The same in pieces that are no burden. */
  pieces(): Iterable<Uint8Array>;
}

const PIECE_BYTES = 1024 * 1024;

const LOCAL = 0x04034b50;
const LOCAL_MARK = 'PK\x03\x04';
const CENTRAL = 0x02014b50;
const LOCAL_HEADER_BYTES = 30;
const DIRECTORY_HEADER_BYTES = 46;
const UNICODE_PATH = 0x7075;
/** File type in the mode that Unix leaves in the external attributes. */
const UNIX_TYPE = 0o170000;
const UNIX_LINK = 0o120000;
const RATIO_FLOOR_BYTES = 8 * 1024 * 1024;

/** An opened archive. Entries are inflated when they are asked for; the result is not kept. */
export class ZipArchive {
  /** Files by name, in the order of the central directory. Directory entries are left out. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly warnings: readonly string[];

  constructor(entries: ReadonlyMap<string, ZipEntry>, warnings: readonly string[]) {
    this.entries = entries;
    this.warnings = warnings;
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** The file's bytes, checked against size and CRC. Throws ZipError when missing or damaged. */
  read(name: string): Uint8Array {
    const entry = this.entries.get(name);
    if (!entry) throw new ZipError('entry-missing', name);
    return inflateEntry(entry);
  }
}

/** Opens an archive. Throws ZipError with a reason code for anything that is not safe to read. */
export function readZip(archive: Uint8Array | ByteSource, limits: ZipLimits = DEFAULT_ZIP_LIMITS): ZipArchive {
  const source = archive instanceof Uint8Array ? bytesInMemory(archive) : archive;
  const warnings = new Set<string>();
  const end = findEndRecord(source, warnings);
  const entries = new Map<string, ZipEntry>();
  const spans: Span[] = [{ start: end.directory, end: source.length }];
  const seen = new Set<string>();
  const contents: Content[] = [];
  let offset = end.directory;
  let inflated = 0;
  if (end.count > limits.maxEntries) throw new ZipError('too-many-entries');
  for (let i = 0; i < end.count; i++) {
    const { entry, isLink, data, span, next } = readDirectoryEntry(source, offset, end, warnings);
    offset = next;
    spans.push(span);
    if (seen.has(entry.name)) throw new ZipError('duplicate-entry', entry.name);
    seen.add(entry.name);
    inflated += entry.size;
    assertSize(entry, inflated, limits);
    contents.push({ entry, isLink, data, end: span.end });
    if (!entry.name.endsWith('/')) entries.set(entry.name, entry);
    else if (entry.size !== 0) throw new ZipError('directory-with-content', entry.name);
  }
  if (offset !== end.offset) {
    if (offset > end.offset) throw new ZipError('central-directory-overrun');
    // Some readers go on to the end record whatever the stated number of entries.
    if (holds(source, offset, end.offset, 'PK\x01\x02')) throw new ZipError('hidden-entry');
    warnings.add('zip-gap-after-directory');
  }
  for (const name of entries.keys()) if (seen.has(`${name}/`)) throw new ZipError('duplicate-entry', name);
  assertNoHiddenEntries(source, spans, warnings, limits.onlyCarries === true);
  if (limits.onlyCarries) return new ZipArchive(entries, [...warnings]);
  assertUnpacksAsItReads(contents);
  // Now that no two overlap, all of them together are no longer than the file.
  for (const { entry, data, end: dataEnd } of contents) {
    if (holds(source, data.start, dataEnd, LOCAL_MARK)) assertReadAlike(entry, data.isSized);
  }
  return new ZipArchive(entries, [...warnings]);
}

interface Content {
  entry: ZipEntry;
  isLink: boolean;
  data: LocalData;
  end: number;
}

interface Span {
  start: number;
  end: number;
}

/** Where an entry's data lies, and whether its local header tells a stream reader how long it is. */
interface LocalData {
  start: number;
  isSized: boolean;
}

function readDirectoryEntry(
  source: ByteSource,
  offset: number,
  end: EndRecord,
  warnings: Set<string>,
): { entry: ZipEntry; isLink: boolean; data: LocalData; span: Span; next: number } {
  if (offset + DIRECTORY_HEADER_BYTES > end.offset) throw new ZipError('central-directory-damaged');
  const header = source.read(offset, offset + DIRECTORY_HEADER_BYTES);
  if (header.readUInt32LE() !== CENTRAL) throw new ZipError('central-directory-damaged');
  const flags = header.readUInt16LE(8);
  const method = header.readUInt16LE(10);
  const compressedSize = header.readUInt32LE(20);
  const nameLength = header.readUInt16LE(28);
  const extraLength = header.readUInt16LE(30);
  const next = offset + DIRECTORY_HEADER_BYTES + nameLength + extraLength + header.readUInt16LE(32);
  if (next > end.offset) throw new ZipError('central-directory-damaged');
  const tail = source.read(offset + DIRECTORY_HEADER_BYTES, next);
  const rawName = tail.subarray(0, nameLength);
  const name = decodeEntryName(rawName, (flags & 0x800) !== 0, warnings);
  checkEntryName(name);
  assertNoOtherName(tail.subarray(nameLength, nameLength + extraLength), name);
  if (flags & 0x2041) throw new ZipError('encrypted-entry', name, true);
  if (method !== 0 && method !== 8) throw new ZipError('compression-method', name, true);
  const local = end.prefix + header.readUInt32LE(42);
  const data = readLocalHeader(source, local, { name, rawName, method, flags, header }, end.directory, warnings);
  const dataStart = data.start;
  const dataEnd = dataStart + compressedSize;
  if (dataEnd > end.directory) throw new ZipError('entry-outside-archive', name);
  const entry: ZipEntry = {
    name,
    rawName,
    method,
    flags,
    crc: header.readUInt32LE(16),
    compressedSize,
    size: header.readUInt32LE(24),
    dosTime: header.readUInt16LE(12),
    dosDate: header.readUInt16LE(14),
    get compressed() {
      return source.read(dataStart, dataEnd);
    },
    *pieces() {
      for (let at = dataStart; at < dataEnd; at += PIECE_BYTES) yield source.read(at, Math.min(dataEnd, at + PIECE_BYTES));
    },
  };
  const isLink = ((header.readUInt32LE(38) >>> 16) & UNIX_TYPE) === UNIX_LINK;
  return { entry, isLink, data, span: { start: local, end: dataEnd }, next };
}

/**
 * A reader that unpacks would go through a link to another file, or find a file where a folder should be; one that takes every name for
 * GBK, a file under the name of another.
 */
function assertUnpacksAsItReads(contents: readonly Content[]): void {
  const folders = new Set<string>();
  for (const { entry } of contents) {
    const name = entry.name.toLowerCase();
    for (let slash = name.lastIndexOf('/', name.length - 2); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
      const folder = name.slice(0, slash);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  const names = new Set(contents.map(({ entry }) => entry.name));
  for (const { entry, isLink } of contents) {
    if (isLink) throw new ZipError('entry-is-link', entry.name);
    if (names.has(nameInGbk(entry.rawName) ?? '')) throw new ZipError('entry-with-two-names', entry.name);
    if (folders.has(entry.name.toLowerCase())) throw new ZipError('duplicate-entry', entry.name);
  }
}

/**
 * An archive within an entry is content, as long as stream readers take it for that too: they learn the length of stored data
 * from the local header, and of deflated data from the data itself.
 */
function assertReadAlike(entry: ZipEntry, isSized: boolean): void {
  if (entry.method === 0) {
    if (!isSized) throw new ZipError('hidden-entry', entry.name);
    return;
  }
  try {
    // With `info` the engine comes along, which the types do not know.
    const options = { info: true, maxOutputLength: Math.max(1, entry.size) } as const;
    const { engine } = inflateRawSync(entry.compressed, options) as unknown as { engine: { bytesWritten: number } };
    if (engine.bytesWritten !== entry.compressedSize) throw new ZipError('hidden-entry', entry.name);
  } catch (cause) {
    throw cause instanceof ZipError ? cause : new ZipError('entry-damaged', entry.name, false, cause);
  }
}

interface Central {
  name: string;
  rawName: Buffer;
  method: number;
  flags: number;
  header: Buffer;
}

/** Checks the local header against the directory and says where the data starts. */
function readLocalHeader(source: ByteSource, local: number, entry: Central, directory: number, warnings: Set<string>): LocalData {
  if (local + LOCAL_HEADER_BYTES > directory) throw new ZipError('local-header-missing', entry.name);
  const header = source.read(local, local + LOCAL_HEADER_BYTES);
  if (header.readUInt32LE() !== LOCAL) throw new ZipError('local-header-missing', entry.name);
  const nameLength = header.readUInt16LE(26);
  const dataStart = local + LOCAL_HEADER_BYTES + nameLength + header.readUInt16LE(28);
  if (dataStart > directory) throw new ZipError('entry-outside-archive', entry.name);
  const tail = source.read(local + LOCAL_HEADER_BYTES, dataStart);
  if (!tail.subarray(0, nameLength).equals(entry.rawName)) throw new ZipError('local-header-mismatch', entry.name);
  const isAscii = entry.rawName.every((byte) => byte < 0x80);
  const flagsDiffer = (header.readUInt16LE(6) ^ entry.flags) & (isAscii ? 1 : 0x801);
  if (flagsDiffer) throw new ZipError('local-header-mismatch', entry.name);
  assertNoOtherName(tail.subarray(nameLength), entry.name);
  if (header.readUInt16LE(8) !== entry.method) throw new ZipError('local-header-mismatch', entry.name);
  let isSized = ((entry.flags | header.readUInt16LE(6)) & 8) === 0;
  // CRC, compressed size and size: left for the data descriptor they do not count, otherwise they must not contradict.
  for (const [at, central] of [
    [14, 16],
    [18, 20],
    [22, 24],
  ] as const) {
    const here = header.readUInt32LE(at);
    if (here === entry.header.readUInt32LE(central)) continue;
    const isDescribedLater = (entry.flags & 8) !== 0;
    if (!isDescribedLater && here !== 0 && here !== 0xffffffff) throw new ZipError('local-header-mismatch', entry.name);
    if (at !== 14) isSized = false;
    if (!isDescribedLater || here !== 0) warnings.add('zip-local-header-incomplete');
  }
  return { start: dataStart, isSized };
}

/** Info-ZIP's Unicode Path field gives an entry a second name, which some readers prefer: it must be the same. */
function assertNoOtherName(extra: Buffer, name: string): void {
  for (let at = 0; at + 4 <= extra.length; ) {
    const size = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === UNICODE_PATH) {
      const other = extra.subarray(at + 9, at + 4 + size).toString('utf8');
      if (other !== name) throw new ZipError('entry-with-two-names', name);
    }
    at += 4 + size;
  }
}

function assertSize(entry: ZipEntry, inflatedSoFar: number, limits: ZipLimits): void {
  if (entry.method === 0 && entry.size !== entry.compressedSize) throw new ZipError('size-mismatch', entry.name);
  if (entry.size > limits.maxEntryBytes) throw new ZipError('entry-too-large', entry.name);
  if (inflatedSoFar > limits.maxInflatedBytes) throw new ZipError('archive-too-large');
  if (entry.size > RATIO_FLOOR_BYTES && entry.size > entry.compressedSize * limits.maxRatio) {
    throw new ZipError('compression-ratio', entry.name);
  }
}

/** Refuses overlaps, and local headers in bytes that belong to no entry: a stream reader would see another archive. */
function assertNoHiddenEntries(source: ByteSource, spans: Span[], warnings: Set<string>, onlyCarries: boolean): void {
  spans.sort((a, b) => a.start - b.start);
  let covered = 0;
  for (const span of spans) {
    if (span.start < covered) throw new ZipError('overlapping-entries');
    if (!onlyCarries && holds(source, covered, span.start, LOCAL_MARK)) throw new ZipError('hidden-entry');
    // A data descriptor has 12 or 16 bytes (with ZIP64 sizes 20 or 24).
    if (covered > 0 && span.start - covered > 24) warnings.add('zip-gap-between-entries');
    covered = span.end;
  }
}

/** Whether these four characters stand somewhere there. */
function holds(source: ByteSource, start: number, end: number, mark: string): boolean {
  // Pieces overlap by three bytes, so that no mark falls between two of them.
  for (let at = start; at + 4 <= end; at += PIECE_BYTES - 3) {
    if (source.read(at, Math.min(end, at + PIECE_BYTES)).indexOf(mark, 0, 'latin1') >= 0) return true;
  }
  return false;
}

function inflateEntry(entry: ZipEntry): Uint8Array {
  let data: Uint8Array;
  if (entry.method === 0) data = entry.compressed;
  else if (entry.size === 0 && entry.compressedSize === 0) data = new Uint8Array(0);
  else {
    try {
      // One buffer of the size the entry states: pieces would be held twice while they are joined.
      data = inflateRawSync(entry.compressed, { maxOutputLength: Math.max(1, entry.size), chunkSize: Math.max(64, entry.size + 1) });
    } catch (cause) {
      throw new ZipError('entry-damaged', entry.name, false, cause);
    }
  }
  if (data.length !== entry.size) throw new ZipError('size-mismatch', entry.name);
  if (crc32(data) !== entry.crc) throw new ZipError('crc-mismatch', entry.name);
  return data;
}
