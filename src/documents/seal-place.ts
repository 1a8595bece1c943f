/** Where a seal goes on a document of any number of pages: said once, worked out for each file. Millimetres from the page's top left corner. */
import { Problem } from '#problem.ts';

export interface SealPlaceRule {
  /** `seam` puts a strip of the seal on each page's right edge (骑缝章). Default `last`. */
  page?: 'first' | 'last' | 'all' | 'seam' | number;
  /** Centre of the seal; from the left, or with `fromRightMm` from the right edge. Default: 45 from the right. */
  xMm?: number;
  fromRightMm?: number;
  /** Centre of the seal; from the top, or with `fromBottomMm` from the lower edge. Default: 55 from the bottom. */
  yMm?: number;
  fromBottomMm?: number;
}

export interface PageSize {
  widthMm: number;
  heightMm: number;
}

/** A stamp's box on a page, and the part of it that shows, relative to its corner. */
export interface PlacedSeal {
  pageIndex: number;
  xMm: number;
  yMm: number;
  widthMm: number;
  heightMm: number;
  clip?: { xMm: number; yMm: number; widthMm: number; heightMm: number };
}

const DEFAULT_FROM_RIGHT_MM = 45;
const DEFAULT_FROM_BOTTOM_MM = 55;
/** A narrower strip shows nothing of the seal. */
const MIN_STRIP_MM = 2;

/** At least one place. Throws Problem `invalid-input` when there is no such page, or only one for a seam. */
export function placeSeal(pages: readonly PageSize[], seal: PageSize, rule: SealPlaceRule): PlacedSeal[] {
  const { page = 'last' } = rule;
  if (page === 'seam') return placeSeam(pages, seal, rule);
  const indexes = page === 'all' ? pages.map((_, index) => index) : [page === 'first' ? 0 : page === 'last' ? pages.length - 1 : page - 1];
  return indexes.map((pageIndex) => {
    const size = pages[pageIndex];
    if (!size) throw noSuchPage();
    const centreX = rule.xMm ?? size.widthMm - (rule.fromRightMm ?? DEFAULT_FROM_RIGHT_MM);
    const centreY = rule.yMm ?? size.heightMm - (rule.fromBottomMm ?? DEFAULT_FROM_BOTTOM_MM);
    return {
      pageIndex,
      xMm: within(centreX - seal.widthMm / 2, size.widthMm - seal.widthMm),
      yMm: within(centreY - seal.heightMm / 2, size.heightMm - seal.heightMm),
      widthMm: seal.widthMm,
      heightMm: seal.heightMm,
    };
  });
}

/** Pages dealt out evenly among as few seals as give strips wide enough to see; never a seal on one page alone. */
function placeSeam(pages: readonly PageSize[], seal: PageSize, rule: SealPlaceRule): PlacedSeal[] {
  if (pages.length < 2) throw noSuchPage();
  const mostPages = Math.max(2, Math.floor(seal.widthMm / MIN_STRIP_MM));
  const groups = Math.min(Math.ceil(pages.length / mostPages), Math.floor(pages.length / 2));
  return Array.from({ length: groups }, (_, group) => {
    const from = Math.floor((group * pages.length) / groups);
    const to = Math.floor(((group + 1) * pages.length) / groups);
    return pages.slice(from, to).map((size, index) => stripOf(size, seal, rule, { pageIndex: from + index, index, count: to - from }));
  }).flat();
}

function stripOf(
  size: PageSize,
  seal: PageSize,
  rule: SealPlaceRule,
  strip: { pageIndex: number; index: number; count: number },
): PlacedSeal {
  const widthMm = seal.widthMm / strip.count;
  const offsetMm = widthMm * strip.index;
  const centreY = rule.yMm ?? size.heightMm - (rule.fromBottomMm ?? size.heightMm / 2);
  return {
    pageIndex: strip.pageIndex,
    xMm: size.widthMm - widthMm - offsetMm,
    yMm: within(centreY - seal.heightMm / 2, size.heightMm - seal.heightMm),
    widthMm: seal.widthMm,
    heightMm: seal.heightMm,
    clip: { xMm: offsetMm, yMm: 0, widthMm, heightMm: seal.heightMm },
  };
}

/** A seal half off the paper proves little: it is moved back onto the page. */
function within(value: number, most: number): number {
  return Math.max(0, Math.min(value, Math.max(0, most)));
}

function noSuchPage(): Problem {
  const detail = 'The document has no such page, or too few for a seam seal.';
  return new Problem('invalid-input', {
    errors: [{ pointer: '/place/page', detail, detailZh: '文件没有该页，或页数不足以加盖骑缝章。' }],
  });
}
