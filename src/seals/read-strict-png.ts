/**
 * Reading a PNG somebody sent, before anything decodes it: only chunks a still picture has, each whole and in order, nothing after the
 * end. What only describes the picture (text, time, camera data) is let pass, for it is left behind when the picture is written anew.
 */
import { crc32 } from 'node:zlib';

export type PngFault = 'not-png' | 'damaged' | 'animated' | 'foreign-chunk' | 'trailing-bytes';

const SIGNATURE = '89504e470d0a1a0a';
const PICTURE = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'sBIT', 'bKGD', 'hIST', 'pHYs']);
const DESCRIPTIVE = new Set(['tEXt', 'zTXt', 'iTXt', 'tIME', 'eXIf', 'sPLT', 'cICP', 'iDOT']);
const ANIMATION = new Set(['acTL', 'fcTL', 'fdAT']);
const ONCE = new Set(['IHDR', 'PLTE', 'tRNS', 'IEND', 'pHYs', 'acTL']);
const MAX_CHUNKS = 4_096;

/** Pixels per metre, when the file says so for both directions alike. */
export interface PngFacts {
  perMetre: number | undefined;
}

export function readStrictPng(bytes: Uint8Array): PngFacts | PngFault {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.toString('hex', 0, 8) !== SIGNATURE) return 'not-png';
  const seen: string[] = [];
  let perMetre: number | undefined;
  for (let offset = 8; offset < file.length; ) {
    if (seen.at(-1) === 'IEND') return 'trailing-bytes';
    if (offset + 12 > file.length || seen.length >= MAX_CHUNKS) return 'damaged';
    const length = file.readUInt32BE(offset);
    const kind = file.toString('latin1', offset + 4, offset + 8);
    const end = offset + 12 + length;
    if (end > file.length) return 'damaged';
    if (ANIMATION.has(kind)) return 'animated';
    if (!PICTURE.has(kind) && !DESCRIPTIVE.has(kind)) return 'foreign-chunk';
    if (file.readUInt32BE(end - 4) !== crc32(file.subarray(offset + 4, end - 4))) return 'damaged';
    if (!isInOrder(kind, length, seen)) return 'damaged';
    if (kind === 'pHYs') perMetre = densityOf(file.subarray(offset + 8, end - 4));
    seen.push(kind);
    offset = end;
  }
  return seen.at(-1) === 'IEND' && seen.includes('IDAT') ? { perMetre } : 'damaged';
}

function isInOrder(kind: string, length: number, seen: readonly string[]): boolean {
  if ((kind === 'IHDR') !== (seen.length === 0)) return false;
  if (kind === 'IHDR' && length !== 13) return false;
  if (ONCE.has(kind) && seen.includes(kind)) return false;
  const begun = seen.includes('IDAT');
  if ((kind === 'PLTE' || kind === 'tRNS' || kind === 'pHYs') && begun) return false;
  // Pieces of the picture follow each other.
  return kind !== 'IDAT' || !begun || seen.at(-1) === 'IDAT';
}

function densityOf(body: Buffer): number | undefined {
  if (body.length !== 9 || body[8] !== 1) return undefined;
  const [x, y] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  return x === y && x > 0 ? x : undefined;
}
