import { describe, expect, test } from 'vitest';
import { type DecodedImage, decodePng } from '#documents/page/decode-png.ts';
import { drawSealPicture, type SealPictureInput } from '#seals/draw-seal-picture.ts';

const OFFICIAL: SealPictureInput = { organisationName: '通州市市场监督管理局', kind: 'official', serial: '99010000000013' };

function alphaAt({ width, alpha }: DecodedImage, x: number, y: number): number {
  return alpha?.[Math.round(y) * width + Math.round(x)] ?? -1;
}

/** How much of a ring between two radii (parts of the diameter) and two angles (clockwise from the top) is inked. */
function inkOfArc(image: DecodedImage, from: number, to: number, fromDegrees: number, toDegrees: number): number {
  let [inked, all] = [0, 0];
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const [dx, dy] = [x / image.width - 0.5, y / image.height - 0.5];
      const radius = Math.hypot(dx, dy);
      const angle = (Math.atan2(dx, -dy) * 180) / Math.PI;
      if (radius < from || radius > to || angle < fromDegrees || angle > toDegrees) continue;
      all++;
      if (alphaAt(image, x, y) > 127) inked++;
    }
  }
  return inked / all;
}

describe('the picture of a round seal', () => {
  test('has the size asked for, in millimetres and in pixels', async () => {
    const { png, svg, widthMm, heightMm } = await drawSealPicture({ ...OFFICIAL, diameterMm: 45, dpi: 300 });
    expect([widthMm, heightMm]).toEqual([45, 45]);
    expect(svg).toContain('width="45mm"');
    expect(decodePng(png).width).toBe(Math.round((45 / 25.4) * 300));
  });

  test('is red where there is ink and transparent elsewhere', async () => {
    const image = decodePng((await drawSealPicture(OFFICIAL)).png);
    const centre = image.width / 2;
    expect([...image.rgb.subarray(0, 3)]).toEqual([230, 0, 0]);
    expect(alphaAt(image, 2, 2)).toBe(0);
    expect(alphaAt(image, centre, centre)).toBe(255);
    expect(alphaAt(image, centre, image.height * 0.018)).toBe(255);
  });

  test('without a star the middle is empty', async () => {
    const image = decodePng((await drawSealPicture({ ...OFFICIAL, centre: 'none' })).png);
    expect(inkOfArc(image, 0, 0.25, -180, 180)).toBe(0);
  });

  test.each([4, 8, 15, 22, 30])('a name of %d characters leaves ring and star free, and is even on both sides', async (length) => {
    const organisationName = '国'.repeat(length);
    const image = decodePng((await drawSealPicture({ organisationName, kind: 'official' })).png);
    expect(inkOfArc(image, 0.454, 0.464, -180, 180)).toBe(0);
    expect(inkOfArc(image, 0.2, 0.28, -180, 180)).toBe(0);
    const [left, right] = [inkOfArc(image, 0.3, 0.44, -150, 0), inkOfArc(image, 0.3, 0.44, 0, 150)];
    expect(left).toBeGreaterThan(0.08);
    expect(Math.abs(left - right)).toBeLessThan(0.03);
  });

  test('the purpose stands under the star, and only on special seals', async () => {
    const special = decodePng(
      (await drawSealPicture({ organisationName: '通州市公安局', kind: 'special', bottomText: '电子证照专用章' })).png,
    );
    const plain = decodePng((await drawSealPicture({ organisationName: '通州市公安局', kind: 'special' })).png);
    expect(inkOfArc(special, 0.24, 0.31, 160, 180)).toBeGreaterThan(0.15);
    expect(inkOfArc(plain, 0.24, 0.31, 160, 180)).toBe(0);
  });

  test('is the same when drawn again', async () => {
    const [first, second] = [await drawSealPicture(OFFICIAL), await drawSealPicture(OFFICIAL)];
    expect(second.svg).toBe(first.svg);
    expect(Buffer.compare(second.png, first.png)).toBe(0);
  });

  test('its SVG needs no font and fetches nothing', async () => {
    expect((await drawSealPicture(OFFICIAL)).svg).not.toMatch(/<text|<image|href|font/);
  });

  test.each([
    ['no name', { organisationName: '  ' }, 'seal-name-length'],
    ['31 characters', { organisationName: '国'.repeat(31) }, 'seal-name-length'],
    ['a character no font has', { organisationName: '国\u{E000}' }, 'character-not-in-font'],
  ])('%s is refused', async (_case, change, code) => {
    await expect(drawSealPicture({ ...OFFICIAL, ...change })).rejects.toMatchObject({ code });
  });
});

describe("the picture of a person's name seal", () => {
  test.each([
    ['林彤', 18, 18],
    ['林晓彤', 18, 18],
    ['欧阳晓彤', 18, 18],
    ['阿依古丽·买买提', 36, 11],
    ['阿卜杜热合曼·吐尔逊尼亚孜', 36, 16],
  ])('of %s measures %d by %d mm', async (organisationName, width, height) => {
    const { widthMm, heightMm, png } = await drawSealPicture({ organisationName, kind: 'personal' });
    expect([widthMm, heightMm]).toEqual([width, height]);
    const image = decodePng(png);
    expect(image.width / image.height).toBeCloseTo(width / height, 1);
  });
});
