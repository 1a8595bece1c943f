/**
 * A PDF as a stack of revisions. `openPdf` reads nothing but the cross-reference; objects are read when asked for,
 * and a `PdfView` sees the file as it stood when it ended at a given byte. Views share what they read.
 */
import { findStartXref, readXrefSection, type XrefEntry, type XrefSection } from './cross-reference.ts';
import { decodeStream } from './decode-stream.ts';
import { Lexer } from './lexer.ts';
import { integerOf, isDict, isRef, isStream, nameOf, type PdfDict, PdfError, type PdfStream, type PdfValue } from './pdf-values.ts';
import { type IndirectObject, readIndirectObject } from './read-object.ts';
import { DEFAULT_PDF_LIMITS, type PdfLimits, WorkBudget } from './work-budget.ts';

/** A longest chain of references to references that is still followed. */
const MAX_REF_STEPS = 16;
const MAX_OBJECTS_PER_STREAM = 100_000;

interface ObjectStream {
  readonly source: Uint8Array;
  /** [number, start] in order of index. */
  readonly places: readonly (readonly [number, number])[];
}

export interface LocatedObject {
  readonly value: PdfValue;
  /** What makes this very object: equal keys in two views mean equal bytes. */
  readonly key: string;
  readonly irregular: boolean;
  /** Present for objects that stand in the file itself and not in an object stream. */
  readonly place?: { readonly start: number; readonly end: number };
}

export class PdfFile {
  readonly bytes: Uint8Array;
  readonly limits: PdfLimits;
  readonly #sections = new Map<number, XrefSection>();
  readonly #objects = new Map<number, IndirectObject>();
  readonly #objectStreams = new Map<string, ObjectStream>();
  readonly #views = new Map<string, PdfView>();
  readonly work: WorkBudget;
  #scratch: Uint8Array | undefined;

  constructor(bytes: Uint8Array, limits: PdfLimits) {
    this.bytes = bytes;
    this.limits = limits;
    this.work = new WorkBudget(limits, bytes.length);
  }

  /** Room for a copy of the file, made when first asked for. */
  get scratch(): Uint8Array {
    this.#scratch ??= new Uint8Array(this.bytes.length);
    return this.#scratch;
  }

  /** The file as it was when it ended at `end`. Throws PdfError when those bytes are no PDF. */
  viewAt(end: number): PdfView {
    const start = findStartXref(this.bytes, end);
    if (!start) throw new PdfError('startxref-missing');
    return this.viewOf(start.offset, end);
  }

  /** The view of the cross-reference chain that begins at `offset`, in the first `end` bytes. */
  viewOf(offset: number, end: number): PdfView {
    const name = `${offset}:${end}`;
    const known = this.#views.get(name);
    if (known) return known;
    const view = new PdfView(this, this.#chainFrom(offset, end), end);
    this.#views.set(name, view);
    return view;
  }

  section(offset: number): XrefSection {
    const known = this.#sections.get(offset);
    if (known) return known;
    if (offset < 0 || offset >= this.bytes.length) throw new PdfError('xref-outside-file');
    const section = readXrefSection(this.bytes, offset, this.limits);
    this.work.spendEntries(section.entries.size + (section.hidden?.entries.size ?? 0));
    this.#sections.set(offset, section);
    return section;
  }

  #chainFrom(offset: number, end: number): XrefSection[] {
    const chain: XrefSection[] = [];
    const seen = new Set<number>();
    for (let at: number | undefined = offset; at !== undefined; ) {
      if (seen.has(at)) throw new PdfError('xref-loop');
      seen.add(at);
      if (seen.size > this.limits.maxSections) throw new PdfError('too-many-revisions');
      const section = this.section(at);
      if (section.end > end) throw new PdfError('xref-outside-revision');
      chain.push(section);
      at = section.previous;
    }
    return chain;
  }

  /** The object at an offset, read once. Objects with an indirect length belong to their view and are not kept. */
  objectAt(offset: number, resolveLength: (num: number) => number | undefined): IndirectObject {
    const known = this.#objects.get(offset);
    if (known) return known;
    this.work.spendRead(0);
    let reached = this.bytes.length;
    try {
      const object = readIndirectObject(this.bytes, offset, this.bytes.length, resolveLength, this.work.values);
      reached = object.end;
      if (object.lengthRef === undefined) this.#objects.set(offset, object);
      return object;
    } finally {
      this.work.spendRead(Math.max(0, reached - offset));
    }
  }

  decode(stream: PdfStream, resolve: (value: PdfValue | undefined) => PdfValue): Uint8Array {
    const data = decodeStream(stream, this.work.decodable, resolve);
    if (data !== stream.data) this.work.spendDecoded(data.length);
    return data;
  }

  objectStream(key: string, stream: PdfStream, resolve: (value: PdfValue | undefined) => PdfValue): ObjectStream {
    const known = this.#objectStreams.get(key);
    if (known) return known;
    this.work.spendRead(0);
    const { entries } = stream.dict;
    const count = integerOf(resolve(entries.get('N'))) ?? -1;
    const first = integerOf(resolve(entries.get('First'))) ?? -1;
    if (nameOf(entries.get('Type')) !== 'ObjStm' || count < 0 || first < 0 || count > MAX_OBJECTS_PER_STREAM)
      throw new PdfError('object-stream-broken');
    const source = this.decode(stream, resolve);
    const lexer = new Lexer(source, 0, first);
    const places: [number, number][] = [];
    for (let i = 0; i < count; i++) {
      lexer.skipSpace();
      const num = lexer.takeUnsigned();
      lexer.skipSpace();
      const start = lexer.takeUnsigned();
      if (num === undefined || start === undefined) throw new PdfError('object-stream-broken');
      places.push([num, first + start]);
    }
    const read = { source, places };
    this.#objectStreams.set(key, read);
    return read;
  }
}

/** One revision's sight of the objects. */
export class PdfView {
  readonly file: PdfFile;
  /** Newest first. */
  readonly sections: readonly XrefSection[];
  readonly end: number;
  readonly trailer: PdfDict;
  readonly #objects = new Map<number, LocatedObject | undefined>();
  readonly #reading = new Set<number>();

  constructor(file: PdfFile, sections: readonly XrefSection[], end: number) {
    const [newest] = sections;
    if (!newest) throw new PdfError('xref-broken');
    this.file = file;
    this.sections = sections;
    this.end = end;
    this.trailer = newest.trailer;
  }

  entry(num: number): XrefEntry | undefined {
    for (const { entries, hidden } of this.sections) {
      const entry = entries.get(num);
      if (entry && entry.type !== 'free') return entry;
      const behind = hidden?.entries.get(num);
      if (behind) return behind;
      if (entry) return entry;
    }
    return undefined;
  }

  /** The object of this number; undefined when it is free or not listed (then a reference to it means null). */
  object(num: number): LocatedObject | undefined {
    if (this.#objects.has(num)) return this.#objects.get(num);
    if (this.#reading.has(num)) throw new PdfError('object-loop');
    this.#reading.add(num);
    try {
      const entry = this.entry(num);
      const object = entry && entry.type !== 'free' ? this.#locate(num, entry) : undefined;
      this.#objects.set(num, object);
      return object;
    } finally {
      this.#reading.delete(num);
    }
  }

  #locate(num: number, entry: Exclude<XrefEntry, { type: 'free' }>): LocatedObject | undefined {
    if (entry.type === 'compressed') return this.#locateCompressed(num, entry);
    if (num === 0 || entry.offset === 0) return undefined;
    const object = this.file.objectAt(entry.offset, (length) => integerOf(this.object(length)?.value));
    if (object.num !== num || object.gen !== entry.gen) throw new PdfError('object-number-differs', `object ${num}`);
    if (object.end > this.end) throw new PdfError('object-outside-revision');
    const length = object.lengthRef === undefined ? '' : `+${object.end}`;
    return {
      value: object.value,
      key: `${entry.offset}${length}`,
      irregular: object.irregular,
      place: { start: object.start, end: object.end },
    };
  }

  #locateCompressed(num: number, entry: { container: number; index: number }): LocatedObject {
    const container = this.object(entry.container);
    if (!container || !isStream(container.value) || !container.place) throw new PdfError('object-stream-missing');
    const { source, places } = this.file.objectStream(container.key, container.value, (value) => this.resolve(value));
    const place = places[entry.index];
    if (!place || place[0] !== num) throw new PdfError('object-number-differs', `object ${num}`);
    const value = new Lexer(source, place[1], source.length, this.file.work.values).readValue();
    return { value, key: `${container.key}/${entry.index}`, irregular: container.irregular };
  }

  /** The value itself, or what the reference leads to; null when it leads nowhere. */
  resolve(value: PdfValue | undefined): PdfValue {
    let current = value ?? null;
    for (let step = 0; isRef(current); step++) {
      if (step >= MAX_REF_STEPS) throw new PdfError('object-loop');
      // A reference with another generation than the object has leads nowhere (§7.3.10).
      current = this.generationOf(current.num) === current.gen ? (this.object(current.num)?.value ?? null) : null;
    }
    return current;
  }

  /** Of the object with this number; 0 inside object streams. */
  generationOf(num: number): number {
    const entry = this.entry(num);
    return entry?.type === 'plain' ? entry.gen : 0;
  }

  /** An entry of a dictionary, resolved. */
  get(dict: PdfDict, key: string): PdfValue {
    return this.resolve(dict.entries.get(key));
  }

  dict(value: PdfValue | undefined): PdfDict | undefined {
    const resolved = this.resolve(value);
    return isDict(resolved) ? resolved : undefined;
  }

  decode(stream: PdfStream): Uint8Array {
    return this.file.decode(stream, (value) => this.resolve(value));
  }

  /** The document catalog. Throws PdfError when there is none. */
  get catalog(): PdfDict {
    const root = this.dict(this.trailer.entries.get('Root'));
    if (!root) throw new PdfError('catalog-missing');
    return root;
  }

  get encrypted(): boolean {
    return (this.trailer.entries.get('Encrypt') ?? null) !== null;
  }
}

/** Opens the bytes as PDF. Reads no object yet. Throws PdfError. */
export function openPdf(bytes: Uint8Array, limits: Partial<PdfLimits> = {}): PdfFile {
  const all = { ...DEFAULT_PDF_LIMITS, ...limits };
  if (bytes.length > all.maxFileBytes) throw new PdfError('file-too-large');
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString('latin1');
  if (!/%PDF-\d\.\d/.test(head)) throw new PdfError('not-a-pdf');
  return new PdfFile(bytes, all);
}
