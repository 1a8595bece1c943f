/** Reads the frame header of a JPEG file: enough to embed it as it is. */
import { Problem } from '#problem.ts';

export interface JpegSize {
  width: number;
  height: number;
  components: 1 | 3;
}

const MAX_PIXELS = 40_000_000;
const MAX_SEGMENTS = 1000;

/** @throws Problem `invalid-input` when it is no JPEG of one or three components (CMYK shows in false colours in many readers). */
export function jpegSize(bytes: Uint8Array): JpegSize {
  const found = findFrame(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (
    !found ||
    found.width * found.height === 0 ||
    found.width * found.height > MAX_PIXELS ||
    (found.components !== 1 && found.components !== 3)
  ) {
    throw new Problem('invalid-input', {
      detail: 'The picture is not a grey or colour JPEG file we can read.',
      detailZh: '图片不是可识别的灰度或彩色 JPEG 文件。',
    });
  }
  return { width: found.width, height: found.height, components: found.components };
}

function findFrame(file: Buffer): { width: number; height: number; components: number } | undefined {
  if (file.length < 4 || file.readUInt16BE(0) !== 0xffd8) return undefined;
  let offset = 2;
  for (let count = 0; offset + 10 <= file.length && count < MAX_SEGMENTS; count++) {
    if (file[offset] !== 0xff) return undefined;
    const marker = file[offset + 1] ?? 0;
    if (marker === 0xff) {
      offset++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    // Baseline, extended and progressive; the arithmetic and lossless kinds are not for PDF.
    if (isFrame && marker > 0xc2) return undefined;
    if (isFrame) return { height: file.readUInt16BE(offset + 5), width: file.readUInt16BE(offset + 7), components: file[offset + 9] ?? 0 };
    if (marker === 0xda || marker === 0xd9) return undefined;
    offset += 2 + file.readUInt16BE(offset + 2);
  }
  return undefined;
}
