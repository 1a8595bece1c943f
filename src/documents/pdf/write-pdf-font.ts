/**
 * A TrueType subset as a composite font: Type0 › CIDFontType2, Identity-H, with widths, CIDToGIDMap and ToUnicode.
 * Every character has its own CID, even where two share a glyph, so that extracted text is exactly what was set.
 */
import type { FontSubset } from '#documents/page/fonts.ts';
import { utf16Hex } from './write-pdf-strings.ts';

export interface PdfFont {
  /** The CID that shows a character, and its width in thousandths of an em. */
  glyph(character: string): { cid: number; width: number };
}

interface ObjectSink {
  add(body: string): number;
  addStream(entries: string, data: Uint8Array, options?: { keep?: boolean }): number;
}

const SERIF = 2;
const SYMBOLIC = 4;
/** A cmap section holds at most 100 entries (Adobe Technical Note 5014). */
const SECTION = 100;

export function writePdfFont(objects: ObjectSink, subset: FontSubset, characters: string): { font: PdfFont; object: number } {
  const { unitsPerEm, boundingBox, ascent, descent, capHeight, italicAngle, weight } = subset.metrics;
  const scale = (units: number) => Math.round((units * 1000) / unitsPerEm);
  const ordered = [...new Set(characters)].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0));
  const glyphs = new Map(
    ordered.map((character, index) => {
      const glyph = subset.glyphOf(character.codePointAt(0) ?? 0);
      return [character, { cid: index + 1, glyph, width: (subset.advanceOf(glyph) * 1000) / unitsPerEm }] as const;
    }),
  );
  const all = [...glyphs.values()];
  const file = objects.addStream(`/Length1 ${subset.bytes.length}`, subset.bytes, { keep: true });
  const flags = SYMBOLIC + (subset.face.startsWith('serif') ? SERIF : 0);
  const descriptor = objects.add(
    `<< /Type /FontDescriptor /FontName /${subset.name} /Flags ${flags} /FontBBox [${boundingBox.map(scale).join(' ')}] /ItalicAngle ${italicAngle} ` +
      `/Ascent ${scale(ascent)} /Descent ${scale(descent)} /CapHeight ${scale(capHeight)} /StemV ${weight >= 600 ? 140 : 80} /FontFile2 ${file} 0 R >>`,
  );
  const map = Buffer.alloc((all.length + 1) * 2);
  for (const { cid, glyph } of all) map.writeUInt16BE(glyph, cid * 2);
  const cidToGid = objects.addStream('', map);
  const widths = all.map(({ width }) => Math.round(width * 100) / 100).join(' ');
  const descendant = objects.add(
    `<< /Type /Font /Subtype /CIDFontType2 /BaseFont /${subset.name} /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> ` +
      `/FontDescriptor ${descriptor} 0 R /DW 1000 /W [1 [${widths}]] /CIDToGIDMap ${cidToGid} 0 R >>`,
  );
  const toUnicode = objects.addStream('', Buffer.from(toUnicodeMap(ordered), 'latin1'));
  const object = objects.add(
    `<< /Type /Font /Subtype /Type0 /BaseFont /${subset.name} /Encoding /Identity-H /DescendantFonts [${descendant} 0 R] /ToUnicode ${toUnicode} 0 R >>`,
  );
  const glyph = (character: string) => {
    const known = glyphs.get(character);
    if (!known) throw new Error(`the subset lacks a character of the text (face ${subset.face})`);
    return known;
  };
  return { font: { glyph }, object };
}

/** CID n is the n-th character, counted from 1. */
function toUnicodeMap(characters: readonly string[]): string {
  const sections: string[] = [];
  for (let start = 0; start < characters.length; start += SECTION) {
    const part = characters.slice(start, start + SECTION);
    const lines = part.map(
      (character, index) => `<${(start + index + 1).toString(16).padStart(4, '0').toUpperCase()}> <${utf16Hex(character)}>`,
    );
    sections.push(`${part.length} beginbfchar\n${lines.join('\n')}\nendbfchar`);
  }
  return `/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
${sections.join('\n')}
endcmap
CMapName currentdict /CMap defineresource pop
end
end
`;
}
