/**
 * A seal's picture that came from outside. It is a PNG of the right shape, fine enough in print, transparent around the ink, and red where
 * a seal must be red; then it is written anew in one colour, so that nothing of the file itself is kept.
 */
import { decodePng, pngSize } from '#documents/page/decode-png.ts';
import { encodeStencilPng } from '#documents/page/encode-png.ts';
import { faultyField, Problem } from '#problem.ts';
import { type PngFault, readStrictPng } from './read-strict-png.ts';
import { SEAL_KINDS, type SealKind } from './seal-kinds.ts';

export const MAX_PICTURE_BYTES = 1024 * 1024;
const MAX_SIDE_PX = 2_400;
const MIN_DPI = 300;
const MAX_DPI = 1_200;
/** Pixels at least this opaque are ink. */
const INK_ALPHA = 128;
const CLEAR_ALPHA = 16;
const MIN_CLEAR = 0.3;
const MIN_INK = 0.005;
const MIN_RED = 0.95;
const PAPER = 255;

export interface CheckedPicture {
  /** Written anew. */
  png: Uint8Array;
  widthMm: number;
  heightMm: number;
  /** The same as outlines, when we drew it. */
  svg?: string;
}

const FAULTS: Record<PngFault, [string, string]> = {
  'not-png': ['The picture is no PNG file.', '图片不是 PNG 文件。'],
  damaged: ['The PNG file is damaged.', 'PNG 文件已损坏。'],
  animated: ['The picture is animated.', '不接受动态图片。'],
  'foreign-chunk': ['The PNG file holds data that does not belong to a picture.', 'PNG 文件含有图片以外的数据。'],
  'trailing-bytes': ['Something follows the end of the PNG file.', 'PNG 文件末尾附有多余数据。'],
};

/**
 * @param input.widthMm how wide the seal is in print, whole millimetres.
 * @throws Problem `invalid-input` (/picture, /widthMm) with what is wrong.
 */
export function checkSealPicture(input: { kind: SealKind; bytes: Uint8Array; widthMm: number }): CheckedPicture {
  const { kind, bytes, widthMm } = input;
  const { least, most } = SEAL_KINDS[kind].givenMm;
  if (!Number.isInteger(widthMm) || widthMm < least || widthMm > most) {
    throw faultyField('/widthMm', `A whole number of millimetres from ${least} to ${most}.`, `请填写 ${least} 至 ${most} 的整数（毫米）。`);
  }
  if (bytes.length > MAX_PICTURE_BYTES) throw refused('The picture is larger than 1 MiB.', '图片文件不得超过 1 MiB。');
  const facts = readStrictPng(bytes);
  if (typeof facts === 'string') throw refused(...FAULTS[facts]);
  const { width, height } = readable(() => pngSize(bytes));
  if (width > MAX_SIDE_PX || height > MAX_SIDE_PX) {
    throw refused(`The picture has more than ${MAX_SIDE_PX} pixels on a side.`, `图片边长不得超过 ${MAX_SIDE_PX} 像素。`);
  }
  refuseShape(kind, width / height);
  const dpi = width / (widthMm / 25.4);
  if (dpi < MIN_DPI || dpi > MAX_DPI) {
    const [low, high] = [MIN_DPI, MAX_DPI].map((limit) => Math.ceil((limit * widthMm) / 25.4));
    throw refused(
      `A picture ${widthMm} mm wide needs ${low} to ${high} pixels across; this one has ${width}.`,
      `宽 ${widthMm} 毫米的印模，图片宽度应为 ${low} 至 ${high} 像素，现为 ${width} 像素。`,
    );
  }
  const { alpha, colour } = stencilOf(kind, bytes);
  const heightMm = Math.max(1, Math.round((widthMm * height) / width));
  return { png: encodeStencilPng(alpha, width, height, colour, Math.round(dpi)), widthMm, heightMm };
}

function refuseShape(kind: SealKind, ratio: number): void {
  const shape = SEAL_KINDS[kind].drawing;
  if (shape === 'round' && Math.abs(ratio - 1) > 0.02)
    throw refused('A round seal’s picture is as wide as it is high.', '圆形印章的图片宽高应相等。');
  if (shape === 'oval' && Math.abs(ratio - 4 / 3) > 0.03) throw refused('This seal is 40 by 30 mm.', '发票专用章的图片宽高比应为 4∶3。');
  if (ratio < 0.25 || ratio > 6) throw refused('The picture is too narrow.', '图片宽高比不合理。');
}

type Rgb = readonly [number, number, number];

/** How much ink each pixel has, in the mean colour of the ink. */
function stencilOf(kind: SealKind, bytes: Uint8Array): { alpha: Uint8Array; colour: `#${string}` } {
  const { width, height, rgb, alpha } = readable(() => decodePng(bytes));
  if (!alpha) throw refused('The picture has no transparent ground.', '图片没有透明背景。');
  const count = width * height;
  const at = (pixel: number): Rgb => [rgb[pixel * 3] ?? 0, rgb[pixel * 3 + 1] ?? 0, rgb[pixel * 3 + 2] ?? 0];
  let [clear, ink, red] = [0, 0, 0];
  const sum = [0, 0, 0];
  for (let pixel = 0; pixel < count; pixel++) {
    const opacity = alpha[pixel] ?? 0;
    if (opacity < CLEAR_ALPHA) clear++;
    if (opacity < INK_ALPHA) continue;
    const [r, g, b] = at(pixel);
    ink++;
    const isRed = r >= 140 && r - Math.max(g, b) >= 60;
    if (isRed) red++;
    if (!SEAL_KINDS[kind].isRed || isRed) for (const [channel, value] of [r, g, b].entries()) sum[channel] = (sum[channel] ?? 0) + value;
  }
  const corners = [0, width - 1, count - width, count - 1];
  if (clear / count < MIN_CLEAR || corners.some((pixel) => (alpha[pixel] ?? 0) >= CLEAR_ALPHA))
    throw refused('The ground of the picture must be transparent, to its corners.', '图片背景须透明，四角不得有底色。');
  if (ink / count < MIN_INK) throw refused('The picture shows hardly anything.', '图片几乎没有内容。');
  if (SEAL_KINDS[kind].isRed && red / ink < MIN_RED) throw refused('A seal of this kind is red.', '此类印章应为红色。');
  const counted = SEAL_KINDS[kind].isRed ? red : ink;
  const mean = sum.map((total) => Math.round(total / counted)) as unknown as Rgb;
  if (Math.min(...mean) > 150) throw refused('The ink is too pale to be seen on paper.', '印模颜色过浅。');
  return { alpha: inkOf(at, alpha, mean), colour: `#${Buffer.from(mean).toString('hex')}` };
}

/** White that stood for paper inside the picture becomes transparent. */
function inkOf(at: (pixel: number) => Rgb, alpha: Uint8Array, mean: Rgb): Uint8Array {
  const toInk = mean.map((value) => PAPER - value);
  const length = toInk.reduce((total, part) => total + part * part, 0);
  return alpha.map((opacity, pixel) => {
    if (opacity === 0) return 0;
    const along = at(pixel).reduce((total, value, channel) => total + (PAPER - value) * (toInk[channel] ?? 0), 0);
    return Math.round(opacity * Math.min(1, Math.max(0, along / length)));
  });
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem) throw refused(error.detail ?? 'The picture cannot be read.', error.detailZh ?? '无法识别该图片。');
    throw error;
  }
}

function refused(detail: string, detailZh: string): Problem {
  return faultyField('/picture', detail, detailZh);
}
