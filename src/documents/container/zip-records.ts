/** Headers and end records of a ZIP archive that is written (APPNOTE 4.3). ZIP64 records only where the old ones have no room. */

export interface DosStamp {
  dosTime: number;
  dosDate: number;
}

/** What the headers of an entry say of it. It is below 4 GiB. */
export interface StoredFacts extends DosStamp {
  /** In UTF-8. */
  name: Buffer;
  /** 0 stored, 8 deflated. */
  method: number;
  crc: number;
  size: number;
  compressedSize: number;
}

/** From here a field of two or four bytes says no more than that ZIP64 has the number. */
const FULL_16 = 0xffff;
const FULL_32 = 0xffffffff;
const OLD_VERSION = 20;
const ZIP64_VERSION = 45;
const ZIP64_EXTRA = 0x0001;
/** Flag of names that are not ASCII. */
const UTF8 = 0x800;
const UNIX = 3 << 8;
/** Regular, rw-r--r--. */
const UNIX_FILE = 0o100644 * 0x10000;

/** With the name behind it; the length of extra fields stays zero. */
export function localHeader(entry: StoredFacts): Buffer {
  const header = Buffer.alloc(30 + entry.name.length);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(OLD_VERSION, 4);
  writeCommon(header, entry, 6);
  entry.name.copy(header, 30);
  return header;
}

/**
 * @param offset where the entry's local header stands in the archive.
 * @param options.onUnix written on Unix, an ordinary file that its owner may write and all may read. Info-ZIP as Debian builds it takes names of
 * archives from elsewhere for a code page of DOS, even those marked as UTF-8.
 */
export function directoryHeader(entry: StoredFacts, offset: number, { onUnix = false } = {}): Buffer {
  const isFar = offset >= FULL_32;
  const version = isFar ? ZIP64_VERSION : OLD_VERSION;
  const header = Buffer.alloc(46 + entry.name.length + (isFar ? 12 : 0));
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(onUnix ? UNIX | version : version, 4);
  header.writeUInt16LE(version, 6);
  writeCommon(header, entry, 8);
  if (onUnix) header.writeUInt32LE(UNIX_FILE, 38);
  header.writeUInt32LE(isFar ? FULL_32 : offset, 42);
  entry.name.copy(header, 46);
  if (isFar) {
    const extra = 46 + entry.name.length;
    header.writeUInt16LE(12, 30);
    header.writeUInt16LE(ZIP64_EXTRA, extra);
    header.writeUInt16LE(8, extra + 2);
    header.writeBigUInt64LE(BigInt(offset), extra + 4);
  }
  return header;
}

function writeCommon(header: Buffer, entry: StoredFacts, at: number): void {
  header.writeUInt16LE(entry.name.every((byte) => byte < 0x80) ? 0 : UTF8, at);
  header.writeUInt16LE(entry.method, at + 2);
  header.writeUInt16LE(entry.dosTime, at + 4);
  header.writeUInt16LE(entry.dosDate, at + 6);
  header.writeUInt32LE(entry.crc, at + 8);
  header.writeUInt32LE(entry.compressedSize, at + 12);
  header.writeUInt32LE(entry.size, at + 16);
  header.writeUInt16LE(entry.name.length, at + 20);
}

/** What stands behind the directory of so many entries and bytes that begins there. */
export function endRecords(count: number, size: number, offset: number): Buffer {
  const isLarge = count >= FULL_16 || size >= FULL_32 || offset >= FULL_32;
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(Math.min(count, FULL_16), 8);
  record.writeUInt16LE(Math.min(count, FULL_16), 10);
  record.writeUInt32LE(Math.min(size, FULL_32), 12);
  record.writeUInt32LE(Math.min(offset, FULL_32), 16);
  return isLarge ? Buffer.concat([largeEndRecord(count, size, offset), record]) : record;
}

/** The ZIP64 end record and where it stands. */
function largeEndRecord(count: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(ZIP64_VERSION, 12);
  record.writeUInt16LE(ZIP64_VERSION, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + size), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

/** As UTC+8, which is what the readers show. */
export function dosStamp(time: Date): DosStamp {
  const local = new Date(time.getTime() + 8 * 3_600_000);
  const year = Math.min(Math.max(local.getUTCFullYear(), 1980), 2107);
  return {
    dosTime: (local.getUTCHours() << 11) | (local.getUTCMinutes() << 5) | (local.getUTCSeconds() >> 1),
    dosDate: ((year - 1980) << 9) | ((local.getUTCMonth() + 1) << 5) | local.getUTCDate(),
  };
}
