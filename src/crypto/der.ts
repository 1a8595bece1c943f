/**
 * DER (ITU-T X.690): a reader with limits and a writer.
 * The reader never copies: each element knows its place in the input, so that a signature can be checked over
 * the very bytes that were sent and not over our own re-encoding of them.
 */

/** Thrown for bytes that are not acceptable DER. Callers turn it into a verdict or a Problem. */
export class DerError extends Error {
  override name = 'DerError';
}

export interface DerLimits {
  /** Elements that may be read from one input. */
  maxElements: number;
  maxDepth: number;
}

export const DEFAULT_DER_LIMITS: DerLimits = { maxElements: 50_000, maxDepth: 40 };

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
} as const;

/** Tag byte of a context-specific element: `context(0)` is 0xa0, `context(0, false)` is 0x80. */
export function context(number: number, constructed = true): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

interface Budget {
  left: number;
  maxDepth: number;
}

/** One element of a DER encoding, a view on the input. */
export class DerElement {
  readonly tag: number;
  /** The whole encoding: tag, length and content, as it stood in the input. */
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
  readonly #budget: Budget;
  readonly #depth: number;
  #children: DerElement[] | undefined;

  constructor(tag: number, bytes: Uint8Array, content: Uint8Array, budget: Budget, depth: number) {
    this.tag = tag;
    this.bytes = bytes;
    this.content = content;
    this.#budget = budget;
    this.#depth = depth;
  }

  get constructed(): boolean {
    return (this.tag & 0x20) !== 0;
  }

  /** Elements inside a constructed element. Throws DerError when this is primitive or the content is not DER. */
  get children(): readonly DerElement[] {
    if (this.#children) return this.#children;
    if (!this.constructed) throw new DerError('a primitive element has no children');
    this.#children = readAll(this.content, this.#budget, this.#depth + 1);
    return this.#children;
  }

  /** The child at `index`, checked for its tag when one is given. */
  at(index: number, tag?: number): DerElement {
    const child = this.children[index];
    if (!child) throw new DerError(`element ${index} is missing`);
    return tag === undefined ? child : child.expect(tag);
  }

  /** The first child with this tag, if there is one. */
  find(tag: number): DerElement | undefined {
    return this.children.find((child) => child.tag === tag);
  }

  /** This element, if it has the tag; otherwise DerError. */
  expect(tag: number): DerElement {
    if (this.tag !== tag) throw new DerError(`tag ${hex(tag)} expected, ${hex(this.tag)} found`);
    return this;
  }

  /** Reads the content as one DER element: what an OCTET STRING of an extension wraps, or an EXPLICIT tag. */
  inner(): DerElement {
    const elements = readAll(this.content, this.#budget, this.#depth + 1);
    const [first] = elements;
    if (!first || elements.length !== 1) throw new DerError('exactly one element expected inside');
    return first;
  }

  asOid(): string {
    this.expect(TAG.oid);
    return decodeOid(this.content);
  }

  asBigInt(): bigint {
    if (this.tag !== TAG.integer && this.tag !== TAG.enumerated) this.expect(TAG.integer);
    return decodeInteger(this.content);
  }

  /** An INTEGER that fits a JavaScript safe integer. */
  asNumber(): number {
    const value = this.asBigInt();
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) throw new DerError('integer too large');
    return Number(value);
  }

  asBoolean(): boolean {
    this.expect(TAG.boolean);
    if (this.content.length !== 1) throw new DerError('boolean of wrong length');
    return this.content[0] !== 0;
  }

  asOctets(): Uint8Array {
    return this.expect(TAG.octetString).content;
  }

  /** The octets of a BIT STRING that has no unused bits. */
  asBits(): Uint8Array {
    this.expect(TAG.bitString);
    if (this.content[0] !== 0) throw new DerError('bit string with unused bits or empty');
    return this.content.subarray(1);
  }

  /** Any of the ASN.1 character strings, decoded. */
  asText(): string {
    switch (this.tag) {
      case TAG.utf8String:
        return decodeUtf8(this.content);
      case TAG.printableString:
      case TAG.ia5String:
      case TAG.visibleString:
      case 0x12:
        return Buffer.from(this.content).toString('latin1');
      case TAG.t61String:
        return Buffer.from(this.content).toString('latin1');
      case TAG.bmpString:
        if (this.content.length % 2) throw new DerError('BMPString of odd length');
        return Buffer.from(this.content).swap16().toString('utf16le');
      default:
        throw new DerError(`not a character string: tag ${hex(this.tag)}`);
    }
  }

  /** UTCTime or GeneralizedTime. Two-digit years below 50 are 20xx (RFC 5280 §4.1.2.5.1). */
  asTime(): Date {
    return decodeTime(this.tag, this.content);
  }
}

/** Parses exactly one element that fills the input. */
export function parseDer(input: Uint8Array, limits: DerLimits = DEFAULT_DER_LIMITS): DerElement {
  const { element, end } = readOne(input, 0, { left: limits.maxElements, maxDepth: limits.maxDepth }, 0);
  if (end !== input.length) throw new DerError(`${input.length - end} bytes after the element`);
  return element;
}

/** Parses the first element and says where it ends; used where zero padding may follow (PDF Contents). */
export function parseDerPrefix(input: Uint8Array, limits: DerLimits = DEFAULT_DER_LIMITS): { element: DerElement; length: number } {
  const { element, end } = readOne(input, 0, { left: limits.maxElements, maxDepth: limits.maxDepth }, 0);
  return { element, length: end };
}

function readAll(input: Uint8Array, budget: Budget, depth: number): DerElement[] {
  const elements: DerElement[] = [];
  let offset = 0;
  while (offset < input.length) {
    const { element, end } = readOne(input, offset, budget, depth);
    elements.push(element);
    offset = end;
  }
  return elements;
}

function readOne(input: Uint8Array, start: number, budget: Budget, depth: number): { element: DerElement; end: number } {
  if (depth > budget.maxDepth) throw new DerError('nested too deeply');
  budget.left -= 1;
  if (budget.left < 0) throw new DerError('too many elements');
  const tag = input[start];
  const first = input[start + 1];
  if (tag === undefined || first === undefined) throw new DerError('truncated');
  if ((tag & 0x1f) === 0x1f) throw new DerError('tag numbers above 30 are not used here');
  let offset = start + 2;
  let length = first;
  if (first === 0x80) throw new DerError('indefinite length is not DER');
  if (first > 0x80) {
    const count = first & 0x7f;
    if (count > 4) throw new DerError('length of more than four bytes');
    length = 0;
    for (let i = 0; i < count; i++) {
      const byte = input[offset++];
      if (byte === undefined) throw new DerError('truncated length');
      length = length * 256 + byte;
    }
    if (length < 0x80 || (count > 1 && length < 2 ** (8 * (count - 1)))) throw new DerError('length not in shortest form');
  }
  const end = offset + length;
  if (end > input.length) throw new DerError('truncated');
  return { element: new DerElement(tag, input.subarray(start, end), input.subarray(offset, end), budget, depth), end };
}

/** An arc this small can take seven more bits and stay exact as a number. */
const EXACT_ARC = 2 ** 46;

function decodeOid(content: Uint8Array): string {
  if (content.length === 0 || content.length > 64) throw new DerError('object identifier of impossible length');
  let text = '';
  let arc: number | bigint = 0;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw new DerError('object identifier not in shortest form');
    fresh = byte < 0x80;
    // Longer arcs (UUIDs under 2.25) are rare enough to pay for big integers.
    arc = typeof arc === 'number' && arc < EXACT_ARC ? arc * 128 + (byte & 0x7f) : (BigInt(arc) << 7n) | BigInt(byte & 0x7f);
    if (!fresh) continue;
    text += text ? `.${arc}` : firstArcs(arc);
    arc = 0;
  }
  if (!fresh) throw new DerError('object identifier cut off');
  return text;
}

/** The first two arcs share an encoding: 40 for each root, and only the last root may have more below it. */
function firstArcs(head: number | bigint): string {
  const root = head < 40 ? 0 : head < 80 ? 1 : 2;
  return `${root}.${typeof head === 'number' ? head - root * 40 : head - BigInt(root * 40)}`;
}

function decodeInteger(content: Uint8Array): bigint {
  const [first, second] = content;
  if (first === undefined) throw new DerError('empty integer');
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerError('integer not in shortest form');
  }
  if (content.length > 1024) throw new DerError('integer too large');
  const value = BigInt(`0x${Buffer.from(content).toString('hex')}`);
  return first >= 0x80 ? value - (1n << BigInt(8 * content.length)) : value;
}

function decodeUtf8(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new DerError('not UTF-8');
  }
}

function decodeTime(tag: number, content: Uint8Array): Date {
  const text = Buffer.from(content).toString('latin1');
  const pattern =
    tag === TAG.utcTime
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?()(Z|[+-]\d{4})$/
      : tag === TAG.generalizedTime
        ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:\.(\d{1,9}))?(Z|[+-]\d{4})$/
        : undefined;
  const match = pattern?.exec(text);
  if (!match) throw new DerError('not a time');
  const [, y = '', mo = '', d = '', h = '', mi = '', s = '0', fraction, zone = 'Z'] = match;
  const year = y.length === 4 ? Number(y) : Number(y) < 50 ? 2000 + Number(y) : 1900 + Number(y);
  const ms = fraction ? Math.floor(Number(`0.${fraction}`) * 1000) : 0;
  const date = new Date(Date.UTC(year, Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s), ms));
  if (year < 100) date.setUTCFullYear(year);
  if (date.getUTCMonth() !== Number(mo) - 1 || date.getUTCDate() !== Number(d) || Number(h) > 23 || Number(mi) > 59 || Number(s) > 59) {
    throw new DerError('impossible time');
  }
  if (zone === 'Z') return date;
  const offsetMinutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5));
  return new Date(date.getTime() - (zone[0] === '-' ? -1 : 1) * offsetMinutes * 60_000);
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}

// Writing. Each function returns the whole encoding of one element.

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
export const setOf = (...parts: readonly Uint8Array[]): Uint8Array => tlv(TAG.set, ...[...parts].sort((a, b) => Buffer.compare(a, b)));

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

function compactTime(date: Date): string {
  return `${date
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:T]/g, '')}Z`;
}
