/** Where a seal stands on a page, and the appearance stream that draws it (ISO 32000-1 §12.5.5). */
import { Problem } from '#problem.ts';
import { itemsOf } from './form-fields.ts';
import type { Increment } from './increment.ts';
import type { Pages } from './pages.ts';
import type { PdfView } from './pdf-file.ts';
import type { PdfDict, PdfValue } from './pdf-values.ts';
import { readPngImage } from './png-image.ts';

/** A rectangle on a page, measured as the page is shown. */
export interface PagePlace {
  pageIndex: number;
  /** From the upper left corner of the page to the upper left corner of the rectangle. */
  xMm: number;
  yMm: number;
  widthMm: number;
  heightMm: number;
}

export interface PdfStamp extends PagePlace {
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

interface PageGeometry {
  left: number;
  bottom: number;
  width: number;
  height: number;
  rotate: number;
}

/** The page and the rectangle on it. Throws Problem `pdf-not-signable` when there is no such page. */
export function placeOnPage(view: PdfView, pages: Pages, place: PagePlace): StampPlace {
  const page = pages.at(place.pageIndex);
  if (page?.num === undefined) {
    throw new Problem('pdf-not-signable', {
      detail: 'The PDF has no such page to put the seal on.',
      detailZh: 'PDF 中没有要加盖印章的页面。',
    });
  }
  const { left, bottom, width, height, rotate } = geometryOf(view, page.dict);
  const toPage = (mmX: number, mmY: number): [number, number] => {
    const [dx, dy] = [mmX * POINTS_PER_MM, mmY * POINTS_PER_MM];
    if (rotate === 90) return [left + dy, bottom + dx];
    if (rotate === 180) return [left + width - dx, bottom + dy];
    if (rotate === 270) return [left + width - dy, bottom + height - dx];
    return [left + dx, bottom + height - dy];
  };
  const [ax, ay] = toPage(place.xMm, place.yMm);
  const [bx, by] = toPage(place.xMm + place.widthMm, place.yMm + place.heightMm);
  return {
    page: page.dict,
    pageNumber: page.num,
    rect: [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)],
    rotate,
  };
}

/** Width and height of a page as it is shown, millimetres. */
export function shownSizeOf(view: PdfView, page: PdfDict): { widthMm: number; heightMm: number } {
  const { width, height, rotate } = geometryOf(view, page);
  const isTurned = rotate === 90 || rotate === 270;
  return { widthMm: (isTurned ? height : width) / POINTS_PER_MM, heightMm: (isTurned ? width : height) / POINTS_PER_MM };
}

function geometryOf(view: PdfView, page: PdfDict): PageGeometry {
  const box = itemsOf(view, inherited(view, page, 'CropBox') ?? inherited(view, page, 'MediaBox')).map((item) => view.resolve(item));
  const [x0 = 0, y0 = 0, x1 = 595, y1 = 842] = box.filter((item) => typeof item === 'number');
  const turn = view.resolve(inherited(view, page, 'Rotate'));
  return {
    left: Math.min(x0, x1),
    bottom: Math.min(y0, y1),
    width: Math.abs(x1 - x0),
    height: Math.abs(y1 - y0),
    rotate: typeof turn === 'number' ? ((turn % 360) + 360) % 360 : 0,
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

/** Adds the picture to the update, once for all appearances that draw it; answers its object number. */
export function putSealPicture(increment: Increment, png: Uint8Array): number {
  const image = readPngImage(png);
  const picture = increment.allot();
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
  return picture;
}

/** Which vertical strip of the picture is drawn: `index` of `count`, from the left. */
export interface Strip {
  index: number;
  count: number;
}

/**
 * Adds the appearance to the update, as large as the rectangle; answers its object number.
 * @param picture the PNG, or the object number of a picture that is in the update already.
 */
export function putSealAppearance(
  increment: Increment,
  picture: Uint8Array | number,
  { rect, rotate }: Pick<StampPlace, 'rect' | 'rotate'>,
  strip?: Strip,
): number {
  const form = increment.allot();
  const image = typeof picture === 'number' ? picture : putSealPicture(increment, picture);
  const [x0, y0, x1, y1] = rect;
  const isTurned = rotate === 90 || rotate === 270;
  const [width, height] = isTurned ? [y1 - y0, x1 - x0] : [x1 - x0, y1 - y0];
  const { index, count } = strip ?? { index: 0, count: 1 };
  const [w, h] = [formatPoints(width), formatPoints(height)];
  const content = `q ${formatPoints(width * count)} 0 0 ${h} ${formatPoints(-width * index)} 0 cm /Seal Do Q`;
  const matrix = MATRICES[rotate] ? `/Matrix${MATRICES[rotate]}` : '';
  const head = `<</Type/XObject/Subtype/Form/FormType 1/BBox[0 0 ${w} ${h}]${matrix}/Resources<</XObject<</Seal ${image} 0 R>>>>/Length ${content.length}>>`;
  increment.put(form, `${head}\nstream\n${content}\nendstream`);
  return form;
}

/** An appearance that draws nothing: PDF/A wants one even of fields that are still empty. */
export function putEmptyAppearance(increment: Increment, widthPt = 0, heightPt = 0): number {
  const form = increment.allot();
  const box = `[0 0 ${formatPoints(widthPt)} ${formatPoints(heightPt)}]`;
  increment.put(form, `<</Type/XObject/Subtype/Form/FormType 1/BBox${box}/Resources<<>>/Length 0>>\nstream\n\nendstream`);
  return form;
}

export function formatPoints(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
