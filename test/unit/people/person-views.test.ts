import { describe, expect, test } from 'vitest';
import { assuranceLevelAt, levelOfMethod } from '#people/assurance.ts';
import { maskCitizenNumber, maskName, maskPhone } from '#people/mask.ts';
import { parsePersonName } from '#people/person-name.ts';

describe('masking', () => {
  test.each([
    ['张三', '张*'],
    ['张小三', '张*三'],
    ['欧阳小明', '欧**明'],
    ['阿依古丽·买买提', '阿******提'],
    ['王𬎆', '王*'],
    ['李', '*'],
  ])('the name %s is shown as %s', (name, masked) => {
    expect(maskName(name)).toBe(masked);
  });

  test('a citizen number keeps four characters at each end, a phone three and four', () => {
    expect(maskCitizenNumber('350199199003070226')).toBe('3501**********0226');
    expect(maskPhone('+8613900000001')).toBe('139****0001');
  });
});

describe('names', () => {
  test.each([
    ['  林晓梅 ', '林晓梅'],
    ['阿依古丽•买买提', '阿依古丽·买买提'],
    ['阿依古丽．买买提', '阿依古丽·买买提'],
    ['王𬎆', '王𬎆'],
    ['Anne-Marie  O’Neill', 'Anne-Marie O’Neill'],
    ['王\u{e863}', '王\u{e863}'],
  ])('%s is kept as %s', (typed, name) => {
    expect(parsePersonName(typed)).toBe(name);
  });

  test('compatibility characters stay what they are: another character is another name', () => {
    expect(parsePersonName('凞㈱'.slice(0, 1))).toBe('凞');
    expect(parsePersonName('金\u{2f818}')).not.toContain('\u{f900}');
  });

  test.each(['', '   ', '123', '<script>', '林\u0000', '林\n梅\u202e', '林'.repeat(51), '😀'])('%j is refused', (typed) => {
    expect(() => parsePersonName(typed)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});

describe('assurance', () => {
  const at = new Date('2026-06-01T08:00:00Z');
  test('the highest living evidence counts, and one without end lives', () => {
    expect(assuranceLevelAt([{ level: 1 }, { level: 3 }, { level: 2 }], at)).toBe(3);
    expect(assuranceLevelAt([], at)).toBe(1);
  });
  test.each([
    ['a millisecond before its end', 1, 4],
    ['at its end', 0, 3],
  ])('evidence %s leaves %s ms and level %s', (_when, left, level) => {
    expect(assuranceLevelAt([{ level: 3 }, { level: 4, expiresAt: new Date(at.getTime() + left) }], at)).toBe(level);
  });
  test('each method has its step on the ladder', () => {
    expect((['phone-code', 'self-declared', 'registry-match', 'face', 'counter', 'certificate'] as const).map(levelOfMethod)).toEqual([
      1, 2, 3, 4, 5, 5,
    ]);
  });
});
