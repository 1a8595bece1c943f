/**
 * A person's name seal. Up to four characters stand in a square of 18 mm, in columns from right to left, filled up with 印 or 之印 as
 * is the custom; a longer name stands in a flat rectangle, in one line or two.
 */
import { placeGlyph, round, SEAL_COLOUR, type SealLettering } from './seal-lettering.ts';

const FRAME_MM = 0.9;
const PADDING_MM = 0.9;

export function drawNameSeal(name: string, lettering: SealLettering): { body: string; widthMm: number; heightMm: number } {
  const characters = Array.from(name);
  return characters.length <= 4 ? squareSeal(characters, lettering) : flatSeal(characters, lettering);
}

function squareSeal(name: readonly string[], lettering: SealLettering) {
  const side = 18;
  if (name.length === 1) return framed(side, side, grid(name.concat('印'), 1, 2, side, side, lettering));
  const four = name.length === 2 ? [...name, '之', '印'] : name.length === 3 ? [...name, '印'] : name;
  return framed(side, side, grid(four, 2, 2, side, side, lettering));
}

function flatSeal(name: readonly string[], lettering: SealLettering) {
  const lines = name.length > 10 ? 2 : 1;
  const perLine = Math.ceil(name.length / lines);
  const [width, height] = [lines === 1 ? Math.min(36, Math.round(6 + perLine * 4.6)) : 36, lines === 1 ? 11 : 16];
  const cellWidth = (width - 2 * (FRAME_MM + PADDING_MM)) / perLine;
  const cellHeight = (height - 2 * (FRAME_MM + PADDING_MM)) / lines;
  const glyphs = name.map((character, index) => {
    const [row, column] = [Math.floor(index / perLine), index % perLine];
    const inRow = Math.min(perLine, name.length - row * perLine);
    const xMm = width / 2 + (column - (inRow - 1) / 2) * cellWidth;
    const yMm = FRAME_MM + PADDING_MM + (row + 0.5) * cellHeight;
    return placeGlyph(lettering.song(character), {
      xMm,
      yMm,
      widthMm: cellWidth * 0.94,
      heightMm: Math.min(cellHeight * 0.96, cellWidth * 1.7),
    });
  });
  return framed(width, height, glyphs.join(''));
}

/** Columns from right to left, each from top to bottom. */
function grid(
  characters: readonly string[],
  columns: number,
  rows: number,
  width: number,
  height: number,
  lettering: SealLettering,
): string {
  const cellWidth = (width - 2 * (FRAME_MM + PADDING_MM)) / columns;
  const cellHeight = (height - 2 * (FRAME_MM + PADDING_MM)) / rows;
  return characters
    .map((character, index) => {
      const [column, row] = [Math.floor(index / rows), index % rows];
      const xMm = width - FRAME_MM - PADDING_MM - (column + 0.5) * cellWidth;
      const yMm = FRAME_MM + PADDING_MM + (row + 0.5) * cellHeight;
      const widthMm = Math.min(cellWidth, cellHeight * 1.1) * 0.97;
      return placeGlyph(lettering.song(character), { xMm, yMm, widthMm, heightMm: cellHeight * 0.97 });
    })
    .join('');
}

function framed(width: number, height: number, glyphs: string) {
  const half = FRAME_MM / 2;
  const frame = `<rect x="${half}" y="${half}" width="${round(width - FRAME_MM)}" height="${round(height - FRAME_MM)}" rx="0.6" fill="none" stroke="${SEAL_COLOUR}" stroke-width="${FRAME_MM}"/>`;
  return { body: frame + glyphs, widthMm: width, heightMm: height };
}
