/** Page items as a PDF content stream. Units are made millimetres by one matrix; y is turned over here. */
import type { FontFace } from '#documents/page/fonts.ts';
import {
  colourChannels,
  formatNumber,
  type ImageItem,
  type PageItem,
  type PathCommand,
  type PathItem,
  type TextItem,
} from '#documents/page/page-layout.ts';
import type { PdfFont } from './write-pdf-font.ts';
import { pdfUnicodeString } from './write-pdf-strings.ts';

export interface ContentResources {
  fontOf(face: FontFace): { font: PdfFont; name: string };
  imageName(image: ImageItem): string;
  opacityName(opacity: number): string;
}

/** Wider than this (in ems) a gap is read as a blank, so the text is given once more in plain (ISO 32000-1, 14.9.4). */
const WIDE_GAP_EM = 0.05;

export function writeContent(items: readonly PageItem[], heightMm: number, resources: ContentResources): string {
  const body = items.map((item) => {
    if (item.kind === 'text') return writeText(item, heightMm, resources);
    return item.kind === 'path' ? writePath(item, heightMm) : writeImage(item, heightMm, resources);
  });
  return inMillimetres(body);
}

/** Paths alone need no resources. */
export function writePaths(items: readonly PathItem[], heightMm: number): string {
  return inMillimetres(items.map((item) => writePath(item, heightMm)));
}

function inMillimetres(body: readonly string[]): string {
  return `q\n2.8346457 0 0 2.8346457 0 0 cm\n${body.join('\n')}\nQ\n`;
}

function writeText(item: TextItem, heightMm: number, resources: ContentResources): string {
  const { font, name } = resources.fontOf(item.face);
  const angle = ((item.rotationDegrees ?? 0) * Math.PI) / 180;
  const matrix = numbers(Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), item.xMm, heightMm - item.baselineMm);
  const { glyphs, widestGapEm } = positionedGlyphs(item, font);
  const state = item.opacity === undefined ? '' : `/${resources.opacityName(item.opacity)} gs `;
  const drawn = `BT /${name} ${formatNumber(item.sizeMm)} Tf ${colour(item.colour)} rg ${matrix} Tm [${glyphs}] TJ ET`;
  const shown = state ? `q ${state}${drawn} Q` : drawn;
  return widestGapEm > WIDE_GAP_EM ? `/Span << /ActualText ${pdfUnicodeString(item.text)} >> BDC ${shown} EMC` : shown;
}

/** TJ's adjustments are thousandths of an em to the left; the rounding of one is made good by the next. */
function positionedGlyphs(item: TextItem, font: PdfFont): { glyphs: string; widestGapEm: number } {
  let wanted = 0;
  let reached = 0;
  let widestGapEm = 0;
  let glyphs = '';
  let open = '';
  Array.from(item.text).forEach((character, index) => {
    const { cid, width } = font.glyph(character);
    const adjustment = Math.round(reached - wanted);
    if (index > 0 && adjustment !== 0) {
      glyphs += `<${open}> ${adjustment} `;
      open = '';
      reached -= adjustment;
      widestGapEm = Math.max(widestGapEm, -adjustment / 1000);
    }
    open += cid.toString(16).padStart(4, '0').toUpperCase();
    reached += width;
    wanted += ((item.advancesMm[index] ?? 0) / item.sizeMm) * 1000;
  });
  return { glyphs: `${glyphs}<${open}>`, widestGapEm };
}

function writePath(item: PathItem, heightMm: number): string {
  const even = item.rule === 'evenodd' ? '*' : '';
  const paint = item.fill && item.stroke ? `B${even}` : item.fill ? `f${even}` : item.stroke ? 'S' : 'n';
  const dash = item.dashMm ? ` [${numbers(...item.dashMm)}] 0 d` : '';
  const state = [
    item.fill ? `${colour(item.fill)} rg` : '',
    item.stroke ? `${colour(item.stroke)} RG ${formatNumber(item.lineWidthMm ?? 0.353)} w${dash}` : '',
  ];
  return `q ${state.filter(Boolean).join(' ')}\n${pathData(item.commands, heightMm)}\n${paint} Q`;
}

function writeImage(item: ImageItem, heightMm: number, resources: ContentResources): string {
  const matrix = numbers(item.widthMm, 0, 0, item.heightMm, item.xMm, heightMm - item.yMm - item.heightMm);
  return `q ${matrix} cm /${resources.imageName(item)} Do Q`;
}

const OPERATORS = { M: 'm', L: 'l', C: 'c', Z: 'h' } as const;
const writtenPaths = new WeakMap<readonly PathCommand[], { heightMm: number; data: string }>();

/** Kept per path: the form of a licence is the same every time. */
function pathData(commands: readonly PathCommand[], heightMm: number): string {
  const known = writtenPaths.get(commands);
  if (known?.heightMm === heightMm) return known.data;
  const data = commands
    .map(([operator, ...points]) => {
      const turned = (points as number[]).map((value, index) => (index % 2 === 0 ? value : heightMm - value));
      return [...turned.map((value) => formatNumber(Math.round(value * 1000) / 1000)), OPERATORS[operator]].join(' ');
    })
    .join(' ');
  writtenPaths.set(commands, { heightMm, data });
  return data;
}

function numbers(...values: readonly number[]): string {
  return values.map(formatNumber).join(' ');
}

function colour(value: string): string {
  return numbers(...colourChannels(value).map((channel) => channel / 255));
}
