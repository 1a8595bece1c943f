import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatIdentifier, parseIdentifier } from '#licences/licence-identifier.ts';

const rows = readFileSync(new URL('../../vectors/ids/elicence-identifiers.tsv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t') as [string, string, string, string]);

describe('published identifiers', () => {
  test.each(rows)('%s is %s', (identifier, expected) => {
    expect(parseIdentifier(identifier) !== undefined).toBe(expected === 'valid');
  });

  test.each(rows.filter(([, expected]) => expected === 'valid'))('%s is what we would write for its parts', (identifier) => {
    const parts = parseIdentifier(identifier);
    expect(parts && formatIdentifier(parts)).toBe(identifier);
  });

  test('all eight are there', () => {
    expect(rows.length).toBe(8);
  });
});

const good = '1.2.156.3005.2.11100000MB0143028R001.11430000006122244L.2026123456789012.001';
const checked = formatIdentifier({
  typeCode: '11100000MB0143028R001',
  issuerCode: '11430000006122244L',
  serial: '2026123456789012',
  version: 1,
});

test('every single wrong character below the root is found', () => {
  expect(checked.startsWith(`${good}.`)).toBe(true);
  const start = '1.2.156.3005.2.'.length;
  for (let at = start; at < checked.length; at++) {
    if (checked[at] === '.') continue;
    for (const character of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
      if (character === checked[at]) continue;
      expect(parseIdentifier(checked.slice(0, at) + character + checked.slice(at + 1))).toBeUndefined();
    }
  }
});

test('small letters and blanks around are forgiven', () => {
  expect(parseIdentifier(` ${checked.toLowerCase()}\n`)).toEqual(parseIdentifier(checked));
});

test.each(['', '1.2.156.3005.2', `${checked}.X`, checked.replace('.001.', '.000.'), 'x'.repeat(1_000), checked.replace('.2026', '..2026')])(
  '"%.30s" is no identifier',
  (text) => {
    expect(parseIdentifier(text)).toBeUndefined();
  },
);

test('issuers may be named by credit code, organisation code or division', () => {
  for (const issuerCode of ['11430000006122244L', '700001354', '340100', '440113012001']) {
    const text = formatIdentifier({ typeCode: '11100000MB0143028R001', issuerCode, serial: '1', version: 12 });
    expect(parseIdentifier(text)).toMatchObject({ issuerCode, version: 12 });
  }
});

test('parts that no identifier can have are refused when writing', () => {
  const parts = { typeCode: '11100000MB0143028R001', issuerCode: '340100', serial: '1', version: 1 };
  expect(() => formatIdentifier({ ...parts, serial: 'a b' })).toThrow(RangeError);
  expect(() => formatIdentifier({ ...parts, version: 1000 })).toThrow(RangeError);
  expect(() => formatIdentifier({ ...parts, issuerCode: '12' })).toThrow(RangeError);
});
