/**
 * The fonts licences are set in: Noto Serif SC and Noto Sans SC (SIL Open Font License), read from the installed packages on first
 * use and kept. A character that a face lacks is taken from the next face of its chain; one that no face has stops the issue, because
 * a blank box on a licence is worse than no licence.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Problem } from '#problem.ts';
import { createSubsetter, type Subsetter } from './harfbuzz-subset.ts';
import { type FontMetrics, parseTrueType, type TrueTypeFont } from './true-type.ts';

export type FontFace = 'serif' | 'serif-bold' | 'sans' | 'sans-bold';

const FACES: Record<FontFace, { file: string; family: string; fallback: readonly FontFace[] }> = {
  serif: { file: 'noto-serif-sc/400Regular/NotoSerifSC_400Regular.ttf', family: 'Noto Serif SC', fallback: ['sans'] },
  'serif-bold': { file: 'noto-serif-sc/700Bold/NotoSerifSC_700Bold.ttf', family: 'Noto Serif SC', fallback: ['sans-bold'] },
  sans: { file: 'noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf', family: 'Noto Sans SC', fallback: ['serif'] },
  'sans-bold': { file: 'noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf', family: 'Noto Sans SC', fallback: ['serif-bold'] },
};
export const FONT_FACES = Object.keys(FACES) as readonly FontFace[];

interface LoadedFont {
  font: TrueTypeFont;
  subset: Subsetter;
}
const loaded = new Map<FontFace, LoadedFont>();

function load(face: FontFace): LoadedFont {
  let entry = loaded.get(face);
  if (!entry) {
    const bytes = readFileSync(createRequire(import.meta.url).resolve(`@expo-google-fonts/${FACES[face].file}`));
    entry = { font: parseTrueType(bytes), subset: createSubsetter(bytes) };
    loaded.set(face, entry);
  }
  return entry;
}

/** Loads every face now (about 0.3 s), so that the first licence is not the slow one. */
export function warmFonts(): void {
  for (const face of FONT_FACES) subsetFont(face, '电子证照');
}

export function fontMetrics(face: FontFace): FontMetrics {
  return load(face).font.metrics;
}

/** Advance of a character in ems. */
export function advanceEm(face: FontFace, character: string): number {
  const { font } = load(face);
  return font.advanceOf(font.glyphOf(character.codePointAt(0) ?? 0)) / font.metrics.unitsPerEm;
}

/** A stretch of text that one face can set. */
export interface FontRun {
  face: FontFace;
  text: string;
}

/** Splits a text by the face that has its characters. @throws Problem `character-not-in-font`. */
export function splitByFont(face: FontFace, text: string): FontRun[] {
  const runs: FontRun[] = [];
  for (const character of text) {
    const chosen = faceFor(face, character);
    if (!chosen) throw characterNotInFont(character);
    const last = runs.at(-1);
    if (last && last.face === chosen) last.text += character;
    else runs.push({ face: chosen, text: character });
  }
  return runs;
}

/** The characters of a text that no face has, each once. */
export function missingCharacters(text: string): string[] {
  return [...new Set(text)].filter((character) => !faceFor('serif', character));
}

function faceFor(face: FontFace, character: string): FontFace | undefined {
  const codePoint = character.codePointAt(0) ?? 0;
  return [face, ...FACES[face].fallback].find((candidate) => load(candidate).font.glyphOf(codePoint) !== 0);
}

export function characterNotInFont(character: string): Problem {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const shown = /\p{Cc}|\p{Cf}|\p{Co}|\p{Cn}|\p{Cs}/u.test(character) ? code : `${character} (${code})`;
  return new Problem('character-not-in-font', {
    detail: `No installed font has the character ${shown}; the document was not made.`,
    detailZh: `字库中没有字符 ${shown}，未生成文件。`,
  });
}

export interface FontSubset {
  face: FontFace;
  /** For example `QKBTRE+NotoSerifSC-Regular`. */
  name: string;
  family: string;
  bytes: Uint8Array;
  metrics: FontMetrics;
  /** Glyph index in the subset. */
  glyphOf(codePoint: number): number;
  /** Font units. */
  advanceOf(glyph: number): number;
}

const MAX_KEPT_SUBSETS = 64;
const subsets = new Map<string, FontSubset>();

/** The subset of a face for these characters. OFD and PDF of one licence ask for the same one, so the last few are kept. */
export function subsetFont(face: FontFace, characters: string): FontSubset {
  const codePoints = [...new Set(Array.from(characters, (character) => character.codePointAt(0) ?? 0))].sort((a, b) => a - b);
  const key = `${face}:${codePoints.join(',')}`;
  const known = subsets.get(key);
  if (known) return known;
  const { font, subset } = load(face);
  const bytes = subset(codePoints);
  const made = parseTrueType(bytes);
  const result: FontSubset = {
    face,
    name: `${subsetTag(key)}+${font.postScriptName}`,
    family: FACES[face].family,
    bytes,
    metrics: { ...font.metrics, glyphCount: made.metrics.glyphCount },
    glyphOf: made.glyphOf,
    advanceOf: made.advanceOf,
  };
  if (subsets.size >= MAX_KEPT_SUBSETS) subsets.delete(subsets.keys().next().value ?? '');
  subsets.set(key, result);
  return result;
}

/** Six capitals that depend on the content only, so that the same licence gives the same bytes (ISO 32000-1, 9.6.4). */
function subsetTag(key: string): string {
  const digest = createHash('sha256').update(key).digest();
  return Array.from(digest.subarray(0, 6), (byte) => String.fromCharCode(65 + (byte % 26))).join('');
}
