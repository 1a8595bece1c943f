/** Letters of a seal, placed one by one. */

/** Seals are printed about 230,0,0 to 255,0,0. */
export const SEAL_COLOUR = '#e60000';

export interface SealGlyph {
  /** SVG path data in font units, y upwards. */
  path: string;
  /** Ems per font unit. */
  scale: number;
  advanceEm: number;
}

export interface SealLettering {
  song(character: string): SealGlyph;
  sans(character: string): SealGlyph;
}

export interface GlyphPlace {
  /** Centre of the character's cell. */
  xMm: number;
  yMm: number;
  widthMm: number;
  heightMm: number;
  /** Clockwise. */
  angleDegrees?: number;
  /** How much of the height capitals and figures take; default all. Beside Han characters they look too large at full height. */
  capitals?: number;
}

/** Han ink fills about 0.94 of the em square, whose centre lies 0.38 em above the baseline. */
const HAN_CENTRE_EM = 0.38;
const CAPITAL_CENTRE_EM = 0.365;

/** @returns an SVG path stretched to the cell. Latin letters and digits keep their own width where the cell leaves room. */
export function placeGlyph(glyph: SealGlyph, place: GlyphPlace): string {
  if (glyph.path === '') return '';
  const isHan = glyph.advanceEm > 0.95;
  const height = isHan ? place.heightMm : (place.heightMm * (place.capitals ?? 1)) / 0.74;
  const width = isHan ? place.widthMm : Math.min(height, place.widthMm / glyph.advanceEm);
  const scaleX = width * glyph.scale;
  const scaleY = height * glyph.scale;
  const centreY = (isHan ? HAN_CENTRE_EM : CAPITAL_CENTRE_EM) / glyph.scale;
  const centreX = glyph.advanceEm / 2 / glyph.scale;
  const turn = place.angleDegrees ? ` rotate(${round(place.angleDegrees)})` : '';
  return (
    `<path d="${glyph.path}" transform="translate(${round(place.xMm)} ${round(place.yMm)})${turn} ` +
    `scale(${round(scaleX, 7)} ${round(-scaleY, 7)}) translate(${round(-centreX)} ${round(-centreY)})"/>`
  );
}

export function round(value: number, digits = 4): string {
  return String(Number(value.toFixed(digits)));
}
