import { describe, expect, test } from 'vitest';
import { isUnchanged, parseHttpDate } from '#web/conditional.ts';

const etag = '"ab,c"';
const lastModified = new Date('2026-06-01T08:00:00.700Z');

describe('what the requester has is still what would be sent', () => {
  test.each([
    ['its tag', { 'if-none-match': '"ab,c"' }, true],
    ['the tag made weak on the way', { 'if-none-match': 'W/"ab,c"' }, true],
    ['a list that has it', { 'if-none-match': '"x", W/"y" ,"ab,c"' }, true],
    ['any version at all', { 'if-none-match': ' * ' }, true],
    ['another tag', { 'if-none-match': '"abc"' }, false],
    ['the tag without its marks', { 'if-none-match': 'ab,c' }, false],
    ['a part of the tag', { 'if-none-match': '"ab", "c"' }, false],
    ['an empty list', { 'if-none-match': '' }, false],
    ['a star in quotes', { 'if-none-match': '"*"' }, false],
    ['the second it was made in', { 'if-modified-since': 'Mon, 01 Jun 2026 08:00:00 GMT' }, true],
    ['a later time', { 'if-modified-since': 'Mon, 01 Jun 2026 08:00:01 GMT' }, true],
    ['an earlier time', { 'if-modified-since': 'Mon, 01 Jun 2026 07:59:59 GMT' }, false],
    ['no time at all', { 'if-modified-since': '2026-06-01T09:00:00Z' }, false],
    [
      'a later time, but another tag, which alone counts',
      { 'if-none-match': '"x"', 'if-modified-since': 'Mon, 01 Jun 2026 09:00:00 GMT' },
      false,
    ],
    ['nothing', {}, false],
  ])('%s', (_what, headers, expected) => {
    expect(isUnchanged(headers, { etag, lastModified })).toBe(expected);
  });

  test('without a time of its own only tags count', () => {
    expect(isUnchanged({ 'if-modified-since': 'Mon, 01 Jun 2026 09:00:00 GMT' }, { etag })).toBe(false);
  });
});

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
  ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
  ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z'],
  ['Monday, 01-Jun-26 08:00:00 GMT', '2026-06-01T08:00:00.000Z'],
  ['Sun, 06 Nov 1994 08:49:37 +0800', undefined],
  ['Sun, 06 Foo 1994 08:49:37 GMT', undefined],
  ['1994-11-06', undefined],
  ['', undefined],
])('the three forms of a date in HTTP: %s', (text, expected) => {
  expect(parseHttpDate(text, new Date('2026-06-01T00:00:00Z'))?.toISOString()).toBe(expected);
});
