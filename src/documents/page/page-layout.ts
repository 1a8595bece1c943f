/**
 * A page before it is OFD or PDF: positioned text, paths and images in millimetres, origin at the top left, y downwards.
 * Both writers draw exactly this, so that the two files of a licence show the same page. Pure data; colours are `#rrggbb`.
 */
import type { FontFace } from './fonts.ts';

export type Colour = string;

/** One line in one face. The advance of every character is fixed here; a writer never measures. */
export interface TextItem {
  kind: 'text';
  text: string;
  face: FontFace;
  sizeMm: number;
  /** Origin of the first glyph, on the baseline. */
  xMm: number;
  baselineMm: number;
  /** One per Unicode character; the last one ends the line. */
  advancesMm: readonly number[];
  colour: Colour;
  /** Counter-clockwise about the origin of the first glyph. */
  rotationDegrees?: number;
  /** 0 to 1; default opaque. For marks across a page only: forms do without. */
  opacity?: number;
  /** Key of the licence field whose value this shows; OFD's CustomTags point at it. */
  field?: string;
}

/** M, L: one point. C: two control points and the end point. Z: close. */
export type PathCommand =
  | readonly ['M' | 'L', number, number]
  | readonly ['C', number, number, number, number, number, number]
  | readonly ['Z'];

export interface PathItem {
  kind: 'path';
  commands: readonly PathCommand[];
  fill?: Colour;
  stroke?: Colour;
  lineWidthMm?: number;
  dashMm?: readonly number[];
  rule?: 'nonzero' | 'evenodd';
}

export interface ImageItem {
  kind: 'image';
  format: 'PNG' | 'JPEG';
  bytes: Uint8Array;
  xMm: number;
  yMm: number;
  widthMm: number;
  heightMm: number;
}

export type PageItem = TextItem | PathItem | ImageItem;

export interface PageLayout {
  widthMm: number;
  heightMm: number;
  /** The form: the same for every licence of the type. Becomes a template page in OFD. */
  background: readonly PageItem[];
  /** What is written into the form. */
  items: readonly PageItem[];
}

export interface Box {
  xMm: number;
  yMm: number;
  widthMm: number;
  heightMm: number;
}

export function rectanglePath(box: Box): PathCommand[] {
  const right = box.xMm + box.widthMm;
  const bottom = box.yMm + box.heightMm;
  return [['M', box.xMm, box.yMm], ['L', right, box.yMm], ['L', right, bottom], ['L', box.xMm, bottom], ['Z']];
}

/** Control distance that makes four cubic curves a circle to 0.03 %. */
export const CIRCLE_CONTROL = 0.5522847498;

export function roundedRectanglePath(box: Box, radiusMm: number): PathCommand[] {
  const { xMm: x, yMm: y } = box;
  const right = x + box.widthMm;
  const bottom = y + box.heightMm;
  const r = Math.min(radiusMm, box.widthMm / 2, box.heightMm / 2);
  const c = r * (1 - CIRCLE_CONTROL);
  return [
    ['M', x + r, y],
    ['L', right - r, y],
    ['C', right - c, y, right, y + c, right, y + r],
    ['L', right, bottom - r],
    ['C', right, bottom - c, right - c, bottom, right - r, bottom],
    ['L', x + r, bottom],
    ['C', x + c, bottom, x, bottom - c, x, bottom - r],
    ['L', x, y + r],
    ['C', x, y + c, x + c, y, x + r, y],
    ['Z'],
  ];
}

export function circlePath(xMm: number, yMm: number, radiusMm: number): PathCommand[] {
  return roundedRectanglePath({ xMm: xMm - radiusMm, yMm: yMm - radiusMm, widthMm: radiusMm * 2, heightMm: radiusMm * 2 }, radiusMm);
}

/** Millimetres with at most four decimals (0.1 µm), without exponent or trailing zeros. */
export function formatNumber(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000;
  return Object.is(rounded, -0) ? '0' : String(Math.abs(rounded) < 1e-6 ? 0 : rounded);
}

/** Red, green, blue, 0 to 255. */
export function colourChannels(colour: Colour): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** The characters a document shows, by face: what its font subsets must hold. Faces in a fixed order. */
export function charactersByFace(layouts: readonly PageLayout[]): Map<FontFace, string> {
  const used = new Map<FontFace, Set<string>>();
  for (const item of layouts.flatMap((layout) => [...layout.background, ...layout.items])) {
    if (item.kind !== 'text') continue;
    const characters = used.get(item.face) ?? new Set<string>();
    for (const character of item.text) characters.add(character);
    used.set(item.face, characters);
  }
  return new Map([...used].sort(([a], [b]) => (a < b ? -1 : 1)).map(([face, characters]) => [face, [...characters].join('')]));
}
