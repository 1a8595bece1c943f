/**
 * From bytes to PDF objects (ISO 32000-1 §7.2, §7.3). Strict where readers differ: an unknown word is an error, not a guess.
 * Every step moves forward, so the work is bounded by the bytes; nesting is bounded by MAX_DEPTH.
 */
import { type PdfDict, PdfError, type PdfRef, type PdfString, type PdfValue, type Span } from './pdf-values.ts';

const MAX_DEPTH = 100;
/** Longest run of digits we take for a number. */
const MAX_NUMBER_LENGTH = 40;

/** 1 white space, 2 delimiter, 0 regular (ISO 32000-1 table 1 and 2). */
const CLASS = new Uint8Array(256);
for (const code of [0, 9, 10, 12, 13, 32]) CLASS[code] = 1;
for (const character of '()<>[]{}/%') CLASS[character.charCodeAt(0)] = 2;

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX['0123456789abcdef'.charCodeAt(i)] = i;
  HEX['0123456789ABCDEF'.charCodeAt(i)] = i;
}

export function isWhiteSpace(byte: number | undefined): boolean {
  return byte !== undefined && CLASS[byte] === 1;
}

/** Whether nothing but white space stands there. */
export function isBlankFrom(bytes: Uint8Array, from: number, end = bytes.length): boolean {
  for (let at = from; at < end; at++) if (!isWhiteSpace(bytes[at])) return false;
  return true;
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number | undefined): number {
  return byte === undefined ? -1 : (HEX[byte] ?? -1);
}

/** How many values may still be read; shared by all objects of a file. */
export interface ValueBudget {
  left: number;
}

const MAX_VALUES = 100_000;

export class Lexer {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;
  readonly #budget: ValueBudget;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length, budget: ValueBudget = { left: MAX_VALUES }) {
    this.bytes = bytes;
    this.position = position;
    this.end = Math.min(end, bytes.length);
    this.#budget = budget;
  }

  peek(): number {
    return this.position < this.end ? (this.bytes[this.position] as number) : -1;
  }

  /** Moves over white space and comments. */
  skipSpace(): void {
    const { bytes, end } = this;
    let at = this.position;
    while (at < end) {
      const byte = bytes[at] as number;
      if (CLASS[byte] === 1) at++;
      else if (byte === 0x25) {
        while (at < end && bytes[at] !== 10 && bytes[at] !== 13) at++;
      } else break;
    }
    this.position = at;
  }

  /** Takes the word if it comes next and ends there. Does not skip space before it. */
  takeWord(word: string): boolean {
    for (let i = 0; i < word.length; i++) {
      if (this.position + i >= this.end || this.bytes[this.position + i] !== word.charCodeAt(i)) return false;
    }
    const after = this.position + word.length;
    if (after < this.end && CLASS[this.bytes[after] as number] === 0) return false;
    this.position = after;
    return true;
  }

  /** An unsigned integer at this very place, or undefined without moving. */
  takeUnsigned(): number | undefined {
    let at = this.position;
    let value = 0;
    while (at < this.end) {
      const digit = (this.bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
      if (at - this.position > 15) return undefined;
    }
    if (at === this.position) return undefined;
    this.position = at;
    return value;
  }

  /** The next object. Throws PdfError at anything that is none. */
  readValue(depth = 0): PdfValue {
    if (depth > MAX_DEPTH) throw new PdfError('nested-too-deeply');
    this.#budget.left--;
    if (this.#budget.left < 0) throw new PdfError('work-limit');
    this.skipSpace();
    const byte = this.peek();
    switch (byte) {
      case -1:
        throw new PdfError('truncated');
      case 0x2f:
        return { kind: 'name', name: this.#readName() };
      case 0x28:
        return this.#readLiteralString();
      case 0x3c:
        return this.bytes[this.position + 1] === 0x3c ? this.#readDict(depth) : this.#readHexString();
      case 0x5b:
        return this.#readArray(depth);
    }
    if ((byte >= 48 && byte <= 57) || byte === 0x2b || byte === 0x2d || byte === 0x2e) return this.#readNumberOrRef();
    if (this.takeWord('true')) return true;
    if (this.takeWord('false')) return false;
    if (this.takeWord('null')) return null;
    throw new PdfError('not-an-object', `no object at ${this.position}`);
  }

  #readName(): string {
    const { bytes, end } = this;
    let at = this.position + 1;
    const start = at;
    let escaped = false;
    while (at < end && CLASS[bytes[at] as number] === 0) {
      if (bytes[at] === 0x23) escaped = true;
      at++;
    }
    this.position = at;
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1');
    return escaped ? raw.replace(/#([0-9a-fA-F]{2})/g, (_all, pair: string) => String.fromCharCode(Number.parseInt(pair, 16))) : raw;
  }

  #readNumberOrRef(): number | PdfRef {
    const start = this.position;
    const { bytes, end } = this;
    let at = start;
    while (at < end && CLASS[bytes[at] as number] === 0) {
      at++;
      if (at - start > MAX_NUMBER_LENGTH) throw new PdfError('not-a-number');
    }
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1');
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(raw)) throw new PdfError('not-a-number', `no number at ${start}`);
    this.position = at;
    const value = Number(raw);
    if (/^\d+$/.test(raw)) {
      const ref = this.#takeRestOfRef(value);
      if (ref) return ref;
    }
    return value;
  }

  /** After an integer: ` gen R` makes it a reference. */
  #takeRestOfRef(num: number): PdfRef | undefined {
    const back = this.position;
    if (!isWhiteSpace(this.bytes[this.position])) return undefined;
    this.skipSpace();
    const gen = this.takeUnsigned();
    if (gen !== undefined && gen <= 65535 && isWhiteSpace(this.bytes[this.position])) {
      this.skipSpace();
      if (this.takeWord('R')) return { kind: 'ref', num, gen };
    }
    this.position = back;
    return undefined;
  }

  #readLiteralString(): PdfString {
    const start = this.position;
    const { bytes } = this;
    const close = this.#endOfLiteralString(start);
    const out = new Uint8Array(close - start);
    let length = 0;
    for (let at = start + 1; at < close; ) {
      const byte = bytes[at++] as number;
      if (byte === 0x5c) {
        const found = this.#readEscape(at);
        at = found.next;
        if (found.value !== undefined) out[length++] = found.value;
      } else if (byte === 13) {
        if (bytes[at] === 10) at++;
        out[length++] = 10;
      } else out[length++] = byte;
    }
    this.position = close + 1;
    return { kind: 'string', bytes: out.subarray(0, length), hex: false, start, end: close + 1 };
  }

  /** Where the parenthesis stands that closes the one at `start`. */
  #endOfLiteralString(start: number): number {
    const { bytes, end } = this;
    let open = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at];
      if (byte === 0x5c) at++;
      else if (byte === 0x28) open++;
      else if (byte === 0x29 && --open === 0) return at;
    }
    throw new PdfError('truncated', 'string without end');
  }

  /** What a backslash before `from` means; no value for a line that goes on. */
  #readEscape(from: number): { next: number; value?: number } {
    const { bytes } = this;
    const byte = bytes[from] as number;
    const simple = 'nrtbf'.indexOf(String.fromCharCode(byte));
    if (simple >= 0) return { next: from + 1, value: [10, 13, 9, 8, 12][simple] as number };
    if (byte === 13) return { next: bytes[from + 1] === 10 ? from + 2 : from + 1 };
    if (byte === 10) return { next: from + 1 };
    if (byte < 48 || byte > 55) return { next: from + 1, value: byte };
    let value = 0;
    let next = from;
    for (; next < from + 3; next++) {
      const digit = (bytes[next] ?? 0) - 48;
      if (digit < 0 || digit > 7) break;
      value = value * 8 + digit;
    }
    return { next, value: value & 0xff };
  }

  #readHexString(): PdfString {
    const start = this.position;
    const { bytes, end } = this;
    let close = start + 1;
    while (close < end && bytes[close] !== 0x3e) close++;
    if (close >= end) throw new PdfError('truncated', 'hexadecimal string without end');
    const out = new Uint8Array((close - start) >> 1);
    let nibbles = 0;
    for (let at = start + 1; at < close; at++) {
      const byte = bytes[at] as number;
      const digit = HEX[byte] as number;
      if (digit < 0) {
        if (CLASS[byte] === 1) continue;
        throw new PdfError('not-hexadecimal');
      }
      const index = nibbles >> 1;
      out[index] = nibbles % 2 === 0 ? digit << 4 : (out[index] as number) | digit;
      nibbles++;
    }
    this.position = close + 1;
    return { kind: 'string', bytes: out.subarray(0, (nibbles + 1) >> 1), hex: true, start, end: close + 1 };
  }

  #readArray(depth: number): PdfValue {
    const start = this.position;
    this.position++;
    const items: PdfValue[] = [];
    for (;;) {
      this.skipSpace();
      if (this.peek() === 0x5d) {
        this.position++;
        return { kind: 'array', items, source: this.bytes, start, end: this.position };
      }
      items.push(this.readValue(depth + 1));
    }
  }

  #readDict(depth: number): PdfDict {
    const start = this.position;
    const entries = new Map<string, PdfValue>();
    const duplicates: string[] = [];
    this.#eachEntry((key) => {
      const value = this.readValue(depth + 1);
      if (entries.has(key)) duplicates.push(key);
      entries.set(key, value);
    });
    return {
      kind: 'dict',
      entries,
      duplicates: duplicates.length > 0 ? duplicates : NO_KEYS,
      source: this.bytes,
      start,
      end: this.position,
    };
  }

  /** Calls back at the start of each value; whoever is called must move over it. */
  #eachEntry(atValue: (key: string) => void): void {
    this.position += 2;
    for (;;) {
      this.skipSpace();
      const byte = this.peek();
      if (byte === 0x3e && this.bytes[this.position + 1] === 0x3e && this.position + 2 <= this.end) {
        this.position += 2;
        return;
      }
      if (byte !== 0x2f) throw new PdfError('not-a-dictionary', `no key at ${this.position}`);
      const key = this.#readName();
      this.skipSpace();
      atValue(key);
    }
  }

  /** Where the value of `key` stands in the dictionary that begins here; of a key that stands twice, the last. */
  findSpan(key: string): Span | undefined {
    let span: Span | undefined;
    this.#eachEntry((name) => {
      const start = this.position;
      this.readValue();
      if (name === key) span = { start, end: this.position };
    });
    return span;
  }
}

const NO_KEYS: readonly string[] = [];

/** Where an entry's value stands in `dict.source`. Read again when asked for: few ask, and keeping it for all costs more than the values. */
export function spanOf(dict: PdfDict, key: string): Span | undefined {
  return dict.entries.has(key) ? new Lexer(dict.source, dict.start, dict.end).findSpan(key) : undefined;
}
