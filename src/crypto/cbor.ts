/**
 * A strict subset of CBOR (RFC 8949): integers, byte and text strings, arrays, maps, tags, true, false, null.
 * Only definite lengths in shortest form; no floats, no repeated map keys; limits on size, depth and number of items.
 */

/** Thrown for bytes outside the subset. */
export class CborError extends Error {
  override name = 'CborError';
}

export class CborTag {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

export type CborKey = number | string;
export type CborMap = ReadonlyMap<CborKey, CborValue>;
export type CborValue = number | string | boolean | null | Uint8Array | readonly CborValue[] | CborMap | CborTag;

export interface CborLimits {
  maxBytes: number;
  maxItems: number;
  maxDepth: number;
}

export const DEFAULT_CBOR_LIMITS: CborLimits = { maxBytes: 64 * 1024, maxItems: 2_000, maxDepth: 12 };

/** Writes a value in deterministic encoding (§4.2.1): shortest heads, map keys in bytewise order. Throws CborError for what the subset lacks. */
export function encodeCbor(value: CborValue): Uint8Array {
  return Uint8Array.from(Buffer.concat(encodeParts(value, 0)));
}

function encodeParts(value: CborValue, depth: number): Uint8Array[] {
  if (depth > DEFAULT_CBOR_LIMITS.maxDepth) throw new CborError('nested too deeply');
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new CborError('only safe integers');
    return [value >= 0 ? head(0, value) : head(1, -1 - value)];
  }
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'utf8');
    return [head(3, bytes.length), bytes];
  }
  if (typeof value === 'boolean') return [Uint8Array.of(value ? 0xf5 : 0xf4)];
  if (value === null) return [Uint8Array.of(0xf6)];
  if (value instanceof Uint8Array) return [head(2, value.length), value];
  if (value instanceof CborTag) return [head(6, value.tag), ...encodeParts(value.value, depth + 1)];
  if (value instanceof Map) {
    const entries = [...(value as CborMap)].map(([key, item]) => ({ key: encodeCbor(key), item }));
    entries.sort((a, b) => Buffer.compare(a.key, b.key));
    return [head(5, entries.length), ...entries.flatMap(({ key, item }) => [key, ...encodeParts(item, depth + 1)])];
  }
  if (Array.isArray(value)) return [head(4, value.length), ...value.flatMap((item) => encodeParts(item, depth + 1))];
  throw new CborError('not a value of the subset');
}

function head(major: number, argument: number): Uint8Array {
  const top = major << 5;
  if (argument < 24) return Uint8Array.of(top | argument);
  if (argument < 0x100) return Uint8Array.of(top | 24, argument);
  if (argument < 0x1_0000) return Uint8Array.of(top | 25, argument >> 8, argument & 0xff);
  const out = Buffer.alloc(argument < 0x1_0000_0000 ? 5 : 9);
  out[0] = top | (out.length === 5 ? 26 : 27);
  if (out.length === 5) out.writeUInt32BE(argument, 1);
  else out.writeBigUInt64BE(BigInt(argument), 1);
  return out;
}

/** Reads exactly one value that fills the input. Byte strings are views on it. Throws CborError. */
export function decodeCbor(input: Uint8Array, limits: CborLimits = DEFAULT_CBOR_LIMITS): CborValue {
  if (input.length > limits.maxBytes) throw new CborError('too large');
  const reader = new Reader(input, limits);
  const value = reader.read(0);
  if (reader.offset !== input.length) throw new CborError('bytes after the value');
  return value;
}

class Reader {
  offset = 0;
  readonly #input: Uint8Array;
  readonly #maxDepth: number;
  #itemsLeft: number;

  constructor(input: Uint8Array, limits: CborLimits) {
    this.#input = input;
    this.#maxDepth = limits.maxDepth;
    this.#itemsLeft = limits.maxItems;
  }

  read(depth: number): CborValue {
    if (depth > this.#maxDepth) throw new CborError('nested too deeply');
    if (--this.#itemsLeft < 0) throw new CborError('too many items');
    const initial = this.#take(1)[0] ?? 0;
    const major = initial >> 5;
    const low = initial & 0x1f;
    if (major === 7) return readSimple(initial);
    const argument = this.#argument(low);
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.#take(argument);
      case 3:
        return decodeText(this.#take(argument));
      case 4:
        return this.#array(argument, depth);
      case 5:
        return this.#map(argument, depth);
      default:
        return new CborTag(argument, this.read(depth + 1));
    }
  }

  #take(length: number): Uint8Array {
    const end = this.offset + length;
    if (end > this.#input.length) throw new CborError('truncated');
    const taken = this.#input.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }

  #argument(low: number): number {
    if (low < 24) return low;
    if (low > 27) throw new CborError('indefinite or reserved length');
    const size = 1 << (low - 24);
    let value = 0;
    for (const byte of this.#take(size)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value) || value < (size === 1 ? 24 : 256 ** (size / 2)))
      throw new CborError('integer too large or not shortest');
    return value;
  }

  #array(count: number, depth: number): CborValue[] {
    const items: CborValue[] = [];
    // Each item takes at least a byte, so a huge count fails at the end of the input, not in memory.
    for (let i = 0; i < count; i++) items.push(this.read(depth + 1));
    return items;
  }

  #map(count: number, depth: number): CborMap {
    const map = new Map<CborKey, CborValue>();
    for (let i = 0; i < count; i++) {
      const key = this.read(depth + 1);
      if (typeof key !== 'number' && typeof key !== 'string') throw new CborError('map key of another kind');
      if (map.has(key)) throw new CborError('map key stands twice');
      map.set(key, this.read(depth + 1));
    }
    return map;
  }
}

function readSimple(initial: number): boolean | null {
  if (initial === 0xf4 || initial === 0xf5) return initial === 0xf5;
  if (initial === 0xf6) return null;
  throw new CborError('floats and other simple values are not used here');
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CborError('not UTF-8');
  }
}
