/**
 * The form of a signature dictionary: what /ByteRange and /Contents must say to each other (ISO 32000-2 §12.8.1,
 * EN 319 142-1 §5.4). Universal forgery, incremental saving and wrapping all break one of these rules.
 */
import { hexDigit, spanOf } from './lexer.ts';
import { integerOf, isArray, isString, nameOf, type PdfDict } from './pdf-values.ts';

export interface SignedRange {
  /** The gap: from `<` to after `>` of Contents. */
  readonly gapStart: number;
  readonly gapEnd: number;
  /** Where the signed bytes end. */
  readonly end: number;
}

export type DictionaryJudgement = { readonly range: SignedRange; readonly contents: Uint8Array } | { readonly fault: string };

/** Reads and judges the dictionary as it stands in the file. Never throws. */
export function judgeDictionary(file: Uint8Array, dict: PdfDict): DictionaryJudgement {
  if (dict.source !== file) return { fault: 'signature-in-object-stream' };
  if (dict.duplicates.length > 0) return { fault: 'duplicate-keys' };
  const type = nameOf(dict.entries.get('Type'));
  if (type !== undefined && type !== 'Sig' && type !== 'DocTimeStamp') return { fault: 'wrong-type' };
  const range = dict.entries.get('ByteRange');
  if (!isArray(range)) return { fault: 'byte-range-missing' };
  const numbers = range.items.map((item) => integerOf(item));
  if (numbers.length !== 4 || numbers.some((number) => number === undefined || number < 0)) return { fault: 'byte-range-not-four-numbers' };
  const [start1 = 0, length1 = 0, start2 = 0, length2 = 0] = numbers as number[];
  const contents = dict.entries.get('Contents');
  const span = spanOf(dict, 'Contents');
  if (!isString(contents) || !contents.hex || !span) return { fault: 'contents-missing' };
  if (start1 !== 0) return { fault: 'byte-range-not-from-start' };
  if (start2 + length2 > file.length) return { fault: 'byte-range-past-end' };
  if (length1 !== span.start || start2 !== span.end) return { fault: 'byte-range-gap-not-contents' };
  if (length2 === 0) return { fault: 'byte-range-empty' };
  if (file[length1] !== 0x3c || file[start2 - 1] !== 0x3e) return { fault: 'byte-range-gap-not-contents' };
  for (let at = length1 + 1; at < start2 - 1; at++) if (hexDigit(file[at]) < 0) return { fault: 'contents-not-hexadecimal' };
  if ((start2 - length1) % 2 !== 0) return { fault: 'contents-not-hexadecimal' };
  if (start2 + length2 < dict.end) return { fault: 'byte-range-cuts-dictionary' };
  if (contents.bytes.every((byte) => byte === 0)) return { fault: 'contents-empty' };
  return { range: { gapStart: length1, gapEnd: start2, end: start2 + length2 }, contents: contents.bytes };
}

/**
 * The signed bytes in one piece, put into `scratch`, which the next signature of the file may use again: a copy for
 * each would hold the file many times over.
 */
export function signedBytes(file: Uint8Array, { gapStart, gapEnd, end }: SignedRange, scratch: Uint8Array): Uint8Array {
  scratch.set(file.subarray(0, gapStart), 0);
  scratch.set(file.subarray(gapEnd, end), gapStart);
  return scratch.subarray(0, end - gapEnd + gapStart);
}

/** Whether only zeros follow the first `length` bytes. */
export function isZeroAfter(contents: Uint8Array, length: number): boolean {
  for (let at = length; at < contents.length; at++) if (contents[at] !== 0) return false;
  return true;
}

/** The DER value at the start of padded Contents; undefined when anything but zeros follows. */
export function unpad(contents: Uint8Array): Uint8Array | undefined {
  const first = contents[1] ?? 0;
  const count = first > 0x80 ? first & 0x7f : 0;
  let length = first;
  if (count > 0) length = contents.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  const end = 2 + count + length;
  return count <= 4 && first !== 0x80 && end <= contents.length && isZeroAfter(contents, end) ? contents.subarray(0, end) : undefined;
}
