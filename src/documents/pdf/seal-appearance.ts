/** Where a seal stands on a page, and the appearance stream that draws it (ISO 32000-1 §12.5.5). */
import { Problem } from '#problem.ts';
import { itemsOf } from './form-fields.ts';
import type { Increment } from './increment.ts';
import { pagesOf } from './pages.ts';
import type { PdfView } from './pdf-file.ts';
import type { PdfDict, PdfValue } from './pdf-values.ts';
import { readPngImage } from './png-image.ts';

export interface PdfStamp {
  pageIndex: number;
  /** From the upper left corner of the page as it is shown, to the upper left corner of the stamp. */
  xMm: number;
  yMm: number;
  widthMm: number;
  heightMm: number;
  png: Uint8Array;
}

export interface StampPlace {
  readonly page: PdfDict;
  readonly pageNumber: number;
  /** Lower left and upper right corner in the page's own space, points. */
  readonly rect: readonly [number, number, number, number];
  /** Clockwise turn with which the page is shown. */
  readonly rotate: number;
}

const POINTS_PER_MM = 72 / 25.4;
const MAX_INHERITANCE = 64;

/** The page and the rectangle on it. Throws Problem `pdf-not-signable` when there is no such page. */
export function placeOnPage(view: PdfView, stamp: Omit<PdfStamp, 'png'>): StampPlace {
  const page = pagesOf(view)[stamp.pageIndex];
  if (page?.num === undefined) {
    throw new Problem('pdf-not-signable', {
      detail: 'The PDF has no such page to put the seal on.',
      detailZh: 'PDF 中没有要加盖印章的页面。',
    });
  }
  const box = itemsOf(view, inherited(view, page.dict, 'CropBox') ?? inherited(view, page.dict, 'MediaBox')).map((item) =>
    view.resolve(item),
  );
  const [x0 = 0, y0 = 0, x1 = 595, y1 = 842] = box.filter((item) => typeof item === 'number');
  const [left, bottom, width, height] = [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
  const turn = view.resolve(inherited(view, page.dict, 'Rotate'));
  const rotate = typeof turn === 'number' ? ((turn % 360) + 360) % 360 : 0;
  const toPage = (mmX: number, mmY: number): [number, number] => {
    const [dx, dy] = [mmX * POINTS_PER_MM, mmY * POINTS_PER_MM];
    if (rotate === 90) return [left + dy, bottom + dx];
    if (rotate === 180) return [left + width - dx, bottom + dy];
    if (rotate === 270) return [left + width - dy, bottom + height - dx];
    return [left + dx, bottom + height - dy];
  };
  const [ax, ay] = toPage(stamp.xMm, stamp.yMm);
  const [bx, by] = toPage(stamp.xMm + stamp.widthMm, stamp.yMm + stamp.heightMm);
  return {
    page: page.dict,
    pageNumber: page.num,
    rect: [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)],
    rotate,
  };
}

function inherited(view: PdfView, page: PdfDict, key: string): PdfValue | undefined {
  let node: PdfDict | undefined = page;
  for (let step = 0; node && step < MAX_INHERITANCE; step++) {
    const value = node.entries.get(key);
    if (value !== undefined && value !== null) return value;
    node = view.dict(node.entries.get('Parent'));
  }
  return undefined;
}

/** Turns the picture back so that it stands upright on a page that is shown turned. */
const MATRICES: Record<number, string> = { 90: '[0 1 -1 0 0 0]', 180: '[-1 0 0 -1 0 0]', 270: '[0 -1 1 0 0 0]' };

/** Adds the appearance to the update; answers its object number. */
export function putSealAppearance(increment: Increment, png: Uint8Array, widthPt: number, heightPt: number, rotate: number): number {
  const image = readPngImage(png);
  const [form, picture] = [increment.allot(), increment.allot()];
  const common = `/Type/XObject/Subtype/Image/Width ${image.widthPx}/Height ${image.heightPx}/BitsPerComponent 8/Filter/FlateDecode`;
  let mask = '';
  if (image.alpha) {
    const alpha = increment.allot();
    mask = `/SMask ${alpha} 0 R`;
    increment.put(alpha, `<<${common}/ColorSpace/DeviceGray/Length ${image.alpha.length}>>\nstream\n`, image.alpha, '\nendstream');
  }
  increment.put(
    picture,
    `<<${common}/ColorSpace/${image.colorSpace}${mask}/Length ${image.samples.length}>>\nstream\n`,
    image.samples,
    '\nendstream',
  );
  const [w, h] = [formatPoints(widthPt), formatPoints(heightPt)];
  const content = `q ${w} 0 0 ${h} 0 0 cm /Seal Do Q`;
  const matrix = MATRICES[rotate] ? `/Matrix${MATRICES[rotate]}` : '';
  const head = `<</Type/XObject/Subtype/Form/FormType 1/BBox[0 0 ${w} ${h}]${matrix}/Resources<</XObject<</Seal ${picture} 0 R>>>>/Length ${content.length}>>`;
  increment.put(form, `${head}\nstream\n${content}\nendstream`);
  return form;
}

/** An appearance that draws nothing: PDF/A-1 wants one even of invisible fields. */
export function putEmptyAppearance(increment: Increment): number {
  const form = increment.allot();
  increment.put(form, '<</Type/XObject/Subtype/Form/FormType 1/BBox[0 0 0 0]/Resources<<>>/Length 0>>\nstream\n\nendstream');
  return form;
}

export function formatPoints(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
