/** Writing PNG files: true-colour pictures of pages, and seals as a stencil of one colour. */
import { crc32, deflateSync } from 'node:zlib';
import { type Colour, colourChannels } from './page-layout.ts';

/** @param rgb three bytes per pixel, row by row. */
export function encodePng(rgb: Uint8Array, widthPx: number, heightPx: number, dpi: number): Uint8Array<ArrayBuffer> {
  return assemble(header(widthPx, heightPx, 2), density(dpi), [], scanlines(rgb, widthPx * 3, heightPx), 6);
}

/**
 * A picture of one colour in many strengths, such as a seal, with a palette: 256 entries of the same colour, each of another opacity.
 * A third of the size of RGBA, which counts because every signature carries the seal's picture twice.
 * @param alpha one byte per pixel, row by row.
 */
export function encodeStencilPng(
  alpha: Uint8Array,
  widthPx: number,
  heightPx: number,
  colour: Colour,
  dpi: number,
): Uint8Array<ArrayBuffer> {
  const palette = Buffer.alloc(256 * 3);
  for (let i = 0; i < 256; i++) palette.set(colourChannels(colour), i * 3);
  const opacities = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const tables = [chunk('PLTE', palette), chunk('tRNS', opacities)];
  return assemble(header(widthPx, heightPx, 3), density(dpi), tables, scanlines(alpha, widthPx, heightPx), 9);
}

function assemble(head: Buffer, size: Buffer, tables: readonly Buffer[], rows: Buffer, level: number): Uint8Array<ArrayBuffer> {
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Uint8Array.from(
    Buffer.concat([signature, head, size, ...tables, chunk('IDAT', deflateSync(rows, { level })), chunk('IEND', Buffer.alloc(0))]),
  );
}

function header(widthPx: number, heightPx: number, colourType: number): Buffer {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(widthPx, 0);
  body.writeUInt32BE(heightPx, 4);
  body[8] = 8;
  body[9] = colourType;
  return chunk('IHDR', body);
}

/** So that the picture knows its size in millimetres. */
function density(dpi: number): Buffer {
  const body = Buffer.alloc(9);
  const perMetre = Math.round(dpi / 0.0254);
  body.writeUInt32BE(perMetre, 0);
  body.writeUInt32BE(perMetre, 4);
  body[8] = 1;
  return chunk('pHYs', body);
}

/** Rows with filter 0 in front of each. */
function scanlines(bytes: Uint8Array, stride: number, height: number): Buffer {
  const rows = Buffer.alloc((stride + 1) * height);
  for (let row = 0; row < height; row++) rows.set(bytes.subarray(row * stride, (row + 1) * stride), row * (stride + 1) + 1);
  return rows;
}

function chunk(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length, 0);
  head.write(kind, 4, 'latin1');
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body, crc32(head.subarray(4))), 0);
  return Buffer.concat([head, body, check]);
}
