/**
 * PDF objects as they stood in the file (ISO 32000-1 §7.3). Compound values know the bytes they came from, so that a
 * changed dictionary can be written with all its untouched entries copied, and a signature's Contents can be found to the byte.
 */

/** Thrown for bytes that cannot be read as PDF. `reason` is a stable code for verdicts. */
export class PdfError extends Error {
  override name = 'PdfError';
  readonly reason: string;

  constructor(reason: string, message: string = reason) {
    super(message);
    this.reason = reason;
  }
}

/** Half-open range of offsets in the buffer the value was read from. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface PdfName {
  readonly kind: 'name';
  readonly name: string;
}

export interface PdfString extends Span {
  readonly kind: 'string';
  readonly bytes: Uint8Array;
  readonly hex: boolean;
}

export interface PdfRef {
  readonly kind: 'ref';
  readonly num: number;
  readonly gen: number;
}

export interface PdfArray extends Span {
  readonly kind: 'array';
  readonly items: readonly PdfValue[];
  /** The buffer the span refers to. */
  readonly source: Uint8Array;
}

export interface PdfDict extends Span {
  readonly kind: 'dict';
  readonly entries: ReadonlyMap<string, PdfValue>;
  /** Keys written more than once: readers disagree on which one counts. */
  readonly duplicates: readonly string[];
  /** The buffer the span refers to: the file, or a decoded object stream. */
  readonly source: Uint8Array;
}

export interface PdfStream extends Span {
  readonly kind: 'stream';
  readonly dict: PdfDict;
  /** The data as stored, still encoded. */
  readonly data: Uint8Array;
}

export type PdfValue = null | boolean | number | PdfName | PdfString | PdfRef | PdfArray | PdfDict | PdfStream;

export function isDict(value: PdfValue | undefined): value is PdfDict {
  return typeof value === 'object' && value?.kind === 'dict';
}

export function isStream(value: PdfValue | undefined): value is PdfStream {
  return typeof value === 'object' && value?.kind === 'stream';
}

export function isArray(value: PdfValue | undefined): value is PdfArray {
  return typeof value === 'object' && value?.kind === 'array';
}

export function isRef(value: PdfValue | undefined): value is PdfRef {
  return typeof value === 'object' && value?.kind === 'ref';
}

export function isString(value: PdfValue | undefined): value is PdfString {
  return typeof value === 'object' && value?.kind === 'string';
}

/** The text of a name, or undefined for anything else. */
export function nameOf(value: PdfValue | undefined): string | undefined {
  return typeof value === 'object' && value?.kind === 'name' ? value.name : undefined;
}

export function integerOf(value: PdfValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** A text string: UTF-16 or UTF-8 by its mark, otherwise one octet a character (ISO 32000-1 §7.9.2.2; ISO 32000-2 for UTF-8). */
export function textOf(value: PdfValue | undefined): string | undefined {
  if (!isString(value)) return undefined;
  const { bytes } = value;
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes.subarray(2));
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return new TextDecoder('utf-8').decode(bytes.subarray(3));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** A date string `D:YYYYMMDDHHmmSSOHH'mm'` (ISO 32000-1 §7.9.4); undefined when it is none. No zone counts as UTC. */
export function dateOf(value: PdfValue | undefined): Date | undefined {
  const match = /^(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([Z+-])(?:(\d\d)'?(?:(\d\d)'?)?)?)?$/.exec(textOf(value) ?? '');
  if (!match) return undefined;
  const [, year = '', month = '01', day = '01', hour = '00', minute = '00', second = '00', sign, zoneHour = '0', zoneMinute = '0'] = match;
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const date = new Date(utc);
  if (date.getUTCMonth() !== Number(month) - 1 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const offset = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000;
  return new Date(utc - (sign === '-' ? -offset : sign === '+' ? offset : 0));
}
