/**
 * The marks of a purpose-bound copy (加注件): who may use it, for what, until when, in large pale letters across the page under the
 * text and once in full at the foot. Without transparency, so that it prints and archives anywhere.
 */
import { displayDate } from './display-value.ts';
import { fitText } from './fit-text.ts';
import { advanceEm, splitByFont } from './fonts.ts';
import type { CopyMark } from './licence-data.ts';
import type { PageItem, TextItem } from './page-layout.ts';

const ANGLE_DEGREES = 28;
const PALE = '#d3d7dc';
const MAX_LINE = 26;

/** China has no summer time: UTC+8 all year. */
export function chinaDate(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
}

export function copyMarkItems(mark: CopyMark, widthMm: number, heightMm: number): PageItem[] {
  const until = displayDate(mark.validUntil);
  const short = `仅限${mark.madeBy}办理${mark.purpose}使用`;
  const full = `加注件：仅限${mark.madeBy}用于${mark.purpose}，有效期至${until}，加注日期${displayDate(chinaDate(mark.madeAt))}，他用无效`;
  const shown = Array.from(short).length > MAX_LINE ? `${Array.from(short).slice(0, MAX_LINE).join('')}…` : short;
  const sizeMm = Math.min(7, widthMm / 34);
  const items: PageItem[] = [];
  const [stepX, stepY] = [sizeMm * 24, sizeMm * 6.5];
  for (let row = 0; row * stepY < heightMm + stepX / 2; row++) {
    for (let column = -1; column * stepX < widthMm; column++) {
      const x = column * stepX + (row % 2) * (stepX / 2);
      items.push(...slantedText(row % 2 === 0 ? shown : `有效期至${until}`, x, row * stepY, sizeMm));
    }
  }
  items.push(
    ...fitText(
      full,
      { xMm: widthMm * 0.06, yMm: heightMm - 4.4, widthMm: widthMm * 0.88, heightMm: 4 },
      {
        face: 'sans-bold',
        sizeMm: 2.8,
        minimumSizeMm: 1.2,
        colour: '#b3261e',
        align: 'centre',
        verticalAlign: 'middle',
      },
    ),
  );
  return items;
}

function slantedText(text: string, xMm: number, baselineMm: number, sizeMm: number): TextItem[] {
  const radians = (ANGLE_DEGREES * Math.PI) / 180;
  let along = 0;
  return splitByFont('sans', text).map((run) => {
    const advancesMm = Array.from(run.text, (character) => advanceEm(run.face, character) * sizeMm);
    const item: TextItem = {
      kind: 'text',
      text: run.text,
      face: run.face,
      sizeMm,
      xMm: xMm + along * Math.cos(radians),
      baselineMm: baselineMm - along * Math.sin(radians),
      advancesMm,
      colour: PALE,
      rotationDegrees: ANGLE_DEGREES,
    };
    along += advancesMm.reduce((sum, advance) => sum + advance, 0);
    return item;
  });
}
