/**
 * The end record of a ZIP archive, looked for from the back: vendors put bytes in front of archives and behind them.
 * Two records are refused, whether both fit the bytes or not: which one counts would depend on how much the reader asks of it.
 */
import type { ByteSource } from './byte-source.ts';
import { ZipError } from './zip-error.ts';

const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const LARGE_END = 0x06064b50;
const LARGE_END_BYTES = 56;
const LARGE_LOCATOR = 0x07064b50;
const LARGE_LOCATOR_BYTES = 20;
/** How far from the end the end record may lie: the longest comment and as much appended by vendors. */
const END_SEARCH_BYTES = 2 * (0xffff + END_BYTES);

export interface EndRecord {
  /** Where the end record stands. */
  offset: number;
  /** Where the central directory starts. */
  directory: number;
  /** Bytes in front of the archive; added to every stored offset. */
  prefix: number;
  count: number;
}

/** Throws ZipError when there is none, or more than one. */
export function findEndRecord(source: ByteSource, warnings: Set<string>): EndRecord {
  if (source.length < END_BYTES) throw new ZipError('not-a-zip');
  const found: EndRecord[] = [];
  let strays = 0;
  const stop = Math.max(0, source.length - END_SEARCH_BYTES);
  const tail = source.read(stop, source.length);
  for (let offset = source.length - END_BYTES; offset >= stop; offset--) {
    // What lies before the directory already found is content of its entries, not another end.
    if (found[0] && offset <= found[0].directory) break;
    if (tail[offset - stop] !== 0x50 || tail.readUInt32LE(offset - stop) !== END) continue;
    const end = readEnd(source, tail.subarray(offset - stop), offset);
    if (end) found.push(end);
    else strays += 1;
    if (found.length > 0 && found.length + strays > 1) throw new ZipError('several-archives');
  }
  const [end] = found;
  if (!end) throw new ZipError('not-a-zip');
  assertLargeEndAgrees(source, end, tail.subarray(end.offset - stop));
  if (end.prefix > 0) warnings.add('zip-data-before-archive');
  const comment = tail.readUInt16LE(end.offset - stop + 20);
  if (end.offset + END_BYTES + comment !== source.length) warnings.add('zip-data-after-archive');
  return end;
}

/** The end record at this place, if it fits the bytes in front of it. */
function readEnd(source: ByteSource, record: Buffer, offset: number): EndRecord | undefined {
  const disks = record.readUInt16LE(4) | record.readUInt16LE(6);
  const here = record.readUInt16LE(8);
  const count = record.readUInt16LE(10);
  const size = record.readUInt32LE(12);
  const start = record.readUInt32LE(16);
  const comment = record.readUInt16LE(20);
  if (offset + END_BYTES + comment > source.length) return undefined;
  if (count === 0xffff || size === 0xffffffff || start === 0xffffffff) throw new ZipError('zip64', undefined, true);
  if (disks !== 0 || here !== count) return undefined;
  const directory = offset - size;
  const prefix = directory - start;
  if (directory < 0 || prefix < 0) return undefined;
  if (count > 0 && (directory + 4 > offset || source.read(directory, directory + 4).readUInt32LE() !== CENTRAL)) {
    // Bytes between directory and end record: trust the stored offset then.
    if (start + 4 <= offset && source.read(start, start + 4).readUInt32LE() === CENTRAL)
      return { offset, directory: start, prefix: 0, count };
    return undefined;
  }
  // Readers that go by the stored offset must not find another directory there.
  const another = prefix > 0 && start + 4 <= offset && source.read(start, start + 4).readUInt32LE() === CENTRAL;
  if (another) throw new ZipError('several-archives');
  return { offset, directory, prefix, count };
}

/** Some readers believe ZIP64 records in front of an end record that needs none: they must say the same as it does. */
function assertLargeEndAgrees(source: ByteSource, { offset, prefix }: EndRecord, record: Buffer): void {
  const locatorAt = offset - LARGE_LOCATOR_BYTES;
  if (locatorAt < 0) return;
  const locator = source.read(locatorAt, offset);
  if (locator.readUInt32LE() !== LARGE_LOCATOR) return;
  const at = locatorAt - LARGE_END_BYTES;
  const large = at < 0 ? undefined : source.read(at, locatorAt);
  const agrees =
    large?.readUInt32LE() === LARGE_END &&
    locator.readBigUInt64LE(8) === BigInt(at - prefix) &&
    large.readBigUInt64LE(32) === BigInt(record.readUInt16LE(10)) &&
    large.readBigUInt64LE(40) === BigInt(record.readUInt32LE(12)) &&
    large.readBigUInt64LE(48) === BigInt(record.readUInt32LE(16));
  if (!agrees) throw new ZipError('several-archives');
}
