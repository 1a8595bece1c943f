/**
 * The few tables of a TrueType font that laying out and embedding need: `head`, `hhea`, `hmtx`, `cmap` (formats 4 and 12), `post`.
 * Every offset is checked against the file; outlines are left to HarfBuzz.
 */

const MAX_TABLES = 64;
const MAX_CMAP_GROUPS = 200_000;

/** A font file that cannot be read. */
export class FontError extends Error {
  override name = 'FontError';
}

export interface FontMetrics {
  unitsPerEm: number;
  /** Font units, y up. */
  boundingBox: readonly [number, number, number, number];
  ascent: number;
  descent: number;
  capHeight: number;
  italicAngle: number;
  weight: number;
  glyphCount: number;
}

export interface TrueTypeFont {
  readonly metrics: FontMetrics;
  readonly postScriptName: string;
  /** Glyph of a code point; 0 when the font has none. */
  glyphOf(codePoint: number): number;
  /** Advance width of a glyph in font units. */
  advanceOf(glyph: number): number;
  /** Every code point of the font's Unicode cmap, ascending. */
  codePoints(): number[];
}

interface Table {
  offset: number;
  length: number;
}

/** @throws FontError when a needed table is missing or points outside the file. */
export function parseTrueType(bytes: Uint8Array): TrueTypeFont {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tables = readDirectory(view);
  const need = (tag: string, atLeast: number): Table => {
    const table = tables.get(tag);
    if (!table || table.length < atLeast) throw new FontError(`table ${tag} is missing or too short`);
    return table;
  };
  const head = need('head', 54).offset;
  const hhea = need('hhea', 36).offset;
  const maxp = need('maxp', 6).offset;
  const os2 = tables.get('OS/2');
  const post = tables.get('post');
  const glyphCount = view.getUint16(maxp + 4);
  const longMetrics = view.getUint16(hhea + 34);
  const hmtx = need('hmtx', longMetrics * 4).offset;
  if (longMetrics === 0) throw new FontError('hhea names no metrics');
  const advances = readAdvances(view, hmtx, longMetrics);
  const ascent = view.getInt16(hhea + 4);
  const metrics: FontMetrics = {
    unitsPerEm: view.getUint16(head + 18) || 1000,
    boundingBox: [view.getInt16(head + 36), view.getInt16(head + 38), view.getInt16(head + 40), view.getInt16(head + 42)],
    ascent,
    descent: view.getInt16(hhea + 6),
    capHeight: os2 && os2.length >= 90 && view.getUint16(os2.offset) >= 2 ? view.getInt16(os2.offset + 88) : ascent,
    italicAngle: post && post.length >= 8 ? view.getInt32(post.offset + 4) / 65536 : 0,
    weight: os2 && os2.length >= 6 ? view.getUint16(os2.offset + 4) : 400,
    glyphCount,
  };
  const map = readCmap(view, need('cmap', 4));
  return {
    metrics,
    postScriptName: readPostScriptName(view, tables.get('name')),
    glyphOf: (codePoint) => map.get(codePoint) ?? 0,
    advanceOf: (glyph) => advances[Math.min(glyph, longMetrics - 1)] ?? 0,
    codePoints: () => [...map.keys()].sort((a, b) => a - b),
  };
}

/** A copy, so that nothing below holds on to the file: 10 to 15 MiB for each of our faces. */
function readAdvances(view: DataView, hmtx: number, count: number): Uint16Array {
  return Uint16Array.from({ length: count }, (_, glyph) => view.getUint16(hmtx + glyph * 4));
}

function readDirectory(view: DataView): Map<string, Table> {
  if (view.byteLength < 12) throw new FontError('the file is too short');
  const count = view.getUint16(4);
  if (count > MAX_TABLES || view.byteLength < 12 + count * 16) throw new FontError('the table directory is damaged');
  const tables = new Map<string, Table>();
  for (let i = 0; i < count; i++) {
    const at = 12 + i * 16;
    const tag = String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
    const table = { offset: view.getUint32(at + 8), length: view.getUint32(at + 12) };
    if (table.offset + table.length > view.byteLength) throw new FontError(`table ${tag} lies outside the file`);
    tables.set(tag, table);
  }
  return tables;
}

/** The Unicode subtable that reaches furthest: format 12 before format 4. */
function readCmap(view: DataView, table: Table): Map<number, number> {
  const end = table.offset + table.length;
  const count = view.getUint16(table.offset + 2);
  if (count > MAX_TABLES || 4 + count * 8 > table.length) throw new FontError('cmap is damaged');
  let best: { offset: number; format: number } | undefined;
  for (let i = 0; i < count; i++) {
    const record = table.offset + 4 + i * 8;
    const platform = view.getUint16(record);
    const offset = table.offset + view.getUint32(record + 4);
    if ((platform !== 0 && platform !== 3) || offset + 16 > end) continue;
    const format = view.getUint16(offset);
    if ((format === 4 || format === 12) && format > (best?.format ?? 0)) best = { offset, format };
  }
  if (!best) throw new FontError('cmap has no Unicode subtable');
  return best.format === 12 ? readSegmentedCoverage(view, best.offset, end) : readSegmentMapping(view, best.offset, end);
}

function readSegmentedCoverage(view: DataView, offset: number, end: number): Map<number, number> {
  const groups = view.getUint32(offset + 12);
  if (groups > MAX_CMAP_GROUPS || offset + 16 + groups * 12 > end) throw new FontError('cmap format 12 is damaged');
  const map = new Map<number, number>();
  for (let i = 0; i < groups; i++) {
    const at = offset + 16 + i * 12;
    const first = view.getUint32(at);
    const last = view.getUint32(at + 4);
    const glyph = view.getUint32(at + 8);
    if (last < first || last > 0x10ffff || map.size + (last - first) > MAX_CMAP_GROUPS) throw new FontError('cmap format 12 is damaged');
    for (let code = first; code <= last; code++) map.set(code, glyph + code - first);
  }
  return map;
}

function readSegmentMapping(view: DataView, offset: number, end: number): Map<number, number> {
  const segments = view.getUint16(offset + 6) / 2;
  const ends = offset + 14;
  const starts = ends + segments * 2 + 2;
  const deltas = starts + segments * 2;
  const ranges = deltas + segments * 2;
  if (ranges + segments * 2 > end) throw new FontError('cmap format 4 is damaged');
  const map = new Map<number, number>();
  for (let i = 0; i < segments; i++) {
    const first = view.getUint16(starts + i * 2);
    const last = view.getUint16(ends + i * 2);
    const delta = view.getInt16(deltas + i * 2);
    const range = view.getUint16(ranges + i * 2);
    for (let code = first; code <= last && code < 0xffff; code++) {
      let glyph = code;
      if (range !== 0) {
        const at = ranges + i * 2 + range + (code - first) * 2;
        if (at + 2 > end) throw new FontError('cmap format 4 is damaged');
        glyph = view.getUint16(at);
        if (glyph === 0) continue;
      }
      const mapped = (glyph + delta) & 0xffff;
      if (mapped !== 0) map.set(code, mapped);
    }
  }
  return map;
}

/** Name id 6 of the Windows platform, as ASCII. */
function readPostScriptName(view: DataView, table: Table | undefined): string {
  if (!table || table.length < 6) return '';
  const count = view.getUint16(table.offset + 2);
  const strings = table.offset + view.getUint16(table.offset + 4);
  const end = table.offset + table.length;
  for (let i = 0; i < count && table.offset + 6 + (i + 1) * 12 <= end; i++) {
    const record = table.offset + 6 + i * 12;
    if (view.getUint16(record) !== 3 || view.getUint16(record + 6) !== 6) continue;
    const length = view.getUint16(record + 8);
    const start = strings + view.getUint16(record + 10);
    if (start + length > end) return '';
    let text = '';
    for (let at = start; at + 1 < start + length; at += 2) text += String.fromCharCode(view.getUint16(at));
    return text.replace(/[^\x21-\x7e]/g, '');
  }
  return '';
}
