/**
 * The array of a Token Status List (draft-ietf-oauth-status-list-20 §4): `bits` per entry, the first entry in the lowest
 * bits of the first byte, compressed with zlib.
 */
import { constants, deflateSync, inflateSync } from 'node:zlib';

export type StatusBits = 1 | 2 | 4 | 8;
/** 2^28 entries of two bits; more is no list of ours. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;

export interface StatusEntry {
  index: number;
  value: number;
}

/** A list of `size` entries, 0 where none is named. @throws RangeError for an entry beyond the list or the bits. */
export function packStatuses(bits: StatusBits, size: number, entries: Iterable<StatusEntry>): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((size * bits) / 8));
  for (const { index, value } of entries) {
    if (!Number.isInteger(index) || index < 0 || index >= size || value < 0 || value >= 2 ** bits) throw new RangeError('no such entry');
    const at = Math.floor((index * bits) / 8);
    const shift = (index * bits) % 8;
    bytes[at] = ((bytes[at] ?? 0) & ~((2 ** bits - 1) << shift)) | (value << shift);
  }
  return bytes;
}

/** The entry; undefined beyond the end. */
export function statusAt(bits: StatusBits, list: Uint8Array, index: number): number | undefined {
  const byte = list[Math.floor((index * bits) / 8)];
  return byte === undefined ? undefined : (byte >> ((index * bits) % 8)) & (2 ** bits - 1);
}

/** `lst` of the token. The draft recommends the highest compression. */
export function compressStatuses(list: Uint8Array): string {
  return deflateSync(list, { level: constants.Z_BEST_COMPRESSION }).toString('base64url');
}

/** @throws RangeError when it is not zlib or would grow beyond the limit. */
export function expandStatuses(lst: string): Uint8Array {
  try {
    return inflateSync(Buffer.from(lst, 'base64url'), { maxOutputLength: MAX_LIST_BYTES });
  } catch (cause) {
    throw new RangeError('not a compressed list', { cause });
  }
}
