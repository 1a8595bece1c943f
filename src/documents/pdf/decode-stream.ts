/**
 * Stream filters (ISO 32000-1 §7.4) for the streams that carry structure: cross-reference and object streams, metadata,
 * certificates. Output is bounded before it is made.
 */
import { inflateSync } from 'node:zlib';
import { hexDigit, isWhiteSpace } from './lexer.ts';
import { integerOf, isArray, isDict, nameOf, type PdfDict, PdfError, type PdfStream, type PdfValue } from './pdf-values.ts';

const MAX_FILTERS = 4;

/**
 * The decoded data. Throws PdfError for filters of pictures, broken data, or more than `maxBytes` at any stage.
 * @param resolve follows a reference in /Filter or /DecodeParms.
 */
export function decodeStream(stream: PdfStream, maxBytes: number, resolve: (value: PdfValue | undefined) => PdfValue): Uint8Array {
  const filters = listOf(resolve(stream.dict.entries.get('Filter') ?? stream.dict.entries.get('F'))).map(resolve);
  const parameters = listOf(resolve(stream.dict.entries.get('DecodeParms') ?? stream.dict.entries.get('DP'))).map(resolve);
  if (filters.length > MAX_FILTERS) throw new PdfError('too-many-filters');
  let data = stream.data;
  filters.forEach((filter, index) => {
    const parms = parameters[index];
    data = applyFilter(nameOf(filter) ?? '', data, isDict(parms) ? parms : undefined, maxBytes);
    if (data.length > maxBytes) throw new PdfError('stream-too-large');
  });
  return data;
}

function listOf(value: PdfValue): readonly PdfValue[] {
  if (value === null) return [];
  return isArray(value) ? value.items : [value];
}

function applyFilter(name: string, data: Uint8Array, parms: PdfDict | undefined, maxBytes: number): Uint8Array {
  switch (name) {
    case 'FlateDecode':
    case 'Fl':
      return undoPredictor(inflate(data, maxBytes), parms);
    case 'LZWDecode':
    case 'LZW':
      return undoPredictor(unpackLzw(data, integerOf(parms?.entries.get('EarlyChange')) ?? 1, maxBytes), parms);
    case 'ASCIIHexDecode':
    case 'AHx':
      return readAsciiHex(data);
    case 'ASCII85Decode':
    case 'A85':
      return readAscii85(data);
    case 'RunLengthDecode':
    case 'RL':
      return unpackRuns(data, maxBytes);
    default:
      throw new PdfError('unsupported-filter', `filter ${name}`);
  }
}

function inflate(data: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return inflateSync(data, { maxOutputLength: maxBytes });
  } catch (cause) {
    const tooLarge = (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
    throw new PdfError(tooLarge ? 'stream-too-large' : 'stream-broken');
  }
}

/** PNG predictors 10–15 and the TIFF predictor 2 with 8-bit components (§7.4.4.4). */
function undoPredictor(data: Uint8Array, parms: PdfDict | undefined): Uint8Array {
  const predictor = integerOf(parms?.entries.get('Predictor')) ?? 1;
  if (predictor === 1) return data;
  const colors = integerOf(parms?.entries.get('Colors')) ?? 1;
  const bits = integerOf(parms?.entries.get('BitsPerComponent')) ?? 8;
  const columns = integerOf(parms?.entries.get('Columns')) ?? 1;
  if (colors < 1 || colors > 32 || ![1, 2, 4, 8, 16].includes(bits) || columns < 1 || columns > 1_000_000) {
    throw new PdfError('bad-predictor');
  }
  const pixel = Math.max(1, (colors * bits) >> 3);
  const row = (colors * bits * columns + 7) >> 3;
  if (predictor >= 10) return undoPngFilters(data, row, pixel);
  if (predictor !== 2 || bits !== 8) throw new PdfError('bad-predictor');
  const out = Uint8Array.from(data);
  for (let start = 0; start < out.length; start += row) {
    for (let i = start + pixel; i < Math.min(start + row, out.length); i++)
      out[i] = ((out[i] as number) + (out[i - pixel] as number)) & 0xff;
  }
  return out;
}

/** Undoes the five PNG filters over rows of `row` bytes, each led by its filter number (PNG §9). */
export function undoPngFilters(data: Uint8Array, row: number, pixel: number): Uint8Array {
  const rows = Math.floor(data.length / (row + 1));
  const out = new Uint8Array(rows * row);
  for (let r = 0; r < rows; r++) {
    const filter = data[r * (row + 1)] as number;
    if (filter > 4) throw new PdfError('bad-predictor');
    const from = r * (row + 1) + 1;
    const to = r * row;
    for (let i = 0; i < row; i++) {
      const left = i >= pixel ? (out[to + i - pixel] as number) : 0;
      const up = r > 0 ? (out[to + i - row] as number) : 0;
      const upLeft = r > 0 && i >= pixel ? (out[to + i - row - pixel] as number) : 0;
      out[to + i] = ((data[from + i] as number) + predicted(filter, left, up, upLeft)) & 0xff;
    }
  }
  return out;
}

function predicted(filter: number, left: number, up: number, upLeft: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const guess = left + up - upLeft;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - upLeft)];
  return a <= b && a <= c ? left : b <= c ? up : upLeft;
}

function readAsciiHex(data: Uint8Array): Uint8Array {
  const digits: number[] = [];
  for (const byte of data) {
    if (byte === 0x3e) break;
    const digit = hexDigit(byte);
    if (digit >= 0) digits.push(digit);
    else if (!isWhiteSpace(byte)) throw new PdfError('stream-broken');
  }
  if (digits.length % 2) digits.push(0);
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = ((digits[2 * i] as number) << 4) | (digits[2 * i + 1] as number);
  return out;
}

function readAscii85(data: Uint8Array): Uint8Array {
  const out: number[] = [];
  let group: number[] = [];
  const flush = () => {
    const missing = 5 - group.length;
    if (missing === 4) throw new PdfError('stream-broken');
    const value = [...group, ...Array<number>(missing).fill(84)].reduce((sum, digit) => sum * 85 + digit, 0);
    for (let i = 3; i >= missing; i--) out.push(Math.floor(value / 256 ** i) & 0xff);
    group = [];
  };
  for (const byte of data) {
    if (byte === 0x7e) break;
    if (isWhiteSpace(byte)) continue;
    if (byte === 0x7a && group.length === 0) out.push(0, 0, 0, 0);
    else if (byte >= 0x21 && byte <= 0x75) group.push(byte - 0x21);
    else throw new PdfError('stream-broken');
    if (group.length === 5) flush();
  }
  if (group.length > 0) flush();
  return Uint8Array.from(out);
}

function unpackRuns(data: Uint8Array, maxBytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let at = 0; at < data.length; ) {
    const length = data[at] as number;
    if (length === 128) break;
    const part = length < 128 ? data.subarray(at + 1, at + 2 + length) : new Uint8Array(257 - length).fill(data[at + 1] ?? 0);
    at += length < 128 ? length + 2 : 2;
    total += part.length;
    if (total > maxBytes) throw new PdfError('stream-too-large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function unpackLzw(data: Uint8Array, earlyChange: number, maxBytes: number): Uint8Array {
  const out: number[] = [];
  let table: number[][] = [];
  const reset = () => {
    table = Array.from({ length: 258 }, (_value, code) => (code < 256 ? [code] : []));
  };
  reset();
  let [bits, held, width] = [0, 0, 9];
  let previous: number[] | undefined;
  for (const byte of data) {
    held = (held << 8) | byte;
    bits += 8;
    if (bits < width) continue;
    bits -= width;
    const code = held >> bits;
    held &= (1 << bits) - 1;
    if (code === 257) break;
    if (code === 256) {
      reset();
      width = 9;
      previous = undefined;
      continue;
    }
    const entry = table[code] ?? (previous && code === table.length ? [...previous, previous[0] as number] : undefined);
    if (!entry || (code > 255 && entry.length === 0)) throw new PdfError('stream-broken');
    for (const value of entry) out.push(value);
    if (out.length > maxBytes) throw new PdfError('stream-too-large');
    if (previous && table.length < 4096) table.push([...previous, entry[0] as number]);
    previous = entry;
    const size = table.length + earlyChange;
    width = size >= 2048 ? 12 : size >= 1024 ? 11 : size >= 512 ? 10 : 9;
  }
  return Uint8Array.from(out);
}
