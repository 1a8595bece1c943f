import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArchiveNames } from '#documents/container/archive-names.ts';
import { checkEntryName } from '#documents/container/entry-name.ts';

const given = (...names: string[]) => {
  const archive = new ArchiveNames(['results.csv', 'errors.csv']);
  return names.map((name) => archive.give(name, 'key.pdf'));
};

test.each([
  ['an ordinary name', '张三劳动合同（第二版）.pdf', '张三劳动合同（第二版）.pdf'],
  ['a name with its folder', '子目录/one.pdf', '子目录/one.pdf'],
  ['a way out', '../../etc/passwd', 'etc/passwd'],
  ['a way out in the middle', 'a/../../b.pdf', 'a/b.pdf'],
  ['a way out behind what is not seen', '.\u200b./a.pdf', 'a.pdf'],
  ['a way out with backslashes', '..\\..\\a.pdf', '.._.._a.pdf'],
  ['an absolute path', '/root/a.pdf', 'root/a.pdf'],
  ['a drive', 'C:\\a.pdf', 'C__a.pdf'],
  ['a stream of NTFS', 'a.pdf:hidden', 'a.pdf_hidden'],
  ['a device of Windows', 'folder/CON.pdf', 'folder/_CON.pdf'],
  ['no device of Windows', 'contract.pdf', 'contract.pdf'],
  ['dots and spaces at the end', 'folder. /a.pdf. .', 'folder/a.pdf'],
  ['text turned around', 'a\u202efdp.exe', 'afdp.exe'],
  ['line breaks and null', 'a\r\n\u0000b.pdf', 'ab.pdf'],
  ['half a character', 'a\ud800.pdf', 'a\ufffd.pdf'],
  ['nothing that is left', '/../. /', 'key.pdf'],
  ['nothing', '', 'key.pdf'],
])('%s', (_what, name, expected) => expect(given(name)).toEqual([expected]));

describe('of two that would be one file the later gets a number', () => {
  test.each([
    ['the same name', ['a.pdf', 'a.pdf', 'a.pdf'], ['a.pdf', 'a (2).pdf', 'a (3).pdf']],
    ['capitals', ['A.pdf', 'a.PDF'], ['A.pdf', 'a (2).PDF']],
    ['two ways to write one letter', ['é.pdf', 'e\u0301.pdf'], ['é.pdf', 'é (2).pdf']],
    ['what is replaced', ['a:b.pdf', 'a?b.pdf'], ['a_b.pdf', 'a_b (2).pdf']],
    ['a name with the number already', ['a (2).pdf', 'a.pdf', 'a.pdf'], ['a (2).pdf', 'a.pdf', 'a (3).pdf']],
    ['a file and a folder', ['a', 'a/b.pdf', 'a/c.pdf'], ['a', 'a (2)/b.pdf', 'a (3)/c.pdf']],
    ['a folder and a file', ['a/b.pdf', 'A'], ['a/b.pdf', 'A (2)']],
    ['the names of the archive’s own tables', ['Results.CSV', 'errors.csv'], ['Results (2).CSV', 'errors (2).csv']],
  ])('%s', (_what, names, expected) => expect(given(...names)).toEqual(expected));
});

test('a long name is cut to what file systems take, and keeps its extension', () => {
  const [name = '', other = ''] = given(`${'长'.repeat(196)}.pdf`, `${'长'.repeat(195)}二.pdf`);
  for (const one of [name, other]) {
    expect(Buffer.byteLength(one)).toBeLessThanOrEqual(255);
    expect(one.endsWith('.pdf')).toBe(true);
  }
  expect(other).not.toBe(name);
});

test('whatever the names: no two alike, none that a reader refuses, none a folder of another', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '', 'a', 'A', 'a (2)', 'con', 'errors.csv', '\\', 'C:'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const name = fc.array(part, { maxLength: 5 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 30 }), (names) => {
      const out = given(...names);
      const seen = new Set(out.map((one) => one.normalize('NFC').toLowerCase()));
      expect(seen.size).toBe(out.length);
      for (const one of out) {
        checkEntryName(one);
        expect(one.endsWith('/')).toBe(false);
        for (let at = one.indexOf('/'); at > 0; at = one.indexOf('/', at + 1)) expect(seen.has(one.slice(0, at).toLowerCase())).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});

test('tens of thousands of one name cost one step each', () => {
  const archive = new ArchiveNames();
  const names = new Set<string>();
  // Looking for a free number from the start would be more than a thousand million steps.
  for (let n = 0; n < 50_000; n++) names.add(archive.give('通知.pdf', 'key.pdf'));
  expect(names.size).toBe(50_000);
  expect(names.has('通知 (50000).pdf')).toBe(true);
});
