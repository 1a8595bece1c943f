/**
 * The marks of a purpose-bound copy (加注件): who may use it, for what and until when, across the page and once in full on a strip
 * added below it, so that nothing of the licence is covered.
 */
import { displayDate } from './display-value.ts';
import { fitText } from './fit-text.ts';
import { advanceEm, splitByFont } from './fonts.ts';
import type { CopyMark } from './licence-data.ts';
import { type PageItem, type PageLayout, rectanglePath, type TextItem } from './page-layout.ts';

const ANGLE_DEGREES = 28;
const GREY = '#5a6672';
const OPACITY = 0.2;
const RED = '#b3261e';
const STRIP_MM = 9;
const MAX_CHARACTERS = 30;

/** China has no summer time: UTC+8 all year. */
export function chinaDate(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
}

/** The page with its marks. It grows by a strip at its foot; everything else stays where it was. */
export function markCopy(layout: PageLayout, mark: CopyMark): PageLayout {
  const { widthMm, heightMm } = layout;
  const strip = { xMm: 0, yMm: heightMm, widthMm, heightMm: STRIP_MM };
  const inner = { xMm: 6, yMm: heightMm + 1, widthMm: widthMm - 12, heightMm: STRIP_MM - 2 };
  const until = displayDate(mark.validUntil);
  const made = displayDate(chinaDate(mark.madeAt));
  const full = `加注件：仅限${mark.madeBy}用于“${mark.purpose}”，有效期至${until}。制作日期：${made}。他用无效。`;
  const items: PageItem[] = [
    ...watermark(mark, widthMm, heightMm),
    ...layout.items,
    { kind: 'path', commands: rectanglePath(strip), fill: '#ffffff' },
    {
      kind: 'path',
      commands: [
        ['M', 0, heightMm],
        ['L', widthMm, heightMm],
      ],
      stroke: RED,
      lineWidthMm: 0.3,
    },
    ...fitText(full, inner, {
      face: 'sans-bold',
      sizeMm: 3,
      minimumSizeMm: 1.4,
      colour: RED,
      align: 'centre',
      verticalAlign: 'middle',
      maximumLines: 3,
    }),
  ];
  return { widthMm, heightMm: heightMm + STRIP_MM, background: layout.background, items };
}

/** Slanting rows over the whole page, on a grid turned with the text so that rows never meet. */
function watermark(mark: CopyMark, widthMm: number, heightMm: number): TextItem[] {
  const purpose = Array.from(`仅限${mark.madeBy}办理${mark.purpose}使用`);
  const shown = purpose.length > MAX_CHARACTERS ? `${purpose.slice(0, MAX_CHARACTERS).join('')}…` : purpose.join('');
  const text = `${shown}　有效期至${displayDate(mark.validUntil)}`;
  const sizeMm = Math.min(5.5, widthMm / 38);
  const radians = (ANGLE_DEGREES * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const lengthMm = Array.from(text).length * sizeMm;
  const items: TextItem[] = [];
  const [along, across] = [lengthMm + sizeMm * 4, sizeMm * 6];
  for (let row = 0; row * across < widthMm * sin + heightMm * cos; row++) {
    const start = -heightMm * sin - (row % 2) * (along / 2);
    for (let s = start; s < widthMm * cos; s += along) {
      const [xMm, baselineMm] = [s * cos + row * across * sin, -s * sin + row * across * cos];
      const [endX, endY] = [xMm + lengthMm * cos, baselineMm - lengthMm * sin];
      const isOnPage = endX > 0 && xMm < widthMm && endY < heightMm && baselineMm > 0;
      if (isOnPage) items.push(...slantedText(text, xMm, baselineMm, sizeMm, [cos, sin]));
    }
  }
  return items;
}

function slantedText(text: string, xMm: number, baselineMm: number, sizeMm: number, [cos, sin]: readonly [number, number]): TextItem[] {
  let along = 0;
  return splitByFont('sans', text).map((run) => {
    const advancesMm = Array.from(run.text, (character) => advanceEm(run.face, character) * sizeMm);
    const place = { xMm: xMm + along * cos, baselineMm: baselineMm - along * sin, rotationDegrees: ANGLE_DEGREES, opacity: OPACITY };
    along += advancesMm.reduce((sum, advance) => sum + advance, 0);
    return { kind: 'text', text: run.text, face: run.face, sizeMm, advancesMm, colour: GREY, ...place };
  });
}
