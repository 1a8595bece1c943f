/** Text of a page as glyph outlines: from the fonts inside the file, and from ours for fonts that are not (GB/T 33190 §11). */
import { type FontFace, missingCharacters, subsetFont } from '#documents/page/fonts.ts';
import { type GlyphOutlines, openOutlines } from '#documents/page/glyph-outlines.ts';
import type { XmlElement } from '#documents/xml/read-xml.ts';
import type { OfdPackage } from './ofd-package.ts';
import type { PictureBudget } from './picture-budget.ts';
import { numbersOf } from './picture-colours.ts';
import type { FontEntry, PictureResources } from './picture-resources.ts';

interface OpenedFont {
  /** Of the file's own font, when it can be read. */
  own: GlyphOutlines | undefined;
  /** Of ours, for what the own font lacks. */
  substitute: GlyphOutlines;
}

export class PictureText {
  readonly #fonts: ReadonlyMap<string, OpenedFont>;
  readonly #default: OpenedFont;
  readonly #budget: PictureBudget;
  readonly #idPrefix: string;
  readonly #definitions = new Map<string, string>();

  private constructor(fonts: ReadonlyMap<string, OpenedFont>, fallback: OpenedFont, budget: PictureBudget, idPrefix: string) {
    this.#fonts = fonts;
    this.#default = fallback;
    this.#budget = budget;
    this.#idPrefix = idPrefix;
  }

  /** Opens the fonts that the given trees use. */
  static async open(
    ofd: OfdPackage,
    resources: PictureResources,
    trees: readonly XmlElement[],
    budget: PictureBudget,
    idPrefix: string,
  ): Promise<PictureText> {
    const used = new Set<string>();
    const characters = new Set<string>();
    for (const tree of trees) collectText(tree, used, characters);
    const unknown = new Set(missingCharacters([...characters].join('')));
    // Never empty: a font of no characters is no font.
    const known = [' ', ...characters].filter((character) => !unknown.has(character)).join('');
    const substitutes = new Map<FontFace, Promise<GlyphOutlines>>();
    const substitute = (face: FontFace) => {
      const opened = substitutes.get(face) ?? openOutlines(subsetFont(face, known).bytes);
      substitutes.set(face, opened);
      return opened;
    };
    const fonts = new Map<string, OpenedFont>();
    for (const id of used) {
      const entry = resources.fonts.get(id);
      if (entry) fonts.set(id, { own: await openEmbedded(ofd, entry), substitute: await substitute(faceFor(entry)) });
    }
    return new PictureText(fonts, { own: undefined, substitute: await substitute('serif') }, budget, idPrefix);
  }

  /** Glyphs as `use` elements in the object's space; paint attributes stand on the group around them. */
  draw(object: XmlElement): string {
    const size = Number(object.attribute('Size'));
    if (!(size > 0) || size > 2000) return '';
    const font = this.#fonts.get(object.attribute('Font') ?? '') ?? this.#default;
    const stretch = Number(object.attribute('HScale') ?? '1') || 1;
    const turn = (Number(object.attribute('CharDirection') ?? '0') + 360) % 360;
    let transforms: XmlElement[] = [];
    let [x, y] = [0, 0];
    const parts: string[] = [];
    for (const child of object.children) {
      if (child.name === 'CGTransform') transforms.push(child);
      if (child.name !== 'TextCode') continue;
      const [startX, startY] = [Number(child.attribute('X') ?? x), Number(child.attribute('Y') ?? y)];
      [x, y] = [Number.isFinite(startX) ? startX : x, Number.isFinite(startY) ? startY : y];
      parts.push(this.#drawCode(child, { font, size, stretch, turn, x, y, transforms }));
      transforms = [];
    }
    return parts.join('');
  }

  #drawCode(
    code: XmlElement,
    place: { font: OpenedFont; size: number; stretch: number; turn: number; x: number; y: number; transforms: readonly XmlElement[] },
  ): string {
    const characters = Array.from(code.text);
    const deltaX = expandDeltas(code.attribute('DeltaX'), characters.length);
    const deltaY = expandDeltas(code.attribute('DeltaY'), characters.length);
    const glyphs = mappedGlyphs(place.transforms, characters.length);
    let { x, y } = place;
    let drawn = '';
    characters.forEach((character, index) => {
      const glyph = glyphs.get(index);
      drawn += this.#glyph(place.font, character, glyph, place, x, y);
      x += deltaX[index] ?? 0;
      y += deltaY[index] ?? 0;
    });
    return drawn;
  }

  #glyph(
    font: OpenedFont,
    character: string,
    mapped: number | undefined,
    { size, stretch, turn }: { size: number; stretch: number; turn: number },
    x: number,
    y: number,
  ): string {
    this.#budget.spend('glyphs');
    const codePoint = character.codePointAt(0) ?? 0;
    const own = font.own && (mapped ?? font.own.glyphOf(codePoint));
    const outlines = font.own && own ? font.own : font.substitute;
    const glyph = font.own && own ? own : font.substitute.glyphOf(codePoint);
    if (glyph === 0) return '';
    const id = this.#define(outlines, glyph);
    if (id === undefined) return '';
    const scale = size / outlines.unitsPerEm;
    const turned = turn === 0 ? '' : `rotate(${turn})`;
    return `<use href="#${id}" transform="translate(${short(x)} ${short(y)})${turned}scale(${short(scale * stretch)} ${short(-scale)})"/>`;
  }

  readonly #numbers = new Map<GlyphOutlines, number>();

  #define(outlines: GlyphOutlines, glyph: number): string | undefined {
    const number = this.#numbers.get(outlines) ?? this.#numbers.size;
    this.#numbers.set(outlines, number);
    const id = `${this.#idPrefix}g${number}-${glyph}`;
    if (!this.#definitions.has(id)) {
      const path = outlines.pathOf(glyph);
      this.#budget.spend('characters', path.length);
      this.#definitions.set(id, path === '' ? '' : `<path id="${id}" d="${path}"/>`);
    }
    return this.#definitions.get(id) ? id : undefined;
  }

  get definitions(): string {
    return [...this.#definitions.values()].join('');
  }
}

function short(value: number): string {
  return String(Number(value.toFixed(7)));
}

function collectText(element: XmlElement, fonts: Set<string>, characters: Set<string>): void {
  if (element.name === 'TextObject') fonts.add(element.attribute('Font') ?? '');
  if (element.name === 'TextCode') for (const character of element.text) characters.add(character);
  for (const child of element.children) collectText(child, fonts, characters);
}

async function openEmbedded(ofd: OfdPackage, entry: FontEntry): Promise<GlyphOutlines | undefined> {
  if (!entry.file) return undefined;
  try {
    return await openOutlines(ofd.read(entry.file));
  } catch {
    return undefined;
  }
}

/** Black-type families to our sans, everything else to Song type. */
function faceFor({ name, bold }: FontEntry): FontFace {
  const heavy = bold || /bold|heavy|black|粗|黑体|simhei/i.test(name);
  const sans = /黑|hei|sans|arial|helvetica|yahei|雅黑|verdana|calibri/i.test(name);
  if (sans) return heavy && !/黑体|simhei/i.test(name) ? 'sans-bold' : 'sans';
  return heavy ? 'serif-bold' : 'serif';
}

/** One advance per character, `g N v` (repeat) included; what is missing is no advance, as the standard has it. */
export function expandDeltas(text: string | undefined, count: number): number[] {
  if (text === undefined) return [];
  const parts = text.trim().split(/\s+/);
  const deltas: number[] = [];
  for (let i = 0; i < parts.length && deltas.length < count; i++) {
    if (parts[i] !== 'g') {
      deltas.push(Number(parts[i]) || 0);
      continue;
    }
    const times = Math.min(Number(parts[i + 1]) || 0, count - deltas.length);
    for (let n = 0; n < times; n++) deltas.push(Number(parts[i + 2]) || 0);
    i += 2;
  }
  return deltas;
}

/** Glyph by position in the TextCode. Where several characters make one glyph, it stands at the first. */
function mappedGlyphs(transforms: readonly XmlElement[], count: number): Map<number, number> {
  const glyphs = new Map<number, number>();
  for (const transform of transforms) {
    const position = Number(transform.attribute('CodePosition') ?? '0');
    const codes = Math.min(count, Number(transform.attribute('CodeCount') ?? '1'));
    const ids = numbersOf(transform.textOf('Glyphs'));
    for (let i = 0; i < Math.max(codes, ids.length) && position + i < count; i++) {
      const glyph = ids[i];
      if (glyph !== undefined && Number.isInteger(position)) glyphs.set(position + i, glyph);
    }
  }
  return glyphs;
}
