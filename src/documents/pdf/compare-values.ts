/** Structural equality of two values seen through two views, following references. Iterative, so that long chains cannot exhaust the stack. */

import type { PdfView } from './pdf-file.ts';
import { isDict, isRef, isStream, type PdfDict, type PdfRef, type PdfValue } from './pdf-values.ts';

/** Says that a reference under this key leads to something another rule judges, so that it counts as equal here. */
export type IsManaged = (num: number, key: string) => boolean;

export class ValueComparison {
  readonly before: PdfView;
  readonly after: PdfView;
  readonly #isManaged: IsManaged;
  /** Pairs of object numbers that were found equal in whole. */
  readonly #equal = new Set<string>();

  constructor(before: PdfView, after: PdfView, isManaged: IsManaged) {
    this.before = before;
    this.after = after;
    this.#isManaged = isManaged;
  }

  /** Whether both show the same, all the way down. `key` is the dictionary key under which the values stand. */
  same(a: PdfValue | undefined, b: PdfValue | undefined, key: string): boolean {
    const pairs = new Set<string>();
    const work: [PdfValue, PdfValue, string][] = [[a ?? null, b ?? null, key]];
    for (let next = work.pop(); next; next = work.pop()) {
      this.before.file.work.spendComparison();
      if (!this.#compare(next, work, pairs)) return false;
    }
    for (const pair of pairs) this.#equal.add(pair);
    return true;
  }

  #compare([a, b, key]: [PdfValue, PdfValue, string], work: [PdfValue, PdfValue, string][], pairs: Set<string>): boolean {
    if (isRef(a) || isRef(b)) {
      if (isRef(a) && isRef(b) && a.num === b.num && a.gen === b.gen && this.#isManaged(a.num, key)) return true;
      const pair = `${isRef(a) ? `${a.num} ${a.gen}` : ''}:${isRef(b) ? `${b.num} ${b.gen}` : ''}`;
      const whole = isRef(a) && isRef(b);
      if (whole && (this.#equal.has(pair) || pairs.has(pair))) return true;
      if (whole) pairs.add(pair);
      if (whole && !this.#bothPlainReading(a, b)) return false;
      return this.#compareContents(this.before.resolve(a), this.after.resolve(b), key, work);
    }
    return this.#compareContents(a, b, key, work);
  }

  /**
   * An object that readers read in different ways is only equal to its very self. So is one of another generation than the reference
   * asks for: it leads nowhere, but some readers (MuPDF) do not look at generations.
   */
  #bothPlainReading(before: PdfRef, after: PdfRef): boolean {
    const [a, b] = [this.before.object(before.num), this.after.object(after.num)];
    return a?.key === b?.key || !(b && (b.irregular || this.after.generationOf(after.num) !== after.gen));
  }

  #compareContents(a: PdfValue, b: PdfValue, key: string, work: [PdfValue, PdfValue, string][]): boolean {
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
    switch (a.kind) {
      case 'name':
        return b.kind === 'name' && a.name === b.name;
      case 'string':
        return b.kind === 'string' && Buffer.compare(a.bytes, b.bytes) === 0;
      case 'array':
        if (b.kind !== 'array' || a.items.length !== b.items.length) return false;
        a.items.forEach((item, index) => {
          work.push([item, b.items[index] ?? null, key]);
        });
        return true;
      case 'dict':
        return isDict(b) && compareKeys(a, b, work);
      case 'stream':
        return isStream(b) && compareKeys(a.dict, b.dict, work) && sameData(a.data, b.data);
      case 'ref':
        return false;
    }
  }
}

/** Every key, /Length of a stream among them: readers cut the data by it. */
function compareKeys(a: PdfDict, b: PdfDict, work: [PdfValue, PdfValue, string][]): boolean {
  if (b.duplicates.length > 0 && !(b.source === a.source && b.start === a.start)) return false;
  for (const [key, value] of a.entries) work.push([value, b.entries.get(key) ?? null, key]);
  for (const [key, value] of b.entries) if (!a.entries.has(key)) work.push([null, value, key]);
  return true;
}

function sameData(a: Uint8Array, b: Uint8Array): boolean {
  return (a.buffer === b.buffer && a.byteOffset === b.byteOffset && a.length === b.length) || Buffer.compare(a, b) === 0;
}

/** The keys whose values differ between two dictionaries, leaving out those named. */
export function differingKeys(comparison: ValueComparison, a: PdfDict, b: PdfDict, except: ReadonlySet<string>): string[] {
  if (b.duplicates.length > 0 && !(b.source === a.source && b.start === a.start)) return ['duplicate-keys'];
  const keys = new Set([...a.entries.keys(), ...b.entries.keys()]);
  return [...keys].filter((key) => !except.has(key) && !comparison.same(a.entries.get(key), b.entries.get(key), key));
}

/** Two references to the same object, or two values that are both no reference. */
export function sameReference(a: PdfValue | undefined, b: PdfValue | undefined): boolean {
  return isRef(a) ? isRef(b) && a.num === b.num && a.gen === b.gen : !isRef(b);
}
