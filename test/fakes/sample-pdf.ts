/** Small PDFs of each structure, and pieces to build forged updates from. */
import { deflateSync } from 'node:zlib';
import { PNG } from 'pngjs';

/** A PDF of `pages` A4 pages. `streams` writes an object stream and a cross-reference stream with predictor. */
export function samplePdf({ streams = false, pages = 1, padding = 0 } = {}): Uint8Array {
  const kids = Array.from({ length: pages }, (_value, index) => `${4 + index * 2} 0 R`).join(' ');
  const attached = 4 + pages * 2;
  const names =
    padding > 0 ? `/Names<</EmbeddedFiles<</Names[(padding.bin)<</Type/Filespec/F(padding.bin)/EF<</F ${attached} 0 R>>>>]>>>>` : '';
  const objects = [
    `<</Type/Catalog/Pages 2 0 R${names}>>`,
    `<</Type/Pages/Kids[${kids}]/Count ${pages}>>`,
    '<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>',
  ];
  for (let i = 0; i < pages; i++) {
    const resources = '/Resources<</Font<</F1 3 0 R>>>>';
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox [0 0 595 842]${resources}/Contents ${5 + i * 2} 0 R>>`);
    objects.push(streamOf('', Buffer.from(`BT /F1 24 Tf 60 760 Td (Sample licence 000${i + 1}) Tj ET`)));
  }
  if (padding > 0) objects.push(streamOf('/Type/EmbeddedFile', noise(padding)));
  return streams ? buildStreamPdf(objects) : buildPdf(objects);
}

function streamOf(keys: string, data: Uint8Array): string {
  return `<<${keys}/Length ${data.length}>>\nstream\n${Buffer.from(data).toString('latin1')}\nendstream`;
}

/** As `buildPdf`, with everything that is no stream inside an object stream. */
function buildStreamPdf(objects: readonly string[]): Uint8Array {
  const container = objects.length + 1;
  const own = container + 1;
  let text = '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n';
  const rows: number[][] = [[0, 0, 255]];
  const inside: string[] = [];
  const head: string[] = [];
  let length = 0;
  objects.forEach((body, index) => {
    if (body.includes('\nstream\n')) {
      rows[index + 1] = [1, text.length, 0];
      text += `${index + 1} 0 obj\n${body}\nendobj\n`;
      return;
    }
    rows[index + 1] = [2, container, inside.length];
    head.push(`${index + 1} ${length}`);
    inside.push(body);
    length += body.length + 1;
  });
  const index = `${head.join(' ')}\n`;
  const packed = deflateSync(Buffer.from(index + inside.join('\n'), 'latin1'));
  rows[container] = [1, text.length, 0];
  text += `${container} 0 obj\n${streamOf(`/Type/ObjStm/N ${inside.length}/First ${index.length}/Filter/FlateDecode`, packed)}\nendobj\n`;
  const at = text.length;
  rows[own] = [1, at, 0];
  const keys = `/Type/XRef/W[1 4 1]/Size ${own + 1}/Root 1 0 R/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 6>>`;
  text += `${own} 0 obj\n${streamOf(keys, deflateSync(withUpPredictor(rows)))}\nendobj\nstartxref\n${at}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

/** Rows of type, offset and index as PNG "up" rows. */
function withUpPredictor(rows: readonly number[][]): Uint8Array {
  const out = Buffer.alloc(rows.length * 7);
  let above = Buffer.alloc(6);
  rows.forEach(([type = 0, second = 0, third = 0], index) => {
    const row = Buffer.alloc(6);
    row.writeUInt8(type, 0);
    row.writeUInt32BE(second, 1);
    row.writeUInt8(third, 5);
    out[index * 7] = 2;
    for (let i = 0; i < 6; i++) out[index * 7 + 1 + i] = ((row[i] ?? 0) - (above[i] ?? 0)) & 0xff;
    above = row;
  });
  return out;
}

/** Bytes that do not compress, the same each time. */
function noise(length: number): Uint8Array {
  let state = 12345;
  return new Uint8Array(length).map(() => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
}

/** A red ring on transparent ground. */
export function samplePng(size = 64, colorType: 0 | 2 | 4 | 6 = 6): Uint8Array {
  const png = new PNG({ width: size, height: size });
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const distance = Math.hypot(x - size / 2, y - size / 2) / (size / 2);
      const inside = distance < 0.95 && distance > 0.8;
      png.data.set([220, 0, 0, inside ? 255 : 0], (y * size + x) * 4);
    }
  }
  return PNG.sync.write(png, { colorType });
}

/** A classic PDF written by hand: one page, `objects` more, so that tests know every byte. */
export function handMadePdf(extra: readonly string[] = [], pageExtra = ''): Uint8Array {
  const content = 'BT /F1 24 Tf 60 760 Td (Sample) Tj ET';
  return buildPdf([
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    `<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R${pageExtra}>>`,
    `<</Length ${content.length}>>\nstream\n${content}\nendstream`,
    '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
    ...extra,
  ]);
}

/** Objects 1, 2, 3… with a table; the first is the catalog. */
export function buildPdf(objects: readonly string[]): Uint8Array {
  let text = '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n';
  const offsets: number[] = [];
  objects.forEach((body, index) => {
    offsets.push(text.length);
    text += `${index + 1} 0 obj\n${body}\nendobj\n`;
  });
  const at = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  for (const offset of offsets) text += `${String(offset).padStart(10, '0')} 00000 n \n`;
  text += `trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${at}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

export interface Forgery {
  objects: Readonly<Record<number, string>>;
  /** Written instead of the right trailer entries. */
  trailer?: string;
  /** Leaves the cross-reference out. */
  withoutXref?: boolean;
  /** Objects that are written and not listed. */
  unlisted?: readonly string[];
  after?: string;
  before?: string;
}

/** Appends an update as an attacker would. */
export function appendUpdate(
  pdf: Uint8Array,
  { objects, trailer, withoutXref, unlisted = [], after = '', before = '' }: Forgery,
): Uint8Array {
  const original = Buffer.from(pdf).toString('latin1');
  const previous = /startxref\s+(\d+)\s+%%EOF\s*$/.exec(original)?.[1] ?? '0';
  const root = [...original.matchAll(/\/Root (\d+ \d+ R)/g)].at(-1)?.[1] ?? '1 0 R';
  const sizes = [...original.matchAll(/\/Size (\d+)/g)].map((match) => Number(match[1]));
  let text = original + before;
  const offsets: [number, number][] = [];
  for (const [num, body] of Object.entries(objects)) {
    offsets.push([Number(num), text.length]);
    text += `${num} 0 obj\n${body}\nendobj\n`;
  }
  for (const body of unlisted) text += `${body}\n`;
  if (withoutXref) return Buffer.from(text + after, 'latin1');
  const at = text.length;
  text += 'xref\n0 1\n0000000000 65535 f \n';
  for (const [num, offset] of offsets) text += `${num} 1\n${String(offset).padStart(10, '0')} 00000 n \n`;
  const size = Math.max(...sizes, ...offsets.map(([num]) => num + 1));
  text += `trailer\n<<${trailer ?? `/Size ${size}/Root ${root}/Prev ${previous}`}>>\nstartxref\n${at}\n%%EOF\n${after}`;
  return Buffer.from(text, 'latin1');
}

/** The body of the newest version of an object that stands plainly in the file. */
export function bodyOf(pdf: Uint8Array, num: number): string {
  const text = Buffer.from(pdf).toString('latin1');
  const found = [...text.matchAll(new RegExp(`(?:^|[\\r\\n])${num} 0 obj\\s*([\\s\\S]*?)\\s*endobj`, 'g'))].at(-1);
  if (!found?.[1]) throw new Error(`no object ${num}`);
  return found[1];
}
