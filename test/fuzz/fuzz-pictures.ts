/** Mutates pictures sent for seals, with check sums wrong or made right again: each is taken as a whole picture or refused with a word. */
import { crc32 } from 'node:zlib';
import { decodePng } from '#documents/page/decode-png.ts';
import { encodeStencilPng } from '#documents/page/encode-png.ts';
import { Problem } from '#problem.ts';
import { checkSealPicture } from '#seals/check-seal-picture.ts';
import { type FuzzReport, repeat } from './fuzz-report.ts';
import { mutateBytes } from './mutate-ofd.ts';

const SIDE_PX = 200;
/** 338 dpi. */
const WIDTH_MM = 15;

export async function fuzzPictures(options: { runs: number; seed: number }): Promise<FuzzReport> {
  const alpha = new Uint8Array(SIDE_PX * SIDE_PX).map((_none, pixel) => {
    const radius = Math.hypot((pixel % SIDE_PX) - SIDE_PX / 2, Math.floor(pixel / SIDE_PX) - SIDE_PX / 2);
    return radius > 80 && radius < 95 ? 255 : 0;
  });
  const original = encodeStencilPng(alpha, SIDE_PX, SIDE_PX, '#e60000', 338);
  return repeat(options, (random) => {
    const mutant = mutateBytes(original, random);
    try {
      const { png, heightMm } = checkSealPicture({
        kind: 'signature',
        bytes: random(2) === 0 ? mutant : withRightSums(mutant),
        widthMm: WIDTH_MM,
      });
      const { width, height } = decodePng(png);
      if (heightMm !== Math.max(1, Math.round((WIDTH_MM * height) / width))) throw new Error('taken with another shape than it has');
      return 'taken';
    } catch (error) {
      if (error instanceof Problem && error.code === 'invalid-input') return 'refused';
      throw error;
    }
  });
}

function withRightSums(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  for (let offset = 8; offset + 12 <= copy.length; ) {
    const end = offset + 12 + copy.readUInt32BE(offset);
    if (end > copy.length) break;
    copy.writeUInt32BE(crc32(copy.subarray(offset + 4, end - 4)), end - 4);
    offset = end;
  }
  return copy;
}
