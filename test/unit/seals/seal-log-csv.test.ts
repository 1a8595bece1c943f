import { expect, test } from 'vitest';
import { CSV_START, csvRow } from '#seals/seal-log-csv.ts';

test.each([
  ['plain text', '营业执照', '营业执照'],
  ['a formula', '=1+1', "'=1+1"],
  ['a formula behind blanks', '  =1+1', "'  =1+1"],
  ['a command', '@SUM(A1)', "'@SUM(A1)"],
  ['a sign', '-2', "'-2"],
  ['a sign as wide as a Han character', '＝1', "'＝1"],
  ['a comma', 'a,b', '"a,b"'],
  ['a semicolon', 'a;b', '"a;b"'],
  ['a quotation mark', 'a"b', '"a""b"'],
  ['a formula with a comma', '=A(1,2)', `"'=A(1,2)"`],
  ['a tab and a line break', 'a\tb\r\nc', 'a b  c'],
  ['a tab in front of a formula', '\t=1', "' =1"],
  ['nothing', '', ''],
])('%s', (_case, value, written) => {
  expect(csvRow([value, 'x'])).toBe(`${written},x\r\n`);
});

test('the file begins with a byte order mark', () => {
  expect(Buffer.from(CSV_START).toString('hex')).toBe('efbbbf');
});
