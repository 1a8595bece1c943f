/**
 * Reading DER (ITU-T X.690), with limits; writing is `encode-der.ts`.
 * Nothing is copied: each element knows its place in the input, so that a signature can be checked over
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
