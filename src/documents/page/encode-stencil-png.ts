/**
 * A picture of one colour in many strengths, such as a seal, as a PNG with a palette: 256 entries of the same colour, each of another
 * opacity. A third of the size of RGBA, which counts because every signature carries the seal's picture twice.
 */
import { crc32, deflateSync } from 'node:zlib';
import { colourChannels } from './page-layout.ts';

/**
 * @param alpha one byte per pixel, row by row.
 * @param dpi goes into pHYs, so that the picture knows its size.
 */
export function encodeStencilPng(
  alpha: Uint8Array,
  widthPx: number,
  heightPx: number,
  colour: string,
  dpi: number,
): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header[8] = 8;
  header[9] = 3;
  const palette = Buffer.alloc(256 * 3);
  for (let i = 0; i < 256; i++) palette.set(colourChannels(colour), i * 3);
  const density = Buffer.alloc(9);
  const perMetre = Math.round(dpi / 0.0254);
  density.writeUInt32BE(perMetre, 0);
  density.writeUInt32BE(perMetre, 4);
  density[8] = 1;
  const rows = Buffer.alloc((widthPx + 1) * heightPx);
  for (let row = 0; row < heightPx; row++) rows.set(alpha.subarray(row * widthPx, (row + 1) * widthPx), row * (widthPx + 1) + 1);
  const file = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('pHYs', density),
    chunk('PLTE', palette),
    chunk('tRNS', Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return Uint8Array.from(file);
}

function chunk(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length, 0);
  head.write(kind, 4, 'latin1');
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), body])), 0);
  return Buffer.concat([head, body, check]);
}
