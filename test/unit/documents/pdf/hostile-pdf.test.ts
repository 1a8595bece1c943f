import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { appendUpdate, buildPdf, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { check, sealedOnce } from './sealed-pdf.ts';

const one = await sealedOnce();
const text = (body: string) => Buffer.from(body, 'latin1');
const withTail = (body: string) => text(`%PDF-1.7\n${body}`);
const MB = 1024 * 1024;

/** An uncompressed cross-reference stream at the start of the file, with these keys and this data. */
function streamFile(keys: string, data: Uint8Array, more = ''): Uint8Array {
  const head = `%PDF-1.7\n`;
  const object = `1 0 obj\n<</Type/XRef/Root 2 0 R${keys}/Length ${data.length}>>\nstream\n`;
  return Buffer.concat([text(head + object), data, text(`\nendstream\nendobj\n${more}startxref\n${head.length}\n%%EOF\n`)]);
}

function repeated(piece: string, bytes: number): string {
  return piece.repeat(Math.ceil(bytes / piece.length));
}

const cases: [string, () => Uint8Array][] = [
  ['nothing', () => new Uint8Array()],
  ['a header alone', () => withTail('')],
  ['a text', () => text('hello')],
  ['a hundred megabytes of zeros with a header', () => Buffer.concat([withTail(''), new Uint8Array(100 * MB)])],
  ['a sealed file cut in the middle', () => one.subarray(0, one.length >> 1)],
  ['a sealed file cut in its last line', () => one.subarray(0, one.length - 4)],
  [
    'a table that leads to itself',
    () => {
      const body = 'xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 1/Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF\n';
      return withTail(body);
    },
  ],
  [
    'a page tree that leads to itself',
    () => buildPdf(['<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[2 0 R]>>>>', '<</Type/Pages/Kids[2 0 R]/Count 1>>']),
  ],
  ['references in a circle', () => buildPdf(['<</Type/Catalog/Pages 2 0 R/AcroForm 3 0 R>>', '<</Kids[]>>', '4 0 R', '3 0 R'])],
  [
    'a stream whose length is itself',
    () => buildPdf(['<</Type/Catalog/Pages 2 0 R/AcroForm 3 0 R>>', '<</Kids[]>>', '<</Length 3 0 R>>\nstream\nx\nendstream']),
  ],
  ['brackets a million deep', () => buildPdf([`<</Type/Catalog/Pages 2 0 R/AcroForm ${'['.repeat(1_000_000)}>>`])],
  ['dictionaries fifty thousand deep', () => buildPdf([`<</Type/Catalog/Pages 2 0 R/AcroForm ${'<</A'.repeat(50_000)}>>`])],
  ['an array of ten million numbers', () => buildPdf([`<</Type/Catalog/Pages 2 0 R/AcroForm[${repeated('0 ', 20 * MB)}]>>`])],
  [
    'a string of fifty megabytes',
    () => buildPdf([`<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/X(${repeated('\\051a', 50 * MB)})>>>>`]),
  ],
  [
    'a table that claims a hundred million objects',
    () => withTail('xref\n0 100000000\n0000000000 65535 f \ntrailer\n<<>>\nstartxref\n9\n%%EOF\n'),
  ],
  ['a cross-reference stream of no width', () => streamFile('/W[0 0 0]/Size 100000000', new Uint8Array(10))],
  [
    'a cross-reference stream that inflates without end',
    () => streamFile('/W[1 4 2]/Size 100/Filter/FlateDecode', deflateSync(new Uint8Array(200 * MB))),
  ],
  ['filters upon filters', () => streamFile(`/W[1 4 2]/Size 100/Filter[${'/FlateDecode'.repeat(100)}]`, deflateSync(new Uint8Array(10)))],
  [
    'a predictor of a million columns',
    () =>
      streamFile(
        '/W[1 4 2]/Size 100/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 1000000/Colors 32>>',
        deflateSync(new Uint8Array(10)),
      ),
  ],
  ['a million start marks', () => Buffer.concat([one, text(repeated('startxref\n9\n%%EOF\n', 20 * MB))])],
  ['a million start marks without a number', () => Buffer.concat([one, text(repeated('startxref ', 10 * MB))])],
  [
    'a million ByteRange marks',
    () => Buffer.concat([handMadePdf().subarray(0, 20), text(repeated('/ByteRange ', 20 * MB)), handMadePdf().subarray(20)]),
  ],
  ['a hundred thousand comments behind the seal', () => Buffer.concat([one, text(repeated('%x\n', 3 * MB))])],
  ['a million opened streams behind the seal', () => Buffer.concat([one, text(repeated('1 0 obj<<>>stream ', 10 * MB))])],
  [
    'a hundred thousand objects that overlap',
    () => {
      const count = 100_000;
      const body = text(`1 0 obj\n[${repeated('1 0 obj [', MB)}`);
      const data = Buffer.alloc(count * 7);
      for (let i = 0; i < count; i++) data.set([1, 0, 0, (i >> 8) & 0xff, i & 0xff, 0, 0], i * 7);
      return Buffer.concat([streamFile(`/W[1 4 2]/Size ${count}`, data), body]);
    },
  ],
  [
    'sixty revisions',
    () => {
      let pdf: Uint8Array = one;
      for (let i = 0; i < 60; i++) pdf = appendUpdate(pdf, { objects: { 20: `(${i})` } });
      return pdf;
    },
  ],
];

const WATCHDOG_MS = 30_000;

describe('hostile files are answered, at a bounded cost', () => {
  test.each(cases)('%s', (_name, make) => {
    const bytes = make();
    const started = performance.now();
    const report = check(bytes);
    const spent = performance.now() - started;
    if (_name !== 'sixty revisions') expect(report.verdict).not.toBe('genuine');
    // The limits on objects, bytes and steps decide; this only tells of one that is missing.
    expect(spent).toBeLessThan(WATCHDOG_MS);
  });
});

test('a file larger than the limit is refused unread', () => {
  expect(check(one, { limits: { maxFileBytes: 1000 } })).toMatchObject({ verdict: 'malformed', reasons: ['file-too-large'] });
});
