/**
 * The end record of a ZIP archive, looked for from the back: vendors put bytes in front of archives and behind them.
 * Two records that both fit the bytes are refused, because which one counts would depend on the reader.
 */
import { ZipError } from './zip-error.ts';

const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
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
export function findEndRecord(view: Buffer, warnings: Set<string>): EndRecord {
  if (view.length < END_BYTES) throw new ZipError('not-a-zip');
  const found: EndRecord[] = [];
  const stop = Math.max(0, view.length - END_SEARCH_BYTES);
  for (let offset = view.length - END_BYTES; offset >= stop; offset--) {
    // What lies before the directory already found is content of its entries, not another end.
    if (found[0] && offset <= found[0].directory) break;
    if (view[offset] !== 0x50 || view.readUInt32LE(offset) !== END) continue;
    const end = readEnd(view, offset);
    if (end) found.push(end);
    else warnings.add('zip-stray-end-record');
    if (found.length > 1) throw new ZipError('several-archives');
  }
  const [end] = found;
  if (!end) throw new ZipError('not-a-zip');
  if (end.prefix > 0) warnings.add('zip-data-before-archive');
  const comment = view.readUInt16LE(end.offset + 20);
  if (end.offset + END_BYTES + comment !== view.length) warnings.add('zip-data-after-archive');
  return end;
}

/** The end record at this place, if it fits the bytes in front of it. */
function readEnd(view: Buffer, offset: number): EndRecord | undefined {
  const disks = view.readUInt16LE(offset + 4) | view.readUInt16LE(offset + 6);
  const here = view.readUInt16LE(offset + 8);
  const count = view.readUInt16LE(offset + 10);
  const size = view.readUInt32LE(offset + 12);
  const start = view.readUInt32LE(offset + 16);
  const comment = view.readUInt16LE(offset + 20);
  if (offset + END_BYTES + comment > view.length) return undefined;
  if (count === 0xffff || size === 0xffffffff || start === 0xffffffff) throw new ZipError('zip64', undefined, true);
  if (disks !== 0 || here !== count) return undefined;
  const directory = offset - size;
  const prefix = directory - start;
  if (directory < 0 || prefix < 0) return undefined;
  if (count > 0 && (directory + 4 > offset || view.readUInt32LE(directory) !== CENTRAL)) {
    // Bytes between directory and end record: trust the stored offset then.
    if (start + 4 <= offset && view.readUInt32LE(start) === CENTRAL) return { offset, directory: start, prefix: 0, count };
    return undefined;
  }
  return { offset, directory, prefix, count };
}
