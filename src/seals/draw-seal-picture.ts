/**
 * The picture of an e-seal: red on transparent, after 国发〔1999〕25号 and trade practice. Round with a ring, a five-pointed star and the
 * name on an arc from left to right in Song type; a special-purpose seal has its purpose in a straight line under the star; the seal for
 * invoices is oval, a person's name seal square. Letters are outlines, so that the SVG looks the same everywhere.
 */

import { encodeStencilPng } from '#documents/page/encode-png.ts';
import { splitByFont, subsetFont } from '#documents/page/fonts.ts';
import { openOutlines } from '#documents/page/glyph-outlines.ts';
import { opacityOfSvg } from '#documents/page/svg-picture.ts';
import { Problem } from '#problem.ts';
import { drawNameSeal } from './draw-name-seal.ts';
import { drawOvalSeal } from './draw-oval-seal.ts';
import { drawRoundSeal } from './draw-round-seal.ts';
import { SEAL_COLOUR, type SealGlyph, type SealLettering } from './seal-lettering.ts';

export interface SealPictureInput {
  /** What stands on the arc; for `personal`, the person's name. */
  organisationName: string;
  kind: 'official' | 'special' | 'invoice' | 'personal';
  /** Round seals, millimetres. Default 42; the rules allow up to 45 below a province. */
  diameterMm?: number;
  centre?: 'star' | 'none';
  /** The straight line under the star, for example 电子证照专用章. */
  bottomText?: string;
  /** Seal number on the lower arc; for `invoice`, the taxpayer's number across the middle. */
  serial?: string;
  /** Default 400. */
  dpi?: number;
}

export interface SealPicture {
  svg: string;
  png: Uint8Array;
  widthMm: number;
  heightMm: number;
}

const MAX_NAME = 30;
const MAX_LINE = 16;

/** @throws Problem `seal-name-length`, `character-not-in-font`. */
export async function drawSealPicture(input: SealPictureInput): Promise<SealPicture> {
  const name = sealText(input.organisationName);
  const bottomText = sealText(input.bottomText ?? '');
  const serial = (input.serial ?? '').replace(/\s+/g, '');
  const length = Array.from(name).length;
  if (length < 1 || length > MAX_NAME || Array.from(bottomText).length > MAX_LINE || serial.length > 20)
    throw new Problem('seal-name-length');
  const diameterMm = Math.min(60, Math.max(30, input.diameterMm ?? 42));
  const lettering = await letteringFor(`${name}${bottomText}印之`, serial);
  const drawing =
    input.kind === 'personal'
      ? drawNameSeal(name, lettering)
      : input.kind === 'invoice'
        ? drawOvalSeal({ name, taxNumber: serial, bottomText }, lettering)
        : drawRoundSeal({ name, bottomText, serial, diameterMm, star: (input.centre ?? 'star') === 'star' }, lettering);
  const { widthMm, heightMm } = drawing;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthMm}mm" height="${heightMm}mm" viewBox="0 0 ${widthMm} ${heightMm}">` +
    `<g fill="${SEAL_COLOUR}" stroke="none">${drawing.body}</g></svg>`;
  const dpi = Math.min(1200, Math.max(300, input.dpi ?? 400));
  const { alpha, widthPx, heightPx } = await opacityOfSvg(svg, Math.round((widthMm / 25.4) * dpi));
  const png = encodeStencilPng(alpha, widthPx, heightPx, SEAL_COLOUR, dpi);
  return { svg, png, widthMm, heightMm };
}

/** As it is cut: without blanks, brackets as wide as the letters beside them. */
function sealText(text: string): string {
  return text.normalize('NFC').replace(/\s+/g, '').replaceAll('(', '（').replaceAll(')', '）');
}

/** Song type for names, sans for numbers. */
async function letteringFor(names: string, numbers: string): Promise<SealLettering> {
  const [song, sans] = await Promise.all([glyphsOf('serif-bold', names), glyphsOf('sans', numbers)]);
  return { song: lookUp(song), sans: lookUp(sans) };
}

async function glyphsOf(face: 'serif-bold' | 'sans', text: string): Promise<Map<string, SealGlyph>> {
  const glyphs = new Map<string, SealGlyph>();
  for (const run of splitByFont(face, text)) {
    const outlines = await openOutlines(subsetFont(run.face, run.text).bytes);
    for (const character of run.text) {
      const glyph = outlines.glyphOf(character.codePointAt(0) ?? 0);
      const scale = 1 / outlines.unitsPerEm;
      glyphs.set(character, { path: outlines.pathOf(glyph), scale, advanceEm: outlines.advanceOf(glyph) * scale });
    }
  }
  return glyphs;
}

function lookUp(glyphs: ReadonlyMap<string, SealGlyph>): (character: string) => SealGlyph {
  return (character) => glyphs.get(character) ?? { path: '', scale: 0.001, advanceEm: 1 };
}
