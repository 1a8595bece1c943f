import { describe, expect, test } from 'vitest';
import { FONT_FACES, missingCharacters, splitByFont, subsetFont } from '#documents/page/fonts.ts';
import { openOutlines } from '#documents/page/glyph-outlines.ts';
import { FontError, parseTrueType } from '#documents/page/true-type.ts';
import { seededRandom } from '#test/fakes/seeded-random.ts';

function tablesOf(bytes: Uint8Array): string[] {
  const file = Buffer.from(bytes);
  return Array.from({ length: file.readUInt16BE(4) }, (_, i) => file.toString('latin1', 12 + i * 16, 16 + i * 16)).sort();
}

describe('fonts', () => {
  test.each(FONT_FACES)('a subset of %s keeps the tables OFD readers need, and TrueType outlines', (face) => {
    const { bytes } = subsetFont(face, '电子证照 Licence 88');
    expect(tablesOf(bytes)).toEqual(
      expect.arrayContaining(['OS/2', 'cmap', 'glyf', 'head', 'hhea', 'hmtx', 'loca', 'maxp', 'name', 'post']),
    );
    expect(bytes.length).toBeLessThan(20_000);
  });

  test('a subset maps its characters to its own glyphs, and no others', async () => {
    const subset = subsetFont('serif', '居住证');
    const outlines = await openOutlines(subset.bytes);
    for (const character of '居住证') {
      const glyph = subset.glyphOf(character.codePointAt(0) ?? 0);
      expect(glyph).toBeGreaterThan(0);
      expect(outlines.glyphOf(character.codePointAt(0) ?? 0)).toBe(glyph);
      expect(outlines.pathOf(glyph).length).toBeGreaterThan(50);
    }
    expect(subset.glyphOf('照'.codePointAt(0) ?? 0)).toBe(0);
  });

  test('the tag is six capitals and depends on the characters only', () => {
    const first = subsetFont('sans', '证照');
    expect(first.name).toMatch(/^[A-Z]{6}\+NotoSansSC-Regular$/);
    expect(subsetFont('sans', '照证照').name).toBe(first.name);
    expect(subsetFont('sans', '证件').name).not.toBe(first.name);
  });

  test('characters beyond the basic plane are found, private ones are missing', () => {
    expect(missingCharacters('张三Abc，（）·㛃䶮')).toEqual([]);
    expect(missingCharacters('甲\u{E000}乙\u{E000}')).toEqual(['\u{E000}']);
  });

  test('text is split where the face changes', () => {
    const runs = splitByFont('serif', '证照');
    expect(runs).toEqual([{ face: 'serif', text: '证照' }]);
  });

  test('damaged fonts are refused with a FontError or read, never anything else', () => {
    const random = seededRandom(20261121);
    const { bytes } = subsetFont('sans', '证照abc');
    for (let run = 0; run < 400; run++) {
      const damaged = Uint8Array.from(bytes);
      for (let n = 0; n < 4; n++) damaged[Math.floor(random() * Math.min(600, damaged.length))] = Math.floor(random() * 256);
      const cut = random() < 0.3 ? damaged.subarray(0, Math.floor(random() * damaged.length)) : damaged;
      try {
        parseTrueType(cut).glyphOf(0x8bc1);
      } catch (error) {
        expect(error).toBeInstanceOf(FontError);
      }
    }
  });
});
