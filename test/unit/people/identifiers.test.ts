import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { citizenCheckCharacter, usccCheckCharacter } from '#documents/check-characters.ts';
import { isCitizenNumber, normaliseCitizenNumber, parseCitizenNumber } from '#people/citizen-number.ts';
import { isDivisionCode, isWithinDivision } from '#people/division.ts';
import { isOrganisationCode, organisationCheckCharacter } from '#people/organisation-code.ts';
import { normalisePhone } from '#people/phone.ts';
import { isUscc, normaliseUscc } from '#people/uscc.ts';

const rows = (name: string) =>
  readFileSync(new URL(`../../vectors/ids/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t') as [string, string, string, string, string]);

describe('citizen numbers (GB 11643)', () => {
  test.each(rows('citizen-id-samples.tsv'))('the published sample %s is %s', (value, expected) => {
    expect(isCitizenNumber(value)).toBe(expected !== 'invalid');
    if (expected === 'normalise') expect(normaliseCitizenNumber(value)).toBe(value.toUpperCase());
    if (expected === 'upgrade') expect(normaliseCitizenNumber(value)).toBe('11010519491231002X');
  });

  test.each([
    ['blanks between the groups', ' 110105 19491231 002X ', '11010519491231002X'],
    ['full-width characters of an input method', '１１０１０５１９４９１２３１００２ｘ', '11010519491231002X'],
  ])('%s are forgiven', (_what, typed, number) => {
    expect(normaliseCitizenNumber(typed)).toBe(number);
  });

  const withCheck = (first17: string) => first17 + citizenCheckCharacter(first17);
  test.each([
    ['the 29th of February in a leap year', '11010520000229001', true],
    ['the 29th of February in another year', '11010519000229001', false],
    ['the 31st of April', '11010519900431001', false],
    ['the month 13', '11010519901301001', false],
    ['the day 0', '11010519900100001', false],
    ['a birth before 1800', '11010517991231001', false],
    ['an area that is no province', '00010519900101001', false],
    ['a Hong Kong resident permit', '81000019900101001', true],
    ['a Taiwan resident permit', '83000019900101001', true],
    ['a foreign permanent resident', '91110019900101001', true],
  ])('%s with a right check character is accepted: %s %s', (_what, first17, accepted) => {
    expect(isCitizenNumber(withCheck(first17))).toBe(accepted);
  });

  test('a birth tomorrow in China is refused, today is accepted', () => {
    const at = new Date('2026-06-01T15:59:59Z');
    expect(isCitizenNumber(withCheck('35019920260601001'), at)).toBe(true);
    expect(isCitizenNumber(withCheck('35019920260602001'), at)).toBe(false);
    expect(isCitizenNumber(withCheck('35019920260602001'), new Date('2026-06-01T16:00:00Z'))).toBe(true);
  });

  test('parsing tells area, birth date and sex', () => {
    expect(parseCitizenNumber('11010519491231002x')).toEqual({
      number: '11010519491231002X',
      area: '110105',
      birthDate: '1949-12-31',
      sex: 'female',
    });
    expect(() => parseCitizenNumber('110101197608056896')).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });

  test('any one changed digit and any two swapped neighbours are noticed', () => {
    const number = '11010519491231002X';
    for (let position = 0; position < 17; position++) {
      for (const digit of '0123456789') {
        if (digit !== number[position]) expect(isCitizenNumber(number.slice(0, position) + digit + number.slice(position + 1))).toBe(false);
      }
      const [a, b] = [number[position] as string, number[position + 1] as string];
      if (a !== b) expect(isCitizenNumber(number.slice(0, position) + b + a + number.slice(position + 2))).toBe(false);
    }
  });
});

describe('unified social credit codes (GB 32100)', () => {
  test.each(rows('uscc.tsv'))('the published code %s is %s', (code, expected, check, organisation, organisationCheck) => {
    expect(isUscc(code)).toBe(expected !== 'invalid');
    if (expected === 'normalise') expect(normaliseUscc(code)).toBe(code.toUpperCase());
    if (/^[0-9A-HJ-NPQRTUWXY]{18}$/.test(code)) expect(usccCheckCharacter(code)).toBe(check);
    if (organisationCheck && /^[0-9A-Z]{9}$/.test(organisation)) expect(organisationCheckCharacter(organisation)).toBe(organisationCheck);
  });

  test.each([
    '91350100M000100Y43',
    '91110108551385082Q',
    '914403001922038216',
    '9144030071526726XG',
    '91350900587527783P',
    '91330100799655058B',
  ])('the well-known code %s passes both checks', (code) => {
    expect(normaliseUscc(code.toLowerCase())).toBe(code);
  });

  test('the published invalid twin is refused', () => {
    expect(isUscc('91350100M000100Y4Z')).toBe(false);
  });

  test('the check value 31 is written as 0, and such codes exist and pass', () => {
    const found: string[] = [];
    for (let serial = 0; found.length < 20 && serial < 5000; serial++) {
      const first8 = `MA${String(serial).padStart(6, '0')}`;
      const first17 = `91350100${first8}${organisationCheckCharacter(first8)}`;
      if (usccCheckCharacter(first17) === '0') found.push(`${first17}0`);
    }
    expect(found).toHaveLength(20);
    for (const code of found) expect(isUscc(code), code).toBe(true);
  });

  test.each(['I', 'O', 'S', 'V', 'Z'])('the letter %s is in no code', (letter) => {
    expect(isUscc(`9135010${letter}M000100Y43`)).toBe(false);
  });

  test('a right outer check over a wrong organisation code is refused', () => {
    const first17 = '91350100M000100Y5';
    expect(isUscc(first17 + usccCheckCharacter(first17))).toBe(false);
  });
});

describe('organisation codes, divisions and phones', () => {
  test.each([
    ['700001354', true],
    ['M000100Y4', true],
    ['M000100Y5', false],
    ['70000135-4', false],
    ['70000135', false],
  ])('%s is an organisation code: %s', (code, valid) => {
    expect(isOrganisationCode(code)).toBe(valid);
  });

  test.each([
    ['350100', true],
    ['440113012001', true],
    ['35010', false],
    ['350100012', false],
    ['000100', false],
    ['35010a', false],
  ])('%s is a division code: %s', (code, valid) => {
    expect(isDivisionCode(code)).toBe(valid);
  });

  test('a village lies within its county, city and province, and not within the neighbour', () => {
    for (const outer of ['440113', '440100', '440000', '440113012001', '440113012000'])
      expect(isWithinDivision('440113012001', outer)).toBe(true);
    for (const outer of ['440114', '450000', '440113012002']) expect(isWithinDivision('440113012001', outer)).toBe(false);
  });

  test.each([
    ['13900000001', '+8613900000001'],
    ['+86 139 0000 0001', '+8613900000001'],
    ['0086-139-0000-0001', '+8613900000001'],
    ['１３９０００００００１', '+8613900000001'],
    ['12900000001', undefined],
    ['1390000000', undefined],
    ['+852 5123 4567', undefined],
    ['059187654321', undefined],
    ['', undefined],
  ])('the phone %s becomes %s', (typed, phone) => {
    expect(normalisePhone(typed)).toBe(phone);
  });
});

test('no text whatever makes an identifier throw, and what is accepted is stable', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 80 }), fc.stringMatching(/^[0-9A-ZxX]{15,18}$/)), (text) => {
      for (const normalise of [normaliseCitizenNumber, normaliseUscc, normalisePhone]) {
        const once = normalise(text);
        if (once !== undefined) expect(normalise(once)).toBe(once);
      }
      isDivisionCode(text);
      isOrganisationCode(text);
    }),
    { seed: 20260601, numRuns: 2000 },
  );
});
