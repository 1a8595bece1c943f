/**
 * A ZIP archive made while it is sent: entries are stored as they are, one after the other, and what is kept of each is its directory
 * header. Size and CRC stand in front of the content, not in a descriptor behind it, so that readers that cannot go back read it too.
 * Any number of entries and bytes, by ZIP64.
 */
import { crc32 } from 'node:zlib';
import { checkEntryName } from './entry-name.ts';
import { GatheredBytes } from './gathered-bytes.ts';
import { directoryHeader, dosStamp, endRecords, localHeader } from './zip-records.ts';

/** Bytes of an entry from here on would need ZIP64 in its own header. */
const MAX_ENTRY_BYTES = 0xfffffffe;

export interface StreamedEntry {
  name: string;
  time: Date;
  /** Bytes. */
  size: number;
  /** CRC-32 of the content, known beforehand. */
  crc: number;
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * The archive's bytes, in order; the next entry is asked for when the one before is out. Throws an Error for names that are not safe or come
 * twice, and when an entry's content is not what was said of it: the archive then breaks off and nobody takes it for whole.
 */
export async function* streamZip(entries: AsyncIterable<StreamedEntry>): AsyncGenerator<Uint8Array, void> {
  const directory = new GatheredBytes();
  const names = new Set<string>();
  let offset = 0;
  for await (const { name: text, time, size, crc, pieces } of entries) {
    checkEntryName(text);
    if (names.has(text)) throw new Error('two archive entries of one name');
    names.add(text);
    if (size > MAX_ENTRY_BYTES) throw new Error('archive entry too large');
    const name = Buffer.from(text, 'utf8');
    const facts = { name, method: 0, crc, size, compressedSize: size, ...dosStamp(time) };
    directory.add(directoryHeader(facts, offset, { onUnix: true }));
    const header = localHeader(facts);
    yield header;
    yield* promised(pieces, { size, crc });
    offset += header.length + size;
  }
  yield* directory.pieces();
  yield endRecords(names.size, directory.length, offset);
}

async function* promised(
  pieces: StreamedEntry['pieces'],
  { size, crc }: Pick<StreamedEntry, 'size' | 'crc'>,
): AsyncGenerator<Uint8Array, void> {
  let [bytes, sum] = [0, 0];
  for await (const piece of pieces) {
    bytes += piece.length;
    sum = crc32(piece, sum);
    yield piece;
  }
  if (bytes !== size || sum !== crc) throw new Error('the content of an archive entry is not what was said of it');
}
