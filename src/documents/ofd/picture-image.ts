/** Pictures inside a page. What cannot be shown leaves a pale box, so that nobody takes its absence for content. */
import { jpegSize } from '#documents/page/jpeg-size.ts';
import type { OfdPackage } from './ofd-package.ts';
import type { PictureBudget } from './picture-budget.ts';

const UNSHOWN = '<rect width="1" height="1" fill="rgb(225,225,225)"/>';

/** Fills the unit square, y downwards (GB/T 33190 §10). */
export function imageMarkup({ ofd, budget }: { ofd: OfdPackage; budget: PictureBudget }, entry: string | undefined): string {
  if (!entry) return UNSHOWN;
  let bytes: Uint8Array;
  try {
    bytes = ofd.read(entry);
  } catch {
    return UNSHOWN;
  }
  return pictureMarkup(bytes, budget) ?? UNSHOWN;
}

/** PNG, JPEG and GIF; undefined for others. */
export function pictureMarkup(bytes: Uint8Array, budget: PictureBudget): string | undefined {
  const kind = kindOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (!kind) return undefined;
  budget.spend('imagePixels', kind.pixels);
  budget.spend('characters', bytes.length * 1.4);
  const data = Buffer.from(bytes).toString('base64');
  return `<image width="1" height="1" preserveAspectRatio="none" href="data:${kind.type};base64,${data}"/>`;
}

function kindOf(file: Buffer): { type: string; pixels: number } | undefined {
  if (file.length < 26) return undefined;
  if (file.readUInt32BE(0) === 0x89504e47) return { type: 'image/png', pixels: file.readUInt32BE(16) * file.readUInt32BE(20) };
  if (file.toString('latin1', 0, 4) === 'GIF8') return { type: 'image/gif', pixels: file.readUInt16LE(6) * file.readUInt16LE(8) };
  if (file.readUInt16BE(0) !== 0xffd8) return undefined;
  try {
    const { width, height } = jpegSize(file);
    return { type: 'image/jpeg', pixels: width * height };
  } catch {
    return undefined;
  }
}
