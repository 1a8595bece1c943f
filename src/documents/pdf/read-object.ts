/** An indirect object at a byte offset: `12 0 obj … endobj`, with its stream data if it has any (ISO 32000-1 §7.3.8, §7.3.10). */
import { isWhiteSpace, Lexer, type ValueBudget } from './lexer.ts';
import { isDict, isRef, PdfError, type PdfValue } from './pdf-values.ts';

export interface IndirectObject {
  readonly num: number;
  readonly gen: number;
  readonly value: PdfValue;
  readonly start: number;
  /** After `endobj`. */
  readonly end: number;
  /** Something about it is read differently by different readers: wrong stream length, missing `endobj`. */
  readonly irregular: boolean;
  /** Its stream length is a reference, so that another revision may read it differently. */
  readonly lengthRef?: number;
}

/**
 * Reads the object whose number stands at `offset`. Throws PdfError when there is none.
 * @param resolveLength answers what an indirect /Length says; undefined makes the data end at the first `endstream`.
 */
export function readIndirectObject(
  bytes: Uint8Array,
  offset: number,
  end: number,
  resolveLength: (num: number) => number | undefined,
  budget?: ValueBudget,
): IndirectObject {
  if (offset < 0 || offset >= end) throw new PdfError('object-outside-file');
  const lexer = new Lexer(bytes, offset, end, budget);
  lexer.skipSpace();
  const start = lexer.position;
  const num = lexer.takeUnsigned();
  lexer.skipSpace();
  const gen = lexer.takeUnsigned();
  lexer.skipSpace();
  if (num === undefined || gen === undefined || !takeObj(lexer)) throw new PdfError('object-not-found', `no object at ${offset}`);
  const value = lexer.readValue();
  lexer.skipSpace();
  if (!isDict(value) || !takePrefix(lexer, 'stream')) {
    const closed = takePrefix(lexer, 'endobj');
    return { num, gen, value, start, end: lexer.position, irregular: !closed };
  }
  const dataStart = skipStreamEol(bytes, lexer.position);
  const lengthValue = value.entries.get('Length');
  const lengthRef = isRef(lengthValue) ? lengthValue.num : undefined;
  const length = lengthRef === undefined ? lengthValue : resolveLength(lengthRef);
  const found = endOfData(bytes, dataStart, end, typeof length === 'number' ? length : undefined);
  lexer.position = found.after;
  lexer.skipSpace();
  const closed = takePrefix(lexer, 'endobj');
  const stream: PdfValue = {
    kind: 'stream',
    dict: value,
    data: bytes.subarray(dataStart, found.dataEnd),
    start: dataStart,
    end: found.dataEnd,
  };
  return {
    num,
    gen,
    value: stream,
    start,
    end: lexer.position,
    irregular: !closed || !found.exact,
    ...(lengthRef === undefined ? {} : { lengthRef }),
  };
}

/** `obj` may be followed at once by a number in compact files. */
function takeObj(lexer: Lexer): boolean {
  return takePrefix(lexer, 'obj');
}

function takePrefix(lexer: Lexer, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    if (lexer.position + i >= lexer.end || lexer.bytes[lexer.position + i] !== word.charCodeAt(i)) return false;
  }
  lexer.position += word.length;
  return true;
}

/** After `stream` comes CRLF or LF; a lone CR is against the standard and not skipped by most readers. */
function skipStreamEol(bytes: Uint8Array, at: number): number {
  if (bytes[at] === 13 && bytes[at + 1] === 10) return at + 2;
  return bytes[at] === 10 || bytes[at] === 13 ? at + 1 : at;
}

/** Where the data ends: by /Length if `endstream` follows there, otherwise at the first `endstream`. */
function endOfData(
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number | undefined,
): { dataEnd: number; after: number; exact: boolean } {
  if (length !== undefined && Number.isSafeInteger(length) && length >= 0 && start + length <= end) {
    let at = start + length;
    while (at < end && at < start + length + 4 && isWhiteSpace(bytes[at])) at++;
    const lexer = new Lexer(bytes, at, end);
    if (takePrefix(lexer, 'endstream')) return { dataEnd: start + length, after: lexer.position, exact: true };
  }
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, end).indexOf('endstream', start);
  if (at < 0) throw new PdfError('truncated', 'stream without end');
  let dataEnd = at;
  if (dataEnd > start && bytes[dataEnd - 1] === 10) dataEnd--;
  if (dataEnd > start && bytes[dataEnd - 1] === 13) dataEnd--;
  return { dataEnd, after: at + 'endstream'.length, exact: false };
}
