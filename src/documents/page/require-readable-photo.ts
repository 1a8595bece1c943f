/** A portrait is looked at before anything is stored: a licence must not fail to be made because of its picture. */
import { Problem } from '#problem.ts';
import { decodePng } from './decode-png.ts';
import { jpegSize } from './jpeg-size.ts';
import type { LicencePhoto } from './licence-data.ts';

/** 25 mm at 200 dpi, the least that prints well, is 197. */
const SMALLEST_SIDE_PX = 120;
const LARGEST_SIDE_PX = 4000;

/** @throws Problem `invalid-input` with the pointer `/photo`. */
export function requireReadablePhoto(photo: LicencePhoto): void {
  const size = readSize(photo);
  const fits = size && Math.min(size.width, size.height) >= SMALLEST_SIDE_PX && Math.max(size.width, size.height) <= LARGEST_SIDE_PX;
  if (fits) return;
  const [detail, detailZh] = size
    ? [
        `The photo must measure ${SMALLEST_SIDE_PX} to ${LARGEST_SIDE_PX} pixels a side.`,
        `照片边长应为 ${SMALLEST_SIDE_PX} 至 ${LARGEST_SIDE_PX} 像素。`,
      ]
    : [
        'The photo must be a PNG (8 bits, not interlaced) or a grey or colour JPEG.',
        '照片应为 PNG（8 位、非隔行）或灰度、彩色 JPEG 格式。',
      ];
  throw new Problem('invalid-input', { errors: [{ pointer: '/photo', detail, detailZh }] });
}

function readSize({ format, bytes }: LicencePhoto): { width: number; height: number } | undefined {
  try {
    return format === 'PNG' ? decodePng(bytes) : jpegSize(bytes);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}
