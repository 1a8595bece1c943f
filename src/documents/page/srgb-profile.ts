/**
 * An sRGB colour profile (ICC.1:2001-04, version 2.1), written here so that no file of unclear licence travels along.
 * Primaries of IEC 61966-2-1 adapted to D50; its transfer curve as a table of 1024 steps.
 */

let profile: Uint8Array | undefined;

export function srgbProfile(): Uint8Array {
  profile ??= buildProfile();
  return profile;
}

const HEADER = 128;
const CURVE_STEPS = 1024;

function buildProfile(): Uint8Array {
  const curve = curveTag();
  const tags: [string, Buffer][] = [
    ['desc', descriptionTag('sRGB')],
    ['cprt', Buffer.concat([Buffer.from('text\0\0\0\0', 'latin1'), Buffer.from('No copyright, use freely\0', 'latin1')])],
    ['wtpt', xyzTag(0.9642, 1, 0.8249)],
    ['rXYZ', xyzTag(0.43607, 0.22249, 0.01392)],
    ['gXYZ', xyzTag(0.38515, 0.71687, 0.09708)],
    ['bXYZ', xyzTag(0.14307, 0.06061, 0.7141)],
    ['rTRC', curve],
    ['gTRC', curve],
    ['bTRC', curve],
  ];
  const table = Buffer.alloc(4 + tags.length * 12);
  table.writeUInt32BE(tags.length, 0);
  const bodies: Buffer[] = [];
  const placed = new Map<Buffer, number>();
  let offset = HEADER + table.length;
  tags.forEach(([name, body], index) => {
    let at = placed.get(body);
    if (at === undefined) {
      at = offset;
      placed.set(body, at);
      const padded = Buffer.alloc(Math.ceil(body.length / 4) * 4);
      body.copy(padded);
      bodies.push(padded);
      offset += padded.length;
    }
    table.write(name, 4 + index * 12, 'latin1');
    table.writeUInt32BE(at, 8 + index * 12);
    table.writeUInt32BE(body.length, 12 + index * 12);
  });
  return Buffer.concat([headerOf(offset), table, ...bodies]);
}

function headerOf(size: number): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(0x02100000, 8);
  header.write('mntrRGB XYZ ', 12, 'latin1');
  for (const [index, value] of [2026, 1, 1, 0, 0, 0].entries()) header.writeUInt16BE(value, 24 + index * 2);
  header.write('acsp', 36, 'latin1');
  for (const [index, value] of [0.9642, 1, 0.8249].entries()) header.writeInt32BE(fixed(value), 68 + index * 4);
  return header;
}

function fixed(value: number): number {
  return Math.round(value * 65536);
}

function xyzTag(x: number, y: number, z: number): Buffer {
  const tag = Buffer.alloc(20);
  tag.write('XYZ ', 0, 'latin1');
  [x, y, z].forEach((value, index) => {
    tag.writeInt32BE(fixed(value), 8 + index * 4);
  });
  return tag;
}

function curveTag(): Buffer {
  const tag = Buffer.alloc(12 + CURVE_STEPS * 2);
  tag.write('curv', 0, 'latin1');
  tag.writeUInt32BE(CURVE_STEPS, 8);
  for (let step = 0; step < CURVE_STEPS; step++) {
    const value = step / (CURVE_STEPS - 1);
    const linear = value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    tag.writeUInt16BE(Math.round(linear * 65535), 12 + step * 2);
  }
  return tag;
}

/** textDescriptionType: ASCII part only, the Unicode and Macintosh parts empty. */
function descriptionTag(text: string): Buffer {
  const tag = Buffer.alloc(8 + 4 + text.length + 1 + 8 + 3 + 67);
  tag.write('desc', 0, 'latin1');
  tag.writeUInt32BE(text.length + 1, 8);
  tag.write(text, 12, 'latin1');
  return tag;
}
