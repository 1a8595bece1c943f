/**
 * One cross-reference section: a table with its trailer, or a cross-reference stream (ISO 32000-1 §7.5.4–7.5.8).
 * A table with /XRefStm (hybrid) carries the stream's entries beside its own.
 */
import { decodeStream } from './decode-stream.ts';
import { isWhiteSpace, Lexer } from './lexer.ts';
import { integerOf, isArray, isDict, isRef, isStream, nameOf, type PdfDict, PdfError, type PdfStream } from './pdf-values.ts';
import { readIndirectObject } from './read-object.ts';

export type XrefEntry =
  | { readonly type: 'free' }
  | { readonly type: 'plain'; readonly offset: number; readonly gen: number }
  | { readonly type: 'compressed'; readonly container: number; readonly index: number };

export interface XrefSection {
  readonly offset: number;
  /** Where the section ends: after its trailer dictionary, or after the stream's `endobj`. */
  readonly end: number;
  readonly kind: 'table' | 'stream';
  readonly entries: ReadonlyMap<number, XrefEntry>;
  /** Hybrid files: entries that count where the table says free or nothing (§7.5.8.4). */
  readonly hidden?: Pick<XrefSection, 'offset' | 'end' | 'entries' | 'irregular'>;
  readonly trailer: PdfDict;
  readonly previous: number | undefined;
  /** An object listed twice, or a stream with more than it says or of a kind that some readers give up on. */
  readonly irregular: boolean;
  /** Number of the cross-reference stream object itself. */
  readonly ownNumber?: number;
}

export interface XrefLimits {
  maxObjects: number;
  maxStreamBytes: number;
}

/** Poppler gives up on wider ones. */
const MAX_TYPE_WIDTH = 4;

/** What a section lists, and after it what a hybrid one hides. */
export function* listedBy({ entries, hidden }: Pick<XrefSection, 'entries' | 'hidden'>): Generator<readonly [number, XrefEntry]> {
  yield* entries;
  if (hidden) yield* hidden.entries;
}

const FREE: XrefEntry = { type: 'free' };

/** Reads the section at `offset`. Throws PdfError when there is none. */
export function readXrefSection(bytes: Uint8Array, offset: number, limits: XrefLimits): XrefSection {
  const lexer = new Lexer(bytes, offset);
  lexer.skipSpace();
  return lexer.takeWord('xref') ? readTable(bytes, offset, lexer, limits) : readXrefStream(bytes, offset, limits);
}

function readTable(bytes: Uint8Array, offset: number, lexer: Lexer, limits: XrefLimits): XrefSection {
  const entries = new Map<number, XrefEntry>();
  let listed = 0;
  for (;;) {
    lexer.skipSpace();
    if (lexer.takeWord('trailer')) break;
    const first = lexer.takeUnsigned();
    lexer.skipSpace();
    const count = lexer.takeUnsigned();
    if (first === undefined || count === undefined) throw new PdfError('xref-broken', 'no subsection');
    if (count > limits.maxObjects || entries.size + count > limits.maxObjects) throw new PdfError('too-many-objects');
    listed += count;
    for (let i = 0; i < count; i++) {
      const entry = readTableEntry(lexer);
      // Some writers begin the first subsection at 1 although its first entry is the head of the free list.
      if (!entries.has(first + i)) entries.set(first + i, entry);
    }
  }
  const trailer = lexer.readValue();
  if (!isDict(trailer)) throw new PdfError('xref-broken', 'no trailer');
  const hiddenAt = integerOf(trailer.entries.get('XRefStm'));
  const hidden = hiddenAt === undefined ? undefined : readXrefStream(bytes, hiddenAt, limits);
  return {
    offset,
    end: lexer.position,
    kind: 'table',
    entries,
    irregular: listed !== entries.size,
    trailer,
    previous: previousOf(trailer),
    ...(hidden ? { hidden: { offset: hidden.offset, end: hidden.end, entries: hidden.entries, irregular: hidden.irregular } } : {}),
  };
}

function readTableEntry(lexer: Lexer): XrefEntry {
  lexer.skipSpace();
  const place = lexer.takeUnsigned();
  lexer.skipSpace();
  const gen = lexer.takeUnsigned();
  lexer.skipSpace();
  if (place === undefined || gen === undefined) throw new PdfError('xref-broken', 'no entry');
  if (lexer.takeWord('n')) return { type: 'plain', offset: place, gen };
  if (lexer.takeWord('f')) return FREE;
  throw new PdfError('xref-broken', 'entry neither n nor f');
}

function previousOf(trailer: PdfDict): number | undefined {
  const value = trailer.entries.get('Prev');
  if (value === undefined || value === null) return undefined;
  const offset = integerOf(value);
  // A reference is against the standard but written by some; nothing else can be an offset.
  if (offset === undefined || offset < 0) throw new PdfError('xref-broken', 'bad Prev');
  return offset;
}

function readXrefStream(bytes: Uint8Array, offset: number, limits: XrefLimits): XrefSection {
  const object = readIndirectObject(bytes, offset, bytes.length, () => undefined);
  const stream = object.value;
  if (!isStream(stream) || nameOf(stream.dict.entries.get('Type')) !== 'XRef') throw new PdfError('xref-broken', 'no cross-reference here');
  return {
    offset,
    end: object.end,
    kind: 'stream',
    ...readStreamEntries(stream, limits),
    trailer: stream.dict,
    previous: previousOf(stream.dict),
    ownNumber: object.num,
  };
}

function readStreamEntries(stream: PdfStream, limits: XrefLimits): Pick<XrefSection, 'entries' | 'irregular'> {
  const { entries: keys } = stream.dict;
  const widths = numbersOf(keys.get('W'));
  if (widths.length < 3 || widths.some((width) => width < 0 || width > 8)) throw new PdfError('xref-broken', 'bad widths');
  const [w0 = 0, w1 = 0, w2 = 0] = widths;
  const width = widths.reduce((sum, part) => sum + part, 0);
  if (w1 === 0) throw new PdfError('xref-broken', 'bad widths');
  const size = integerOf(keys.get('Size')) ?? 0;
  const index = keys.has('Index') ? numbersOf(keys.get('Index')) : [0, size];
  if (index.length % 2) throw new PdfError('xref-broken', 'bad index');
  const data = decodeStream(stream, limits.maxStreamBytes, (value) => (isRef(value) ? null : (value ?? null)));
  const entries = new Map<number, XrefEntry>();
  let at = 0;
  let irregular = w0 > MAX_TYPE_WIDTH;
  for (let i = 0; i < index.length; i += 2) {
    const [first = 0, count = 0] = [index[i], index[i + 1]];
    if (count < 0 || first < 0 || entries.size + count > limits.maxObjects) throw new PdfError('too-many-objects');
    for (let n = 0; n < count && at + width <= data.length; n++, at += width) {
      const type = w0 === 0 ? 1 : readBig(data, at, w0);
      const second = readBig(data, at + w0, w1);
      const third = readBig(data, at + w0 + w1, w2);
      if (type > 2) irregular = true;
      if (entries.has(first + n)) {
        irregular = true;
        continue;
      }
      if (type === 1) entries.set(first + n, { type: 'plain', offset: second, gen: third });
      else if (type === 2) entries.set(first + n, { type: 'compressed', container: second, index: third });
      else entries.set(first + n, FREE);
    }
  }
  return { entries, irregular: irregular || at !== data.length };
}

function readBig(data: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (data[at + i] as number);
  return value;
}

function numbersOf(value: unknown): number[] {
  const list = value as Parameters<typeof isArray>[0];
  if (!isArray(list)) throw new PdfError('xref-broken', 'array expected');
  return list.items.map((item) => {
    const number = integerOf(item);
    if (number === undefined) throw new PdfError('xref-broken', 'integer expected');
    return number;
  });
}

/** What the last `startxref` before `end` says, and where its `%%EOF` ends; undefined when there is none. */
export function findStartXref(bytes: Uint8Array, end: number): { offset: number; at: number; eofEnd: number | undefined } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, end);
  for (let at = buffer.lastIndexOf('startxref'); at >= 0; at = at === 0 ? -1 : buffer.lastIndexOf('startxref', at - 1)) {
    const lexer = new Lexer(bytes, at, end);
    if (!lexer.takeWord('startxref')) continue;
    lexer.skipSpace();
    const offset = lexer.takeUnsigned();
    if (offset === undefined) continue;
    let eof = lexer.position;
    while (isWhiteSpace(bytes[eof]) && eof < end) eof++;
    const eofEnd = buffer.toString('latin1', eof, eof + 5) === '%%EOF' ? eof + 5 : undefined;
    return { offset, at, eofEnd };
  }
  return undefined;
}
