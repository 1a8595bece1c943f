/**
 * What was appended after a signed revision, read strictly from first byte to last: complete revisions and nothing else.
 * An object that no cross-reference lists, a second object of the same number, a cross-reference that points elsewhere or
 * skips a revision, and any trailing byte are refused, because lenient readers would show what we then never looked at.
 */
import { listedBy } from './cross-reference.ts';
import { isWhiteSpace, Lexer, spanOf } from './lexer.ts';
import type { PdfFile, PdfView } from './pdf-file.ts';
import { integerOf, isArray, isStream, type PdfDict, PdfError, type PdfValue } from './pdf-values.ts';
import { type IndirectObject, readIndirectObject } from './read-object.ts';
import { faultOfOrder, faultOfRevisions, hasNullName } from './settled-revision.ts';

export interface Update {
  readonly start: number;
  /** After `%%EOF` and the white space behind it. */
  readonly end: number;
  readonly before: PdfView;
  readonly after: PdfView;
}

/** An object of the update; what it holds is read again when it is asked for, so that no update fills the memory. */
type PlacedObject = Pick<IndirectObject, 'num' | 'gen' | 'start'>;

/** Some readers look for `startxref` in the last kilobyte only, and put the file together anew from whatever objects they find otherwise. */
export const MAX_TAIL_BYTES = 512;
/** ISO 32000-1 annex C; beyond it readers give up on the table and put the file together anew. */
const MAX_SIZE = 8_388_607;
/** A table as §7.5.4 wants it: readers that count on lines of 20 bytes find nothing in another. */
const TABLE = /^xref[ \t]*\r?\n(?:\d{1,7} \d{1,7}[ \t]*\r?\n(?:\d{10} \d{5} [nf](?: \n| \r|\r\n))*)*\s*trailer\s*$/;

/** How an object begins, so that readers who take words by spaces see the same number as those who do not. */
const HEADER = /^\d{1,10}[\0\t\n\f\r ]+\d{1,5}[\0\t\n\f\r ]+obj[\0\t\n\f\r <[(/]/;

/** Words that would make a lenient reader see structure inside a comment. */
const STRUCTURE_WORDS = /obj|stream|xref|trailer|%%EOF.|%PDF/;

/**
 * The updates after `signed`, oldest first. Throws PdfError('bytes-after-signature') when the rest is not made of revisions.
 * @param latest the newest view, which answers indirect stream lengths.
 */
export function readUpdates(file: PdfFile, signed: PdfView, latest: PdfView): Update[] {
  const updates: Update[] = [];
  let before = signed;
  let at = skipWhiteSpace(file.bytes, signed.end);
  while (at < file.bytes.length) {
    const update = readUpdate(file, at, before, latest);
    updates.push(update);
    before = update.after;
    at = update.end;
  }
  if (at - before.end > MAX_TAIL_BYTES) refuse('too much blank space at the end');
  const fault = signed.end < file.bytes.length ? faultOfRevisions([signed, ...updates.map(({ after }) => after)], latest) : undefined;
  if (fault) refuse(fault);
  return updates;
}

function refuse(why: string): never {
  throw new PdfError('bytes-after-signature', why);
}

function readUpdate(file: PdfFile, start: number, before: PdfView, latest: PdfView): Update {
  const { bytes } = file;
  const objects = new Map<number, PlacedObject>();
  const numbers = new Set<number>();
  let at = start;
  let tableAt: number | undefined;
  let last: PlacedObject | undefined;
  for (;;) {
    at = skipBlanks(bytes, at);
    const lexer = new Lexer(bytes, at);
    if (lexer.takeWord('xref')) {
      if (tableAt !== undefined) refuse('two tables in one update');
      tableAt = at;
      at = file.section(at).end;
    } else if (lexer.takeWord('startxref')) {
      break;
    } else {
      if (tableAt !== undefined) refuse('an object after the table');
      const { num, gen, start: objectAt, end } = readStrictly(file, at, latest);
      if (numbers.has(num)) refuse('object twice');
      numbers.add(num);
      last = { num, gen, start: objectAt };
      objects.set(objectAt, last);
      at = end;
    }
  }
  const { offset, end } = readTail(bytes, at);
  if (end - at > MAX_TAIL_BYTES) refuse('startxref too far from the end mark');
  const expected = tableAt ?? last?.start;
  if (expected === undefined || offset !== expected) refuse('startxref points elsewhere');
  const after = file.viewOf(offset, end);
  assertListed(before, after, objects, tableAt === undefined ? last?.num : undefined);
  return { start, end: skipWhiteSpace(bytes, end), before, after };
}

function readStrictly({ bytes, work }: PdfFile, at: number, latest: PdfView): IndirectObject {
  try {
    const object = readIndirectObject(
      bytes,
      at,
      bytes.length,
      (num) => {
        const length = latest.object(num)?.value;
        return typeof length === 'number' ? length : undefined;
      },
      work.values,
    );
    if (object.irregular || object.start !== at || !HEADER.test(latin1(bytes, at, Math.min(at + 64, object.end))))
      refuse('irregular object');
    if (hasNullName(object.value)) refuse('a name with a null in it');
    return object;
  } catch (error) {
    if (error instanceof PdfError) refuse(error.message);
    throw error;
  }
}

function readTail(bytes: Uint8Array, at: number): { offset: number; end: number } {
  const lexer = new Lexer(bytes, at);
  lexer.takeWord('startxref');
  lexer.position = skipWhiteSpace(bytes, lexer.position);
  const offset = lexer.takeUnsigned();
  const mark = skipBlanks(bytes, lexer.position);
  if (offset === undefined || Buffer.from(bytes.subarray(mark, mark + 5)).toString('latin1') !== '%%EOF') refuse('no end mark');
  const end = mark + 5;
  if (end < bytes.length && !isWhiteSpace(bytes[end]) && !startsObject(bytes[end])) refuse('text after the end mark');
  return { offset, end };
}

/** Some writers put no line end between `%%EOF` and the next object. */
function startsObject(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

/** Every object is listed at its place, every entry leads to one of them or says what the revision before said, /Prev is that revision. */
function assertListed(before: PdfView, after: PdfView, objects: ReadonlyMap<number, PlacedObject>, ownNumber: number | undefined): void {
  const [section] = after.sections;
  const [previous] = before.sections;
  if (!section || !previous || section.previous !== previous.offset) refuse('Prev is not the revision before');
  // Which of two catalogs is meant, readers decide differently.
  if (section.trailer.duplicates.length > 0) refuse('a key twice in the trailer');
  if (section.hidden && !objects.has(section.hidden.offset)) refuse('hidden section elsewhere');
  // Old readers do not see what a hybrid update hides from them; only a file that was hybrid before goes on so.
  if (section.hidden && !before.sections.some(({ hidden }) => hidden)) refuse('hybrid update of a plain file');
  assertPlainSection(before, after);
  if (section.irregular || section.hidden?.irregular) refuse('an object listed twice, or an odd stream');
  for (const num of section.hidden?.entries.keys() ?? []) {
    const entry = section.entries.get(num);
    if (entry && entry.type !== 'free') refuse(`object ${num} both in the table and behind it`);
  }
  const listed = new Set<number>();
  const containers = new Set<number>();
  for (const [num, entry] of listedBy(section)) {
    if (entry.type === 'compressed') containers.add(entry.container);
    if (entry.type !== 'plain' || entry.offset === 0) continue;
    const own = objects.get(entry.offset);
    if (own && own.num === num && own.gen === entry.gen) listed.add(own.start);
    else if (!sameAsBefore(before, num, entry.offset)) refuse(`entry ${num} leads elsewhere`);
  }
  for (const object of objects.values()) {
    if (listed.has(object.start) || object.num === ownNumber || object.start === section.hidden?.offset) continue;
    refuse(`object ${object.num} is not listed`);
  }
  for (const container of containers) assertPlainContainer(after, container);
}

/** A cross-reference that no reader gives up on, to take what else stands in the file for the document. */
function assertPlainSection(before: PdfView, { file: { bytes }, sections: [section] }: PdfView): void {
  if (!section) return;
  const { trailer, kind, offset } = section;
  const size = integerOf(trailer.entries.get('Size')) ?? 0;
  const sizeBefore = integerOf(before.trailer.entries.get('Size')) ?? 0;
  if (size > MAX_SIZE || (size < sizeBefore && sizeBefore <= MAX_SIZE)) refuse('a size that cannot be');
  for (const [num] of listedBy(section)) if (num >= size) refuse('an object beyond the size');
  if (hasNullName(trailer)) refuse('a name with a null in it');
  for (const key of ['Size', 'Prev', 'XRefStm', 'Index', 'W']) {
    const span = spanOf(trailer, key);
    if (span && !/^[[\]\d\s]*$/.test(latin1(bytes, span.start, span.end))) refuse(`no plain number in ${key}`);
  }
  const text = kind === 'table' ? latin1(bytes, offset, trailer.start) : '';
  if (kind === 'table' && !TABLE.test(text)) refuse('a table that is not laid out as one');
  const index =
    kind === 'table' ? [...text.matchAll(/^(\d+) (\d+)[ \t]*$/gm)].flatMap(([, first, count]) => [first, count]) : itemsOf(trailer);
  for (let i = 0; i < index.length; i += 2) if (Number(index[i]) + Number(index[i + 1]) > size) refuse('a part beyond the size');
}

function itemsOf(trailer: PdfDict): readonly PdfValue[] {
  const index = trailer.entries.get('Index');
  return isArray(index) ? index.items : [];
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, end - start)).toString('latin1');
}

/**
 * An object stream that every reader takes apart alike: some go by the number and not by the index (MuPDF), some end each object
 * where the next begins (Poppler).
 */
function assertPlainContainer(view: PdfView, container: number): void {
  const { file } = view;
  const object = view.object(container);
  if (!object || !isStream(object.value)) refuse('object stream missing');
  const { source, places } = file.objectStream(object.key, object.value, (value) => view.resolve(value));
  const fault = faultOfOrder(places);
  if (fault) refuse(fault);
  places.forEach(([, start], index) => {
    const end = places[index + 1]?.[1] ?? source.length;
    try {
      if (hasNullName(new Lexer(source, start, end, file.work.values).readValue())) refuse('a name with a null in it');
    } catch (error) {
      if (error instanceof PdfError && !['work-limit', 'bytes-after-signature'].includes(error.reason))
        refuse('an object that goes beyond its place');
      throw error;
    }
  });
}

function sameAsBefore(before: PdfView, num: number, offset: number): boolean {
  const entry = before.entry(num);
  return entry?.type === 'plain' && entry.offset === offset;
}

function skipWhiteSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isWhiteSpace(bytes[at])) at++;
  return at;
}

/** White space and harmless comments; writers sign their updates with one. Stops at `%%EOF`. */
function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = skipWhiteSpace(bytes, from);
  while (bytes[at] === 0x25) {
    let end = at;
    while (end < bytes.length && bytes[end] !== 10 && bytes[end] !== 13) end++;
    const text = Buffer.from(bytes.subarray(at, end)).toString('latin1');
    if (text.startsWith('%%EOF')) return at;
    if (STRUCTURE_WORDS.test(text)) refuse('structure inside a comment');
    at = skipWhiteSpace(bytes, end);
  }
  return at;
}
