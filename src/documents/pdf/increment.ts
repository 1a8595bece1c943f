/**
 * An incremental update (ISO 32000-1 §7.5.6): new and changed objects behind the untouched original, then a
 * cross-reference of the same kind as the last one, so that readers of either kind find what is new.
 */
import { createHash } from 'node:crypto';
import { spanOf } from './lexer.ts';
import type { PdfView } from './pdf-file.ts';
import { isArray, isString, type PdfArray, type PdfDict } from './pdf-values.ts';

interface NewObject {
  readonly num: number;
  readonly gen: number;
  readonly body: readonly Uint8Array[];
}

export interface BuiltIncrement {
  readonly bytes: Buffer;
  /** Offset in `bytes` of the body of each object, by number. */
  readonly bodyAt: ReadonlyMap<number, number>;
}

export class Increment {
  readonly #view: PdfView;
  readonly #objects: NewObject[] = [];
  #next: number;

  constructor(view: PdfView) {
    this.#view = view;
    const size = view.trailer.entries.get('Size');
    this.#next = typeof size === 'number' ? size : 0;
    // Some writers give a /Size that is too small; a number that is taken must not be given twice.
    for (const { entries, hidden } of view.sections) {
      for (const num of entries.keys()) if (num >= this.#next) this.#next = num + 1;
      for (const num of hidden?.entries.keys() ?? []) if (num >= this.#next) this.#next = num + 1;
    }
  }

  /** A number for an object that does not exist yet. */
  allot(): number {
    return this.#next++;
  }

  /** Adds or replaces an object. */
  put(num: number, ...body: readonly (string | Uint8Array)[]): void {
    const entry = this.#view.entry(num);
    const gen = entry?.type === 'plain' ? entry.gen : 0;
    this.#objects.push({ num, gen, body: body.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)) });
  }

  /** `num gen R` for an object of the file or of this update. */
  ref(num: number): string {
    const entry = this.#view.entry(num);
    return `${num} ${entry?.type === 'plain' ? entry.gen : 0} R`;
  }

  /** The bytes to append to the original. `seed` goes into the second /ID, which must change with each update. */
  build(seed: Uint8Array): BuiltIncrement {
    const { bytes: original } = this.#view.file;
    const parts: Uint8Array[] = [];
    let length = 0;
    const add = (part: Uint8Array) => {
      parts.push(part);
      length += part.length;
    };
    const last = original.at(-1);
    if (last !== 10 && last !== 13) add(Buffer.from('\n'));
    const offsets = new Map<number, { offset: number; gen: number }>();
    const bodyAt = new Map<number, number>();
    for (const { num, gen, body } of this.#objects) {
      offsets.set(num, { offset: original.length + length, gen });
      add(Buffer.from(`${num} ${gen} obj\n`, 'latin1'));
      bodyAt.set(num, length);
      for (const part of body) add(part);
      add(Buffer.from('\nendobj\n', 'latin1'));
    }
    const at = original.length + length;
    add(this.#view.sections[0]?.kind === 'stream' ? this.#buildStream(offsets, at, seed) : this.#buildTable(offsets, seed));
    add(Buffer.from(`startxref\n${at}\n%%EOF\n`, 'latin1'));
    return { bytes: Buffer.concat(parts, length), bodyAt };
  }

  #buildTable(offsets: ReadonlyMap<number, { offset: number; gen: number }>, seed: Uint8Array): Uint8Array {
    let text = 'xref\n0 1\n0000000000 65535 f \n';
    for (const run of runsOf([...offsets.keys()])) {
      text += `${run[0]} ${run.length}\n`;
      for (const num of run) {
        const { offset, gen } = offsets.get(num) as { offset: number; gen: number };
        text += `${String(offset).padStart(10, '0')} ${String(gen).padStart(5, '0')} n \n`;
      }
    }
    return Buffer.from(`${text}trailer\n<<${this.#trailer(this.#next, seed)}>>\n`, 'latin1');
  }

  #buildStream(offsets: ReadonlyMap<number, { offset: number; gen: number }>, at: number, seed: Uint8Array): Uint8Array {
    const own = this.allot();
    const all = new Map([...offsets, [own, { offset: at, gen: 0 }]]);
    const runs = runsOf([...all.keys()]);
    const data = Buffer.alloc(all.size * 8);
    let place = 0;
    for (const num of runs.flat()) {
      const { offset, gen } = all.get(num) as { offset: number; gen: number };
      data.writeUInt8(1, place);
      data.writeUIntBE(offset, place + 1, 5);
      data.writeUInt16BE(gen, place + 6);
      place += 8;
    }
    const index = runs.map((run) => `${run[0]} ${run.length}`).join(' ');
    const head = `${own} 0 obj\n<</Type/XRef/W[1 5 2]/Index[${index}]/Length ${data.length}${this.#trailer(this.#next, seed)}>>\nstream\n`;
    return Buffer.concat([Buffer.from(head, 'latin1'), data, Buffer.from('\nendstream\nendobj\n', 'latin1')]);
  }

  #trailer(size: number, seed: Uint8Array): string {
    const { trailer, sections } = this.#view;
    const keep = ['Root', 'Info'].flatMap((key) => {
      const raw = rawEntry(trailer, key);
      return raw === undefined ? [] : [`/${key} ${raw.toString('latin1')}`];
    });
    const hash = createHash('sha256').update(seed).digest('hex').slice(0, 32).toUpperCase();
    const ids = this.#view.resolve(trailer.entries.get('ID'));
    const first = isArray(ids) && isString(ids.items[0]) ? Buffer.from(ids.items[0].bytes).toString('hex') : hash;
    return `/Size ${size}${keep.join('')}/Prev ${sections[0]?.offset ?? 0}/ID[<${first}><${hash}>]`;
  }
}

/** Ascending numbers cut into runs without gaps. */
function runsOf(numbers: number[]): number[][] {
  const runs: number[][] = [];
  for (const num of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && run.at(-1) === num - 1) run.push(num);
    else runs.push([num]);
  }
  return runs;
}

/** The bytes of an entry's value as they stood. */
export function rawEntry(dict: PdfDict, key: string): Buffer | undefined {
  const span = spanOf(dict, key);
  return span && Buffer.from(dict.source.subarray(span.start, span.end));
}

/** A name with everything escaped that is not a plain character (§7.3.5). */
export function writeName(name: string): string {
  return `/${[...Buffer.from(name, 'latin1')].map((byte) => (byte > 32 && byte < 127 && !'#()<>[]{}/%'.includes(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `#${byte.toString(16).padStart(2, '0')}`)).join('')}`;
}

/** A text string: ASCII as it is, anything else as UTF-16. */
export function writeText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return `(${text.replace(/[\\()]/g, '\\$&')})`;
  return `<feff${Buffer.from(text, 'utf16le').swap16().toString('hex')}>`;
}

/** The dictionary with some entries set or, by undefined, removed; all others are copied byte by byte. */
export function rewriteDict(dict: PdfDict, changes: Readonly<Record<string, string | Buffer | undefined>>): Buffer {
  const parts: Buffer[] = [Buffer.from('<<')];
  const add = (key: string, value: string | Buffer | undefined) => {
    if (value === undefined) return;
    parts.push(Buffer.from(`${writeName(key)} `, 'latin1'), Buffer.from(value as string, 'latin1'), Buffer.from('\n'));
  };
  for (const key of dict.entries.keys()) add(key, key in changes ? changes[key] : rawEntry(dict, key));
  for (const [key, value] of Object.entries(changes)) if (!dict.entries.has(key)) add(key, value);
  parts.push(Buffer.from('>>'));
  return Buffer.concat(parts);
}

/** The array with one more item at its end. */
export function appendItem(array: PdfArray, item: string): Buffer {
  return Buffer.concat([Buffer.from(array.source.subarray(array.start, array.end - 1)), Buffer.from(` ${item}]`, 'latin1')]);
}
