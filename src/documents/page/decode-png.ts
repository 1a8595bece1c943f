/**
 * Decoding the PNG files that licences hold: portraits and seal pictures. 8 bits per channel, all colour types, not interlaced;
 * bounded in pixels so that a small file cannot fill the memory.
 */
import { inflateSync } from 'node:zlib';
import { Problem } from '#problem.ts';

export interface DecodedImage {
  width: number;
  height: number;
  /** 3 bytes per pixel. */
  rgb: Uint8Array;
  /** 1 byte per pixel; absent when every pixel is opaque. */
  alpha?: Uint8Array;
}

const SIGNATURE = '89504e470d0a1a0a';
const MAX_PIXELS = 16_000_000;
const MAX_CHUNKS = 10_000;
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** @throws Problem `invalid-input` when the file is damaged or of a kind we do not take. */
export function decodePng(bytes: Uint8Array): DecodedImage {
  return orProblem(() => decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
}

/** Reads the header only. @throws Problem `invalid-input`, as above. */
export function pngSize(bytes: Uint8Array): { width: number; height: number } {
  return orProblem(() => readHeader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
}

function orProblem<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Problem('invalid-input', {
      cause,
      detail: 'The picture is not a PNG file we can read (8 bits per channel, not interlaced).',
      detailZh: '图片不是可识别的 PNG 文件（应为每通道 8 位、非隔行）。',
    });
  }
}

function readHeader(file: Buffer): Shape {
  if (file.subarray(0, 8).toString('hex') !== SIGNATURE) throw new Error('no PNG signature');
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const [depth, colourType, interlace] = [file[24], file[25] ?? 255, file[28]];
  const channels = CHANNELS[colourType];
  if (width === 0 || height === 0 || width * height > MAX_PIXELS) throw new Error('picture too large');
  if (depth !== 8 || channels === undefined || interlace !== 0) throw new Error('unsupported kind of PNG');
  return { width, height, colourType, channels };
}

function decode(file: Buffer): DecodedImage {
  const shape = readHeader(file);
  const { data, palette, transparency } = readChunks(file);
  const stride = shape.width * shape.channels;
  const raw = inflateSync(data, { maxOutputLength: (stride + 1) * shape.height });
  if (raw.length !== (stride + 1) * shape.height) throw new Error('picture data too short');
  return toChannels(unfilter(raw, shape.height, stride, shape.channels), shape, palette, transparency);
}

function readChunks(file: Buffer): { data: Buffer; palette: Buffer; transparency: Buffer } {
  const data: Buffer[] = [];
  let palette: Buffer = Buffer.alloc(0);
  let transparency: Buffer = Buffer.alloc(0);
  let offset = 8;
  for (let count = 0; offset + 12 <= file.length && count < MAX_CHUNKS; count++) {
    const length = file.readUInt32BE(offset);
    const kind = file.toString('latin1', offset + 4, offset + 8);
    if (offset + 12 + length > file.length) throw new Error('chunk outside the file');
    const body = file.subarray(offset + 8, offset + 8 + length);
    if (kind === 'IDAT') data.push(body);
    else if (kind === 'PLTE') palette = body;
    else if (kind === 'tRNS') transparency = body;
    else if (kind === 'IEND') break;
    offset += 12 + length;
  }
  return { data: Buffer.concat(data), palette, transparency };
}

function unfilter(raw: Buffer, height: number, stride: number, channels: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (stride + 1)] ?? 0;
    if (filter > 4) throw new Error('unknown filter');
    const from = row * (stride + 1) + 1;
    const to = row * stride;
    for (let i = 0; i < stride; i++) {
      const left = i >= channels ? (out[to + i - channels] ?? 0) : 0;
      const above = row > 0 ? (out[to + i - stride] ?? 0) : 0;
      const corner = row > 0 && i >= channels ? (out[to + i - stride - channels] ?? 0) : 0;
      out[to + i] = (raw[from + i] ?? 0) + predict(filter, left, above, corner);
    }
  }
  return out;
}

/** PNG (ISO/IEC 15948) clause 9. */
function predict(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const estimate = left + above - corner;
  const [toLeft, toAbove, toCorner] = [Math.abs(estimate - left), Math.abs(estimate - above), Math.abs(estimate - corner)];
  return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
}

interface Shape {
  width: number;
  height: number;
  colourType: number;
  channels: number;
}

function toChannels(
  pixels: Uint8Array,
  { width, height, colourType, channels }: Shape,
  palette: Buffer,
  transparency: Buffer,
): DecodedImage {
  const count = width * height;
  const rgb = new Uint8Array(count * 3);
  const alpha = new Uint8Array(count).fill(255);
  let opaque = true;
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    const first = pixels[at] ?? 0;
    if (colourType === 3) {
      if (first * 3 + 2 >= palette.length) throw new Error('colour outside the palette');
      rgb.set(palette.subarray(first * 3, first * 3 + 3), i * 3);
      alpha[i] = transparency[first] ?? 255;
    } else if (colourType === 0 || colourType === 4) {
      rgb.fill(first, i * 3, i * 3 + 3);
      if (colourType === 4) alpha[i] = pixels[at + 1] ?? 255;
    } else {
      rgb[i * 3] = first;
      rgb[i * 3 + 1] = pixels[at + 1] ?? 0;
      rgb[i * 3 + 2] = pixels[at + 2] ?? 0;
      if (colourType === 6) alpha[i] = pixels[at + 3] ?? 255;
    }
    if (alpha[i] !== 255) opaque = false;
  }
  return opaque ? { width, height, rgb } : { width, height, rgb, alpha };
}
