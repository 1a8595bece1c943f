/** Other producers' OFD files: each is drawn, and where a signature has a stamp, the stamp shows. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pictureOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { stampsOf } from '#documents/ofd/stamps.ts';
import { type DecodedImage, decodePng } from '#documents/page/decode-png.ts';

const DPI = 60;
const root = new URL('../vectors/ofd/', import.meta.url);
const files = ['signed', 'unsigned', 'generated'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, root))
    .filter((name) => name.endsWith('.ofd'))
    .map((name) => `${folder}/${name}`),
);

/** Part of the pixels in a box (millimetres) for which the test holds. */
function partOf(
  { width, height, rgb }: DecodedImage,
  box: { xMm: number; yMm: number; widthMm: number; heightMm: number },
  holds: (red: number, green: number, blue: number) => boolean,
): number {
  const px = (mm: number) => Math.round((mm / 25.4) * DPI);
  let [count, all] = [0, 0];
  for (let y = Math.max(0, px(box.yMm)); y < Math.min(height, px(box.yMm + box.heightMm)); y++) {
    for (let x = Math.max(0, px(box.xMm)); x < Math.min(width, px(box.xMm + box.widthMm)); x++) {
      const at = (y * width + x) * 3;
      all++;
      if (holds(rgb[at] ?? 0, rgb[at + 1] ?? 0, rgb[at + 2] ?? 0)) count++;
    }
  }
  return all === 0 ? 0 : count / all;
}

const read = (name: string) => readFileSync(new URL(name, root));

test.each(files)('%s is drawn, and not blank', async (name) => {
  const image = decodePng(await pictureOfOfdPage(read(name), 0, DPI));
  const page = { xMm: 0, yMm: 0, widthMm: 2000, heightMm: 2000 };
  expect(partOf(image, page, (red, green, blue) => red + green + blue < 720)).toBeGreaterThan(0);
});

const stamped = files.flatMap((name) => {
  const stamps = stampsOf(read(name)).filter((stamp) => stamp.documentIndex === 0 && stamp.pageIndex === 0);
  return stamps.length > 0 ? [[name, stamps] as const] : [];
});

test.each(stamped)('the stamps of %s are red on the page', async (name, stamps) => {
  const image = decodePng(await pictureOfOfdPage(read(name), 0, DPI));
  for (const { boundary } of stamps) {
    expect(partOf(image, boundary, (red, green, blue) => red > green + 60 && red > blue + 60)).toBeGreaterThan(0.02);
  }
});

test('the vectors hold stamps of several producers', () => {
  expect(stamped.length).toBeGreaterThan(8);
});
