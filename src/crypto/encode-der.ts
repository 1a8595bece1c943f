/** Writing DER (X.690). Each function returns the whole encoding of one element. */
import { context, TAG } from './der.ts';

/** Small elements are cut from slabs: an encoding makes dozens, and memory of its own for each costs more than filling it. */
const SLAB_OCTETS = 16_384;
const MAX_CUT = 1_024;
let slab = new Uint8Array(SLAB_OCTETS);
let used = 0;

function allocate(length: number): Uint8Array {
  if (length > MAX_CUT) return new Uint8Array(length);
  if (used + length > SLAB_OCTETS) {
    slab = new Uint8Array(SLAB_OCTETS);
    used = 0;
  }
  const cut = new Uint8Array(slab.buffer, used, length);
  used += length;
  return cut;
}

/** An element with any tag byte around the given content parts. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  // Written in place, as this is the innermost step of every encoding.
  const lengthOctets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  const out = allocate(2 + lengthOctets + length);
  out[0] = tag;
  out[1] = lengthOctets === 0 ? length : 0x80 | lengthOctets;
  let offset = 2;
  for (let shift = 8 * (lengthOctets - 1); shift >= 0; shift -= 8) out[offset++] = length >>> shift;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Tag and length bytes alone, for writers that stream the content. */
export function encodeHeader(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return Uint8Array.of(tag, 0x80 | bytes.length, ...bytes);
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tlv(TAG.sequence, ...parts);

/** SET OF: the parts are sorted as DER demands (X.690 §11.6). */
export const setOf = (...parts: readonly Uint8Array[]): Uint8Array =>
  tlv(TAG.set, ...(parts.length < 2 ? parts : [...parts].sort((a, b) => Buffer.compare(a, b))));

export const octetString = (content: Uint8Array): Uint8Array => tlv(TAG.octetString, content);
export const bitString = (content: Uint8Array, unusedBits = 0): Uint8Array => tlv(TAG.bitString, Uint8Array.of(unusedBits), content);
export const utf8String = (text: string): Uint8Array => tlv(TAG.utf8String, Buffer.from(text, 'utf8'));
export const ia5String = (text: string): Uint8Array => tlv(TAG.ia5String, Buffer.from(text, 'latin1'));
export const printableString = (text: string): Uint8Array => tlv(TAG.printableString, Buffer.from(text, 'latin1'));
export const boolean = (value: boolean): Uint8Array => Uint8Array.of(TAG.boolean, 1, value ? 0xff : 0);
export const nullValue = (): Uint8Array => Uint8Array.of(TAG.null, 0);

/** `[n] EXPLICIT` around whole elements; also `[n] IMPLICIT` of a constructed type when given its content. */
export const explicit = (number: number, ...parts: readonly Uint8Array[]): Uint8Array => tlv(context(number), ...parts);

/** `[n] IMPLICIT` of a primitive type: content octets only. */
export const implicitPrimitive = (number: number, content: Uint8Array): Uint8Array => tlv(context(number, false), content);

/** INTEGER from a number, a bigint, or the big-endian octets of a non-negative value. */
export function integer(value: number | bigint | Uint8Array, tag: number = TAG.integer): Uint8Array {
  if (value instanceof Uint8Array) {
    let start = 0;
    while (start < value.length - 1 && value[start] === 0) start++;
    const body = value.subarray(start);
    return (body[0] ?? 0) >= 0x80 ? tlv(tag, Uint8Array.of(0), body) : tlv(tag, body.length ? body : Uint8Array.of(0));
  }
  if (typeof value === 'number' && value >= 0 && value < 0x80 && Number.isInteger(value)) return Uint8Array.of(tag, 1, value);
  let rest = BigInt(value);
  const bytes: number[] = [];
  do {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (!((rest === 0n && (bytes[0] ?? 0) < 0x80) || (rest === -1n && (bytes[0] ?? 0) >= 0x80)));
  return tlv(tag, Uint8Array.from(bytes));
}

const oidCache = new Map<string, Uint8Array>();

/** OBJECT IDENTIFIER from dotted text. */
export function oid(dotted: string): Uint8Array {
  const known = oidCache.get(dotted);
  if (known) return known;
  const arcs = dotted.split('.').map((arc) => BigInt(arc));
  const [first = 0n, second = 0n, ...rest] = arcs;
  const bytes: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const group = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) group.unshift(Number(left & 0x7fn) | 0x80);
    bytes.push(...group);
  }
  const encoded = tlv(TAG.oid, Uint8Array.from(bytes));
  if (oidCache.size < 1000) oidCache.set(dotted, encoded);
  return encoded;
}

/** UTCTime, seconds, Z: for years 1950 to 2049. */
export const utcTime = (date: Date): Uint8Array => tlv(TAG.utcTime, Buffer.from(compactTime(date).slice(2), 'latin1'));

/** GeneralizedTime in UTC with seconds and without a fraction, as RFC 5280 and GB/T 38540 write it. */
export const generalizedTime = (date: Date): Uint8Array => tlv(TAG.generalizedTime, Buffer.from(compactTime(date), 'latin1'));

/** Time of a certificate: UTCTime to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export const x509Time = (date: Date): Uint8Array => (date.getUTCFullYear() < 2050 ? utcTime(date) : generalizedTime(date));

/** YYYYMMDDhhmmssZ. Throws RangeError for a year that does not have four digits. */
export function compactTime(date: Date): string {
  const iso = date.toISOString();
  if (iso.length !== 24) throw new RangeError('a year that does not have four digits');
  return `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 10)}${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
}
