/**
 * Outlines of glyphs, by HarfBuzz in WebAssembly: TrueType and CFF alike, and safe with damaged fonts, since a font inside somebody
 * else's document is input from outside.
 */
import { FontError } from './true-type.ts';

export interface GlyphOutlines {
  unitsPerEm: number;
  /** 0 when the font has no such character. */
  glyphOf(codePoint: number): number;
  /** SVG path data in font units, y upwards; '' for a blank. */
  pathOf(glyph: number): string;
  /** Font units. */
  advanceOf(glyph: number): number;
}

const MAX_FONT_BYTES = 40 * 1024 * 1024;
const MAX_PATH = 200_000;

/** @throws FontError when the bytes are no font. */
export async function openOutlines(bytes: Uint8Array): Promise<GlyphOutlines> {
  if (bytes.length > MAX_FONT_BYTES) throw new FontError('the font is too large');
  const harfbuzz = await import('harfbuzzjs');
  const face = new harfbuzz.Face(new harfbuzz.Blob(bytes), 0);
  const font = new harfbuzz.Font(face);
  const paths = new Map<number, string>();
  const glyphs = font.glyph.bind(font);
  if (face.collectUnicodes().length === 0 && face.referenceTable('maxp') === undefined) throw new FontError('not a font');
  return {
    unitsPerEm: face.upem || 1000,
    glyphOf: (codePoint) => glyphs(codePoint) ?? 0,
    pathOf: (glyph) => {
      let path = paths.get(glyph);
      if (path === undefined) {
        path = font.glyphToPath(glyph);
        if (path.length > MAX_PATH) path = '';
        paths.set(glyph, path);
      }
      return path;
    },
    advanceOf: (glyph) => font.glyphHAdvance(glyph),
  };
}
