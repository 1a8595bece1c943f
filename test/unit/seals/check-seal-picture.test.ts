/** Pictures for seals as people send them: the good ones are written anew, everything else is refused with a word. */
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodePng } from '#documents/page/decode-png.ts';
import { Problem } from '#problem.ts';
import { checkSealPicture } from '#seals/check-seal-picture.ts';
import { drawSealPicture } from '#seals/draw-seal-picture.ts';
import { readStrictPng } from '#seals/read-strict-png.ts';
import { seededRandom } from '#test/fakes/seeded-random.ts';

type Pixel = readonly [number, number, number, number];
const RED: Pixel = [220, 20, 30, 255];
const CLEAR: Pixel = [255, 255, 255, 0];

function chunk(kind: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length, 0);
  head.write(kind, 4, 'latin1');
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body, crc32(head.subarray(4))), 0);
  return Buffer.concat([head, body, check]);
}

interface Made {
  width?: number;
  height?: number;
  paint?: (x: number, y: number) => Pixel;
  before?: Buffer[];
  after?: Buffer;
}

/** RGBA; by default a red ring. */
function png({ width = 500, height = 500, paint = ring(width, height), before = [], after = Buffer.alloc(0) }: Made = {}): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 6], 8);
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows.set(paint(x, y), y * (width * 4 + 1) + 1 + x * 4);
  const body = [chunk('IHDR', head), ...before, chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0)), after];
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...body]);
}

function ring(width: number, height: number, colour: Pixel = RED, ground: Pixel = CLEAR) {
  return (x: number, y: number): Pixel => {
    const radius = Math.hypot(x / width - 0.5, y / height - 0.5);
    return radius > 0.42 && radius < 0.48 ? colour : ground;
  };
}

const check = (bytes: Uint8Array, widthMm = 42, kind: Parameters<typeof checkSealPicture>[0]['kind'] = 'official') =>
  checkSealPicture({ kind, bytes, widthMm });

/** The Chinese sentence of the refusal. */
function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid-input') return error.errors[0]?.detailZh ?? '';
    throw error;
  }
  return 'accepted';
}

describe('a picture that is taken', () => {
  test('is written anew in one colour, with its size in print', () => {
    const sent = png({ before: [chunk('tEXt', Buffer.from('Author\0somebody'))] });
    const { png: kept, widthMm, heightMm } = check(sent);
    expect([widthMm, heightMm]).toEqual([42, 42]);
    expect(Buffer.from(kept).includes('somebody')).toBe(false);
    const image = decodePng(kept);
    expect([...image.rgb.subarray(0, 3)]).toEqual([220, 20, 30]);
    expect(image.alpha?.[0]).toBe(0);
    expect(image.alpha?.[250 * 500 + 25]).toBe(255);
  });

  test('is taken again as it was written', () => {
    const once = check(png());
    expect(Buffer.compare(check(once.png).png, once.png)).toBe(0);
  });

  test('our own drawings pass', async () => {
    const drawn = await drawSealPicture({ organisationName: '示范市公安局', kind: 'official' });
    expect(check(drawn.png)).toMatchObject({ widthMm: 42, heightMm: 42 });
  });

  test('loses the white that stood for paper inside it', () => {
    const paint = (x: number, y: number): Pixel => {
      const inRing = ring(500, 500)(x, y);
      return inRing === RED || Math.hypot(x - 250, y - 250) > 6 ? inRing : [255, 255, 255, 255];
    };
    const image = decodePng(check(png({ paint })).png);
    expect(image.alpha?.[250 * 500 + 250]).toBe(0);
  });

  test('may be blue or black when it is a signature, at its own shape', () => {
    const stroke = (colour: Pixel) => (x: number, y: number) => (Math.abs(y - 80 - 30 * Math.sin(x / 40)) < 5 && x > 20 ? colour : CLEAR);
    for (const colour of [
      [20, 20, 20, 255],
      [20, 40, 160, 255],
    ] as Pixel[]) {
      const sent = png({ width: 480, height: 160, paint: stroke(colour) });
      expect(check(sent, 30, 'signature')).toMatchObject({ widthMm: 30, heightMm: 10 });
    }
  });
});

describe('a picture that is refused', () => {
  const opaque = ring(500, 500, RED, [255, 255, 255, 255]);
  const half = (x: number, y: number): Pixel => (x < 20 && y < 20 ? [255, 255, 255, 255] : ring(500, 500)(x, y));
  test.each([
    ['a JPEG', () => check(Buffer.from('ffd8ffe000104a46', 'hex')), '不是 PNG'],
    ['nothing', () => check(new Uint8Array()), '不是 PNG'],
    ['a picture cut off', () => check(png().subarray(0, 700)), '已损坏'],
    ['a picture with a byte changed', () => check(flipped(png())), '已损坏'],
    ['an animation', () => check(png({ before: [chunk('acTL', Buffer.alloc(8))] })), '动态'],
    ['a private chunk', () => check(png({ before: [chunk('prVt', Buffer.from('data'))] })), '图片以外'],
    ['bytes after the end', () => check(png({ after: Buffer.from('PK') })), '多余数据'],
    ['a second header', () => check(png({ before: [chunk('IHDR', Buffer.alloc(13))] })), '已损坏'],
    ['a white ground', () => check(png({ paint: opaque })), '没有透明背景'],
    ['a ground in one corner', () => check(png({ paint: half })), '四角'],
    ['an empty picture', () => check(png({ paint: (x) => (x === 250 ? [220, 0, 0, 254] : CLEAR) })), '几乎没有内容'],
    ['a blue official seal', () => check(png({ paint: ring(500, 500, [20, 40, 200, 255]) })), '应为红色'],
    ['pale ink', () => check(png({ paint: ring(500, 500, [250, 160, 160, 255]) })), '颜色过浅'],
    ['an oval official seal', () => check(png({ width: 600, height: 500, paint: ring(600, 500) })), '宽高应相等'],
    ['a round one for invoices', () => check(png(), 40, 'invoice'), '4∶3'],
    ['too few pixels', () => check(png({ width: 300, height: 300, paint: ring(300, 300) })), '现为 300 像素'],
    ['no size', () => check(png(), 0), '毫米'],
    ['half a millimetre', () => check(png(), 41.5), '毫米'],
    ['a strip', () => check(png({ width: 800, height: 100, paint: ring(800, 100, [0, 0, 0, 255]) }), 40, 'signature'), '宽高比'],
  ])('%s', (_case, act, word) => {
    expect(refusalOf(act)).toContain(word);
  });

  test('one whose header promises more pixels than it may have is refused before it is unpacked', () => {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(3_000, 0);
    head.writeUInt32BE(3_000, 4);
    head.set([8, 6], 8);
    const bomb = Buffer.concat([
      Buffer.from('89504e470d0a1a0a', 'hex'),
      chunk('IHDR', head),
      chunk('IDAT', deflateSync(Buffer.alloc(40_000_000))),
      chunk('IEND', Buffer.alloc(0)),
    ]);
    expect(refusalOf(() => check(bomb))).toContain('边长');
    head.writeUInt32BE(500, 0);
    head.writeUInt32BE(500, 4);
    const inflated = Buffer.concat([bomb.subarray(0, 8), chunk('IHDR', head), bomb.subarray(33)]);
    expect(refusalOf(() => check(inflated))).toContain('PNG');
  });
});

test('two thousand damaged files are judged without a crash, and none of them is taken whose bytes lie', () => {
  const random = seededRandom(20260601);
  const seed = png({ width: 200, height: 200, paint: ring(200, 200), before: [chunk('pHYs', Buffer.from('00002e2300002e2301', 'hex'))] });
  const outcomes = new Set<string>();
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(seed.subarray(0, random() < 0.2 ? Math.floor(random() * seed.length) : seed.length));
    for (let n = Math.floor(random() * 6) + 1; n > 0 && bytes.length > 0; n--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    const strict = readStrictPng(bytes);
    outcomes.add(typeof strict === 'string' ? strict : 'whole');
    // Repaired sums: what only the check sums kept from the decoder.
    const said = refusalOf(() => check(withSums(bytes), 15, 'signature'));
    outcomes.add(said === 'accepted' ? said : 'refused');
  }
  expect([...outcomes]).toEqual(expect.arrayContaining(['damaged', 'not-png', 'refused', 'accepted']));
});

function flipped(bytes: Buffer): Buffer {
  bytes[60] = (bytes[60] ?? 0) ^ 1;
  return bytes;
}

/** The same file with the check sum of every chunk made right. */
function withSums(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let offset = 8; offset + 12 <= copy.length; ) {
    const end = offset + 12 + copy.readUInt32BE(offset);
    if (end > copy.length) break;
    copy.writeUInt32BE(crc32(copy.subarray(offset + 4, end - 4)), end - 4);
    offset = end;
  }
  return copy;
}
