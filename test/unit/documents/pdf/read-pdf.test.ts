import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeStream } from '#documents/pdf/decode-stream.ts';
import { revisionsOf } from '#documents/pdf/find-signatures.ts';
import { Lexer, spanOf } from '#documents/pdf/lexer.ts';
import { pagesOf } from '#documents/pdf/pages.ts';
import { openPdf } from '#documents/pdf/pdf-file.ts';
import { dateOf, isDict, isStream, type PdfStream, type PdfValue, textOf } from '#documents/pdf/pdf-values.ts';
import { readIndirectObject } from '#documents/pdf/read-object.ts';
import { appendUpdate, handMadePdf, samplePdf } from '#test/fakes/sample-pdf.ts';

const read = (text: string): PdfValue => new Lexer(Buffer.from(text, 'latin1')).readValue();
const bytes = (value: PdfValue) =>
  typeof value === 'object' && value?.kind === 'string' ? Buffer.from(value.bytes).toString('latin1') : undefined;

describe('objects', () => {
  test.each([
    ['(a\\)b(c)d)', 'a)b(c)d'],
    ['(\\101\\12\\0053)', 'A\n\x053'],
    ['(a\\\r\nb\rc)', 'ab\nc'],
    ['(\\n\\r\\t\\b\\f\\\\\\q)', '\n\r\t\b\f\\q'],
    ['<48 65 6C6c6F7>', 'Hellop'],
    ['()', ''],
  ])('the string %j is %j', (text, expected) => {
    expect(bytes(read(text))).toBe(expected);
  });

  test.each([
    ['12', 12],
    ['-.5', -0.5],
    ['+3.', 3],
    ['true', true],
    ['null', null],
  ])('%s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test('names, references, arrays and dictionaries with what stands between them', () => {
    expect(read('/A#20B')).toEqual({ kind: 'name', name: 'A B' });
    expect(read('12 0 R')).toEqual({ kind: 'ref', num: 12, gen: 0 });
    expect(read('[1 2 0 R%comment\n(x)/N]')).toMatchObject({ items: [1, { kind: 'ref', num: 2 }, { kind: 'string' }, { name: 'N' }] });
    const dict = read('<</A 1/B<</C(d)>>/A 2>>');
    expect(isDict(dict) && [...dict.entries.keys()]).toEqual(['A', 'B']);
    expect(isDict(dict) && dict.duplicates).toEqual(['A']);
    expect(isDict(dict) && spanOf(dict, 'B')).toEqual({ start: 8, end: 17 });
  });

  test.each(['', '(open', '<4', '<4G>', '[1 2', '<</A', '<</A 1', '<<1 2>>', '1..2', '--1', 'nulls', 'R', '>>', ']'])(
    '%j is no object',
    (text) => {
      expect(() => read(text)).toThrow();
    },
  );

  test('dates and text strings', () => {
    expect(dateOf(read("(D:20261121110000+08'00')"))?.toISOString()).toBe('2026-11-21T03:00:00.000Z');
    expect(dateOf(read('(D:2026)'))?.toISOString()).toBe('2026-01-01T00:00:00.000Z');
    expect(dateOf(read('(D:20261341)'))).toBeUndefined();
    expect(textOf(read('<FEFF84254E1A>'))).toBe('营业');
  });
});

describe('streams', () => {
  const stream = (keys: string, data: Uint8Array): PdfStream => {
    const body = Buffer.concat([
      Buffer.from(`1 0 obj\n<<${keys}/Length ${data.length}>>stream\n`),
      data,
      Buffer.from('\nendstream endobj'),
    ]);
    const { value } = readIndirectObject(body, 0, body.length, () => undefined);
    if (!isStream(value)) throw new Error('no stream');
    return value;
  };
  const decode = (keys: string, data: Uint8Array, max = 1000) =>
    Buffer.from(decodeStream(stream(keys, data), max, (value) => value ?? null)).toString('latin1');

  test.each([
    ['/Filter/FlateDecode', deflateSync(Buffer.from('hello')), 'hello'],
    ['/Filter[/ASCIIHexDecode/FlateDecode]', Buffer.from(`${deflateSync(Buffer.from('hello')).toString('hex')}>`), 'hello'],
    ['/Filter/ASCII85Decode', Buffer.from('87cURDZ~>'), 'Hello'],
    ['/Filter/RunLengthDecode', Buffer.from([1, 97, 98, 254, 99, 128]), 'abccc'],
    ['/Filter/LZWDecode', Buffer.from([0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01]), '-----A---B'],
    ['/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 2>>', deflateSync(Buffer.from([2, 97, 98, 2, 1, 1])), 'abbc'],
    ['/Filter/FlateDecode/DecodeParms<</Predictor 2/Columns 3>>', deflateSync(Buffer.from([97, 1, 1])), 'abc'],
  ])('%s', (keys, data, expected) => {
    expect(decode(keys, data)).toBe(expected);
  });

  test('output beyond the limit, broken data and filters of pictures are refused', () => {
    expect(() => decode('/Filter/FlateDecode', deflateSync(new Uint8Array(5000)))).toThrow('stream-too-large');
    expect(() => decode('/Filter/FlateDecode', Buffer.from('nonsense'))).toThrow('stream-broken');
    expect(() => decode('/Filter/DCTDecode', Buffer.from('x'))).toThrow('DCTDecode');
  });

  test('a wrong length is mended and told', () => {
    const body = Buffer.from('1 0 obj<</Length 99>>stream\nabc\nendstream endobj');
    const object = readIndirectObject(body, 0, body.length, () => undefined);
    expect(object.irregular).toBe(true);
    expect(isStream(object.value) && Buffer.from(object.value.data).toString()).toBe('abc');
  });
});

describe('revisions', () => {
  test('each revision shows the objects as they were then', () => {
    const first = handMadePdf(['(one)']);
    const second = appendUpdate(first, { objects: { 6: '(two)' } });
    const third = appendUpdate(second, { objects: { 6: '(three)' } });
    const file = openPdf(third);
    const views = revisionsOf(file, file.viewAt(third.length));
    expect(views.map((view) => textOf(view.object(6)?.value))).toEqual(['one', 'two', 'three']);
    expect(textOf(file.viewAt(second.length).object(6)?.value)).toBe('two');
  });

  test('objects in object streams are read, and a plain one of a later revision wins', async () => {
    const pdf = await samplePdf({ streams: true, pages: 3 });
    const file = openPdf(pdf);
    expect(pagesOf(file.viewAt(pdf.length))).toHaveLength(3);
    expect(file.viewAt(pdf.length).sections[0]?.kind).toBe('stream');
  });
});
