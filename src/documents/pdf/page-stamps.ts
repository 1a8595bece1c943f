/**
 * Stamps besides the signature's own: the same seal on further pages, and the seam seal (骑缝章) of which each page shows a
 * strip. A signature field may have one place only (ISO 32000-1 §12.7.4.5), so these are stamp annotations, locked, in the
 * revision that is signed: every reader draws them, and the signature covers them.
 */
import { Problem } from '#problem.ts';
import type { Increment } from './increment.ts';
import type { Pages, PageTreeNode } from './pages.ts';
import type { PdfView } from './pdf-file.ts';
import { formatPoints, type PdfStamp, placeOnPage, putSealAppearance, putSealPicture, type Strip, shownSizeOf } from './seal-appearance.ts';

export interface SeamSeal {
  png: Uint8Array;
  /** Size of the whole seal. */
  widthMm: number;
  heightMm: number;
  /** Upper edge of the seal; in the middle of the page's height when left out. */
  yMm?: number;
  /** Pages that share one seal; default as many as give strips of two millimetres, or all. */
  pagesPerSeal?: number;
}

/** Print, read-only, locked. */
const STAMP_FLAGS = 4 + 64 + 128;
const MIN_STRIP_MM = 2;

/** Called for each annotation with its page. */
export type AddAnnotation = (page: PageTreeNode, annotation: number) => void;

/** Throws Problem `pdf-not-signable` when there is no such page, or only one for a seam seal. */
export function putPageStamps(
  view: PdfView,
  increment: Increment,
  pages: Pages,
  { stamps, seam }: { stamps: readonly PdfStamp[]; seam?: SeamSeal | undefined },
  add: AddAnnotation,
): void {
  const pictures = new Map<Uint8Array, number>();
  const put = (stamp: PdfStamp, strip?: Strip) => {
    const place = placeOnPage(view, pages, stamp);
    const picture = pictures.get(stamp.png) ?? putSealPicture(increment, stamp.png);
    pictures.set(stamp.png, picture);
    const appearance = putSealAppearance(increment, picture, place, strip);
    const number = increment.allot();
    const rect = place.rect.map(formatPoints).join(' ');
    increment.put(
      number,
      `<</Type/Annot/Subtype/Stamp/Name/Seal/F ${STAMP_FLAGS}/Rect[${rect}]/P ${increment.ref(place.pageNumber)}/AP<</N ${appearance} 0 R>>>>`,
    );
    add(pages.at(stamp.pageIndex) as PageTreeNode, number);
  };
  for (const stamp of stamps) put(stamp);
  if (!seam) return;
  const pageCount = pages.count();
  if (pageCount < 2) {
    throw new Problem('pdf-not-signable', { detail: 'A seam seal needs two pages or more.', detailZh: '骑缝章至少需要两页。' });
  }
  for (const { pageIndex, strip } of stripsOf(pageCount, seam)) {
    const page = pages.at(pageIndex) as PageTreeNode;
    const { widthMm, heightMm } = shownSizeOf(view, page.dict);
    const stripMm = seam.widthMm / strip.count;
    put(
      {
        pageIndex,
        xMm: widthMm - stripMm,
        yMm: seam.yMm ?? (heightMm - seam.heightMm) / 2,
        widthMm: stripMm,
        heightMm: seam.heightMm,
        png: seam.png,
      },
      strip,
    );
  }
}

/** Pages dealt out evenly: no seal is shared by one page alone. */
function stripsOf(pageCount: number, { widthMm, pagesPerSeal }: SeamSeal): { pageIndex: number; strip: Strip }[] {
  const most = Math.max(2, pagesPerSeal ?? Math.floor(widthMm / MIN_STRIP_MM));
  const groups = Math.min(Math.ceil(pageCount / most), Math.floor(pageCount / 2));
  const out: { pageIndex: number; strip: Strip }[] = [];
  for (let group = 0; group < groups; group++) {
    const from = Math.floor((group * pageCount) / groups);
    const to = Math.floor(((group + 1) * pageCount) / groups);
    for (let pageIndex = from; pageIndex < to; pageIndex++) out.push({ pageIndex, strip: { index: pageIndex - from, count: to - from } });
  }
  return out;
}
