/**
 * Files prepared before sealing so that a later update, in itself without a trace, makes readers take the sealed bytes in another
 * way: another beginning (Poppler shows it), other contents of an object stream (MuPDF and Poppler show them).
 */
import { describe, expect, test } from 'vitest';
import { appendUpdate, handMadePdf, samplePdf } from '#test/fakes/sample-pdf.ts';
import { check, STAMP, seal } from './sealed-pdf.ts';

const RED = '1 0 0 rg 0 0 900 900 re f';
const FORM = '/Type/XObject/Subtype/Form/BBox[0 0 900 900]';
const stream = (data: string, keys = '') => `<<${keys}/Length ${data.length}>>\nstream\n${data}\nendstream`;
const altered = { verdict: 'altered', official: false };
const genuine = { verdict: 'genuine', official: true };
const tenDigits = (offset: number) => String(offset).padStart(10, '0');

/** Objects one after the other, each noted at its offset. */
class Writer {
  text = '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n';
  readonly offsets = new Map<number, number>();

  put(num: number, body: string): void {
    this.offsets.set(num, this.text.length);
    this.text += `${num} 0 obj\n${body}\nendobj\n`;
  }

  bytes(): Uint8Array {
    return Buffer.from(this.text, 'latin1');
  }
}

describe('a file linearized for a length it does not have when sealed', () => {
  const other: [number, string][] = [
    [30, '<</Type/Catalog/Pages 31 0 R>>'],
    [31, '<</Type/Pages/Kids[32 0 R]/Count 1>>'],
    [32, '<</Type/Page/Parent 31 0 R/MediaBox[0 0 595 842]/Contents 33 0 R>>'],
    [33, stream(RED)],
  ];
  const firstSection = (at: readonly number[]) =>
    `xref\n30 4\n${at.map((offset) => `${tenDigits(offset)} 00000 n \n`).join('')}trailer\n<</Size 40/Root 30 0 R>>\nstartxref\n0\n%%EOF\n`;

  function linearizedFor(length: number): Uint8Array {
    const writer = new Writer();
    writer.put(20, `<</Linearized 1/L ${length}/H[500 100]/O 32/E 2000/N 1/T 1000>>`);
    let next = writer.text.length + firstSection([0, 0, 0, 0]).length;
    const places = other.map(([num, body]) => {
      next += `${num} 0 obj\n${body}\nendobj\n`.length;
      return next - `${num} 0 obj\n${body}\nendobj\n`.length;
    });
    writer.text += firstSection(places);
    for (const [num, body] of other) writer.put(num, body);
    writer.put(1, '<</Type/Catalog/Pages 2 0 R>>');
    writer.put(2, '<</Type/Pages/Kids[3 0 R]/Count 1>>');
    writer.put(3, '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>');
    writer.put(4, stream('0 0 9 9 re f'));
    const at = writer.text.length;
    writer.text += 'xref\n0 1\n0000000000 65535 f \n';
    for (const [num, offset] of writer.offsets) writer.text += `${num} 1\n${tenDigits(offset)} 00000 n \n`;
    writer.text += `trailer\n<</Size 40/Root 1 0 R>>\nstartxref\n${at}\n%%EOF\n`;
    return writer.bytes();
  }

  /** An update without effect that makes the file this long. */
  function grown(pdf: Uint8Array, length: number): Uint8Array {
    const update = (padding: number) => appendUpdate(pdf, { objects: { 60: `(${'x'.repeat(padding)})` } });
    const first = update(length - update(20_000).length + 20_000);
    expect(first.length).toBe(length);
    return first;
  }

  test('an update that makes it so long: altered; one that does not stays genuine', async () => {
    const sealed = await seal(linearizedFor(60_000), { stamp: STAMP });
    expect(check(sealed)).toMatchObject(genuine);
    expect(check(grown(sealed, 59_999))).toMatchObject(genuine);
    expect(check(grown(sealed, 60_000))).toMatchObject(altered);
  });

  test('blanks alone that make it so long: altered', async () => {
    const { length } = await seal(linearizedFor(1_000));
    const sealed = await seal(linearizedFor(length + 4));
    expect(sealed.length).toBe(length);
    const withBlanks = (count: number) => check(Buffer.concat([sealed, Buffer.alloc(count, 0x0a)]));
    expect(withBlanks(3)).toMatchObject(genuine);
    expect(withBlanks(4)).toMatchObject(altered);
  });

  test('one that is so long when sealed, and longer after an update: altered', async () => {
    const { length } = await seal(linearizedFor(1_000));
    expect(check(grown(await seal(linearizedFor(length)), 60_000))).toMatchObject(altered);
  });
});

describe('an object stream of the sealed file', () => {
  const inside = (form: number) => `<</XObject<</X ${form} 0 R>>>>`;
  const [shown, other] = [inside(8), inside(9)];

  /** A page whose resources, object 7, stand in object stream 11. */
  function packed(keys: (data: string) => string, head: string, ruling: string): Uint8Array {
    const writer = new Writer();
    writer.put(1, '<</Type/Catalog/Pages 2 0 R>>');
    writer.put(2, '<</Type/Pages/Kids[3 0 R]/Count 1>>');
    writer.put(3, '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources 7 0 R/Contents 4 0 R>>');
    writer.put(4, stream('/X Do'));
    writer.put(8, stream('0 0 9 9 re f', FORM));
    writer.put(9, stream(RED, FORM));
    writer.put(10, ruling);
    const data = `${head}${shown}${other}`;
    writer.put(11, `<</Type/ObjStm${keys(data)}>>\nstream\n${data}\nendstream`);
    const at = writer.text.length;
    writer.offsets.set(12, at);
    const rows = Buffer.alloc(13 * 7);
    for (const [num, offset] of writer.offsets) {
      rows.writeUInt8(1, num * 7);
      rows.writeUInt32BE(offset, num * 7 + 1);
    }
    rows.writeUInt8(2, 7 * 7);
    rows.writeUInt32BE(11, 7 * 7 + 1);
    const table = stream(rows.toString('latin1'), '/Type/XRef/W[1 4 2]/Size 13/Root 1 0 R');
    writer.text += `12 0 obj\n${table}\nendobj\nstartxref\n${at}\n%%EOF\n`;
    return writer.bytes();
  }

  const plain = (data: string) => `/N 1/First 4/Length ${data.length}`;
  const cases: [string, Uint8Array, string, object][] = [
    ['with plain keys', packed(plain, '7 0 ', '1'), '2', genuine],
    [
      'whose /First stands elsewhere',
      packed((data) => `/N 1/First 10 0 R/Length ${data.length}`, '7 0 ', '4'),
      `${4 + shown.length}`,
      altered,
    ],
    ['whose /N stands elsewhere', packed((data) => `/N 10 0 R/First 4/Length ${data.length}`, '7 0 ', '1'), '0', altered],
    ['whose /Filter stands elsewhere', packed((data) => `${plain(data)}/Filter 10 0 R`, '7 0 ', 'null'), '[]', altered],
    ['whose /Filter holds one', packed((data) => `${plain(data)}/Filter[]/DecodeParms[<</Predictor 10 0 R>>]`, '7 0 ', '1'), '12', altered],
    [
      'that holds a number twice',
      packed((data) => `/N 2/First ${8 + String(shown.length).length}/Length ${data.length}`, `7 0 7 ${shown.length} `, '1'),
      '2',
      altered,
    ],
  ];

  test.each(cases)('%s, and an update of the object that it may lead to', async (_name, pdf, ruling, expected) => {
    const sealed = await seal(pdf);
    expect(check(sealed)).toMatchObject(genuine);
    expect(check(appendUpdate(sealed, { objects: { 10: ruling } }))).toMatchObject(expected);
  });
});

test('an object whose head only some readers take for one: altered', async () => {
  const sealed = await seal(samplePdf());
  const text = Buffer.from(appendUpdate(sealed, { objects: { 60: '0' } })).toString('latin1');
  expect(check(Buffer.from(text, 'latin1'))).toMatchObject(genuine);
  expect(check(Buffer.from(text.replace('60 0 obj\n0\n', '60 0 obj0 \n'), 'latin1'))).toMatchObject(altered);
  expect(check(Buffer.from(text.replace('60 0 obj\n0\n', '60 0%\nobj 0'), 'latin1'))).toMatchObject(altered);
});

describe('a sealed file with revisions of its own', () => {
  const resources = (form: number) => `<</XObject<</X ${form} 0 R>>>>`;

  /** Two revisions, which differ in object 7, and a third whose trailer has these entries. */
  function threeRevisions(entries: (first: number, second: number) => string): Uint8Array {
    const writer = new Writer();
    const section = (nums: readonly number[], rest: string) => {
      const at = writer.text.length;
      const rows = nums.map((num) => `${num} 1\n${tenDigits(writer.offsets.get(num) ?? 0)} 00000 n \n`).join('');
      writer.text += `xref\n0 1\n0000000000 65535 f \n${rows}trailer\n<<${rest}/Root 1 0 R>>\nstartxref\n${at}\n%%EOF\n`;
      return at;
    };
    writer.put(1, '<</Type/Catalog/Pages 2 0 R>>');
    writer.put(2, '<</Type/Pages/Kids[3 0 R]/Count 1>>');
    writer.put(3, '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources 7 0 R/Contents 4 0 R>>');
    writer.put(4, stream('/X Do'));
    writer.put(7, resources(8));
    writer.put(8, stream('0 0 9 9 re f', FORM));
    writer.put(9, stream('0 0 9 9 re f', FORM));
    const first = section([1, 2, 3, 4, 7, 8, 9], '/Size 20');
    writer.put(7, resources(9));
    const second = section([7], `/Size 20/Prev ${first}`);
    section([1], entries(first, second));
    return writer.bytes();
  }

  test.each([
    ['in order', (_first: number, second: number) => `/Size 20/Prev ${second}`, genuine],
    ['two ways back', (first: number, second: number) => `/Size 20/Prev ${first}/Prev ${second}`, altered],
    ['a way back that some read as another', (first: number, second: number) => `/Size 20/Prev ${second}/Prev#00 ${first}`, altered],
    ['a way back with a sign', (_first: number, second: number) => `/Size 20/Prev +${second}`, altered],
    ['a size that stands elsewhere', (_first: number, second: number) => `/Size 10 0 R/Prev ${second}`, altered],
  ])('%s: what some readers alone show may not change', async (_name, entries, expected) => {
    const sealed = await seal(threeRevisions(entries));
    expect(check(sealed)).toMatchObject(genuine);
    expect(check(appendUpdate(sealed, { objects: { 8: stream(RED, FORM) } }))).toMatchObject(expected);
  });
});

test('a table that lists an object twice, of which PDFium takes the last: altered by any update', async () => {
  const plain = Buffer.from(handMadePdf()).toString('latin1');
  const again = plain.replace('trailer', `5 1\n${tenDigits(plain.indexOf('4 0 obj'))} 00000 n \ntrailer`);
  const sealed = await seal(Buffer.from(again, 'latin1'));
  expect(check(sealed)).toMatchObject(genuine);
  expect(check(appendUpdate(sealed, { objects: { 60: '0' } }))).toMatchObject(altered);
});
