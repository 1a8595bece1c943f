/**
 * Fitting a text into a box: on one line if it fits, else wrapped, else smaller, down to a size that can still be read.
 * Lines break between Chinese characters and at blanks of Latin text, and never before closing punctuation (GB/T 15834).
 */
import { Problem } from '#problem.ts';
import { advanceEm, type FontFace, fontMetrics, splitByFont } from './fonts.ts';
import type { Box, Colour, TextItem } from './page-layout.ts';

export interface TextStyle {
  face: FontFace;
  sizeMm: number;
  /** Smallest size before the text is refused. Default: 60 % of `sizeMm`. */
  minimumSizeMm?: number;
  colour?: Colour;
  /** Extra space after each character, in ems. */
  trackingEm?: number;
  /** `justify` spreads the characters over the whole width, as labels on Chinese forms are. */
  align?: 'left' | 'centre' | 'right' | 'justify';
  verticalAlign?: 'top' | 'middle' | 'bottom';
  /** Distance of baselines in ems. */
  lineHeightEm?: number;
  maximumLines?: number;
  field?: string;
}

const CLOSING = new Set('，。、；：？！）》」』】〕”’％,.;:?!)]}%·…');
const OPENING = new Set('（《「『【〔“‘([{');
const SHRINK_STEP = 0.96;
/** How much smaller a text may be set to bring a lonely last character or two back to the line above. */
const ORPHAN_SHRINK = 0.92;
const ROUNDING_MM = 0.01;
const MAX_TEXT = 2000;

interface Glyph {
  character: string;
  face: FontFace;
  advanceEm: number;
}

/**
 * @throws Problem `text-does-not-fit` when even the smallest size overflows, `character-not-in-font` when no face has a character.
 */
export function fitText(text: string, box: Box, style: TextStyle): TextItem[] {
  const clean = text.normalize('NFC').slice(0, MAX_TEXT + 1);
  if (clean.length > MAX_TEXT) throw doesNotFit(style.field);
  if (clean.trim() === '') return [];
  const paragraphs = clean.split('\n').map((paragraph) => unbreakablePieces(paragraph).map((piece) => glyphsOf(piece, style.face)));
  const smallest = style.minimumSizeMm ?? style.sizeMm * 0.6;
  const lineHeightEm = style.lineHeightEm ?? 1.5;
  const linesAt = (sizeMm: number) =>
    paragraphs.flatMap((pieces) => breakLines(pieces, (box.widthMm + ROUNDING_MM) / sizeMm, style.trackingEm ?? 0));
  for (let sizeMm = style.sizeMm; ; sizeMm = Math.max(sizeMm * SHRINK_STEP, smallest)) {
    const lines = linesAt(sizeMm);
    const heightMm = ((lines.length - 1) * lineHeightEm + 1) * sizeMm;
    if (lines.length <= (style.maximumLines ?? 1) && heightMm <= box.heightMm + ROUNDING_MM) {
      const tighter = Math.max(sizeMm * ORPHAN_SHRINK, smallest);
      const rejoined = isOrphaned(lines) ? linesAt(tighter) : lines;
      return rejoined.length < lines.length ? placeLines(rejoined, box, tighter, style) : placeLines(lines, box, sizeMm, style);
    }
    if (sizeMm <= smallest) throw doesNotFit(style.field);
  }
}

function isOrphaned(lines: readonly Glyph[][]): boolean {
  return lines.length > 1 && (lines.at(-1)?.length ?? 0) <= 2;
}

/** Where in the data of a licence the common values stand; its own fields stand at the top. */
const COMMON_POINTERS: Record<string, string> = { '@holder': '/holder/name', '@issuer': '/issuer/name' };

function doesNotFit(field: string | undefined): Problem {
  const pointer = field ? (COMMON_POINTERS[field] ?? `/${field.replace(/~/g, '~0').replace(/\//g, '~1')}`) : '';
  return new Problem('text-does-not-fit', {
    errors: [{ pointer, detail: 'The text is too long for its place on the licence.', detailZh: '文字过长，证照版面无法容纳。' }],
  });
}

/** Pieces that must stay together: a Latin word or number, or one Chinese character with the punctuation that clings to it. */
function unbreakablePieces(text: string): string[] {
  const pieces: string[] = [];
  let afterOpening = false;
  for (const [part] of text.matchAll(/[!-~\u00a1-\u024f]+|\s+|./gsu)) {
    const last = pieces.at(-1);
    if (last !== undefined && (afterOpening || CLOSING.has(part))) pieces[pieces.length - 1] = last + part;
    else pieces.push(part);
    afterOpening = OPENING.has(part.at(-1) ?? '');
  }
  return pieces;
}

function glyphsOf(text: string, face: FontFace): Glyph[] {
  return splitByFont(face, text).flatMap((run) =>
    Array.from(run.text, (character) => ({ character, face: run.face, advanceEm: advanceEm(run.face, character) })),
  );
}

/** Greedy. A word longer than the line is broken anywhere rather than run over the edge. */
function breakLines(pieces: readonly Glyph[][], widthEm: number, trackingEm: number): Glyph[][] {
  const lines: Glyph[][] = [];
  let line: Glyph[] = [];
  const close = () => {
    const trimmed = trimBlanks(line);
    if (trimmed.length > 0) lines.push(trimmed);
    line = [];
  };
  for (const piece of pieces) {
    if (line.length > 0 && widthOf(trimBlanks([...line, ...piece]), trackingEm) > widthEm) close();
    if (widthOf(piece, trackingEm) <= widthEm) {
      line.push(...piece);
      continue;
    }
    for (const glyph of piece) {
      if (line.length > 0 && widthOf([...line, glyph], trackingEm) > widthEm) close();
      line.push(glyph);
    }
  }
  close();
  return lines;
}

function trimBlanks(line: readonly Glyph[]): Glyph[] {
  const isInk = (glyph: Glyph) => glyph.character.trim() !== '';
  return line.slice(Math.max(0, line.findIndex(isInk)), line.findLastIndex(isInk) + 1);
}

/** In ems, without the tracking after the last character. */
function widthOf(line: readonly Glyph[], trackingEm: number): number {
  return line.reduce((sum, glyph) => sum + glyph.advanceEm, 0) + Math.max(0, line.length - 1) * trackingEm;
}

function placeLines(lines: readonly Glyph[][], box: Box, sizeMm: number, style: TextStyle): TextItem[] {
  const lineHeightMm = (style.lineHeightEm ?? 1.5) * sizeMm;
  const slack = box.heightMm - (lines.length - 1) * lineHeightMm - sizeMm;
  const top = box.yMm + (style.verticalAlign === 'bottom' ? slack : style.verticalAlign === 'middle' ? slack / 2 : 0);
  // The em box of a Chinese face stands 0.88 above and 0.12 below the baseline.
  return lines.flatMap((line, index) => placeLine(line, box, top + 0.88 * sizeMm + index * lineHeightMm, sizeMm, style));
}

/** One item per stretch of the line that one face sets. */
function placeLine(line: readonly Glyph[], box: Box, baselineMm: number, sizeMm: number, style: TextStyle): TextItem[] {
  const trackingEm = style.trackingEm ?? 0;
  const slack = box.widthMm - widthOf(line, trackingEm) * sizeMm;
  const spread = style.align === 'justify' && line.length > 1 ? slack / (line.length - 1) : 0;
  const centred = style.align === 'centre' || (style.align === 'justify' && line.length === 1);
  let xMm = box.xMm + (style.align === 'right' ? slack : centred ? slack / 2 : 0);
  const items: TextItem[] = [];
  for (let start = 0; start < line.length; ) {
    const face = line[start]?.face ?? style.face;
    let end = start;
    while (line[end]?.face === face) end++;
    const run = line.slice(start, end);
    const advancesMm = run.map((glyph) => (glyph.advanceEm + trackingEm) * sizeMm + spread);
    const text = run.map((glyph) => glyph.character).join('');
    const colour = style.colour ?? '#000000';
    items.push({
      kind: 'text',
      text,
      face,
      sizeMm,
      xMm,
      baselineMm,
      advancesMm,
      colour,
      ...(style.field === undefined ? {} : { field: style.field }),
    });
    xMm += advancesMm.reduce((sum, advance) => sum + advance, 0);
    start = end;
  }
  return items;
}

/** Ink box of a line, generous enough for marks above and descenders below. */
export function textBox(item: TextItem): Box {
  const width = item.advancesMm.reduce((sum, advance) => sum + advance, 0);
  const { ascent, descent, unitsPerEm } = fontMetrics(item.face);
  const above = (Math.max(ascent, unitsPerEm) / unitsPerEm) * item.sizeMm;
  const below = (Math.max(-descent, unitsPerEm * 0.25) / unitsPerEm) * item.sizeMm;
  return {
    xMm: item.xMm - 0.1 * item.sizeMm,
    yMm: item.baselineMm - above,
    widthMm: width + 0.2 * item.sizeMm,
    heightMm: above + below,
  };
}
