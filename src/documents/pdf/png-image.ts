/** A PNG as PDF image data: colour and transparency apart, as image XObject and SMask want them (ISO 32000-1 §8.9.5, §11.6.5.3). */
import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { Problem } from '#problem.ts';
import { undoPngFilters } from './decode-stream.ts';

export interface PdfImage {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly colorSpace: 'DeviceRGB' | 'DeviceGray';
  /** Deflated samples, 8 bits a component. */
  readonly samples: Uint8Array;
  /** Deflated alpha, absent when the picture is opaque. */
  readonly alpha?: Uint8Array;
}

const SIGNATURE = '89504e470d0a1a0a';
const MAX_PIXELS = 16_000_000;
/** Components of each PNG colour type with 8 bits; palettes come as 3. */
const COMPONENTS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** One seal signs many documents, and its picture is the dearest part of each: the last few are kept. */
const recent = new Map<string, PdfImage>();
const MAX_RECENT = 16;

/** Throws Problem `picture-not-usable` for anything but an 8-bit PNG without interlacing. */
export function readPngImage(png: Uint8Array): PdfImage {
  const key = createHash('sha256').update(png).digest('base64');
  const known = recent.get(key);
  if (known) return known;
  const image = decode(png);
  const [oldest] = recent.keys();
  if (recent.size >= MAX_RECENT && oldest !== undefined) recent.delete(oldest);
  recent.set(key, image);
  return image;
}

function refuse(): never {
  throw new Problem('picture-not-usable');
}

function decode(png: Uint8Array): PdfImage {
  const chunks = readChunks(png);
  const header = chunks.find(({ type }) => type === 'IHDR')?.data;
  if (header?.length !== 13) refuse();
  const [widthPx, heightPx] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth, colorType, , , interlaced] = header.subarray(8);
  const components = COMPONENTS[colorType ?? -1];
  if (depth !== 8 || components === undefined || interlaced !== 0 || widthPx * heightPx > MAX_PIXELS || widthPx * heightPx === 0) refuse();
  const row = widthPx * components;
  const packed = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data));
  const pixels = unpack(packed, row, heightPx, components);
  const palette = chunks.find(({ type }) => type === 'PLTE')?.data;
  const transparency = chunks.find(({ type }) => type === 'tRNS')?.data;
  return split({ pixels, widthPx, heightPx, colorType: colorType ?? 0, palette, transparency });
}

function readChunks(png: Uint8Array): { type: string; data: Buffer }[] {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.length);
  if (bytes.toString('hex', 0, 8) !== SIGNATURE) refuse();
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) refuse();
    chunks.push({ type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function unpack(packed: Uint8Array, row: number, rows: number, components: number): Uint8Array {
  try {
    const raw = inflateSync(packed, { maxOutputLength: (row + 1) * rows });
    if (raw.length !== (row + 1) * rows) refuse();
    return undoPngFilters(raw, row, components);
  } catch (cause) {
    throw new Problem('picture-not-usable', { cause });
  }
}

interface Pixels {
  pixels: Uint8Array;
  widthPx: number;
  heightPx: number;
  colorType: number;
  palette: Buffer | undefined;
  transparency: Buffer | undefined;
}

function split({ pixels, widthPx, heightPx, colorType, palette, transparency }: Pixels): PdfImage {
  const count = widthPx * heightPx;
  const isGray = colorType === 0 || colorType === 4;
  const hasAlpha = colorType === 4 || colorType === 6 || (colorType === 3 && transparency !== undefined);
  const colors = isGray ? 1 : 3;
  const step = COMPONENTS[colorType] ?? 1;
  const samples = new Uint8Array(count * colors);
  const alpha = new Uint8Array(hasAlpha ? count : 0);
  for (let i = 0; i < count; i++) {
    const first = pixels[i * step] ?? 0;
    if (colorType === 3) {
      if (!palette) refuse();
      for (let c = 0; c < 3; c++) samples[i * 3 + c] = palette[first * 3 + c] ?? 0;
      if (hasAlpha) alpha[i] = transparency?.[first] ?? 255;
      continue;
    }
    for (let c = 0; c < colors; c++) samples[i * colors + c] = pixels[i * step + c] ?? 0;
    if (hasAlpha) alpha[i] = pixels[i * step + step - 1] ?? 0;
  }
  return {
    widthPx,
    heightPx,
    colorSpace: isGray ? 'DeviceGray' : 'DeviceRGB',
    samples: deflateSync(samples),
    ...(hasAlpha ? { alpha: deflateSync(alpha) } : {}),
  };
}
