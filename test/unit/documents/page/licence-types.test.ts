import { describe, expect, test } from 'vitest';
import { isCitizenNumber, isUscc } from '#documents/page/check-identifier.ts';
import { findLicenceType, listLicenceTypes, parseLicenceType } from '#documents/page/licence-type.ts';
import { maskedFieldsOf } from '#documents/page/mask-field.ts';
import { validateLicenceFields } from '#documents/page/validate-licence-fields.ts';
import { validityOf } from '#documents/page/validity.ts';
import { exampleFields, sampleType } from '#test/fakes/sample-licence.ts';

function problemOf(attempt: () => unknown): { code: string; errors: { pointer: string }[] } {
  try {
    attempt();
  } catch (error) {
    return error as { code: string; errors: { pointer: string }[] };
  }
  throw new Error('nothing was refused');
}

describe('licence types', () => {
  test('three types are installed, each found by slug and by code', () => {
    expect(listLicenceTypes().map((type) => type.slug)).toEqual(['business-licence', 'driving-licence', 'residence-permit']);
    for (const type of listLicenceTypes()) {
      expect(findLicenceType(type.slug)).toBe(type);
      expect(findLicenceType(type.code)).toBe(type);
      expect(isUscc(type.code.slice(0, 18))).toBe(true);
    }
  });

  test('the example of every field passes its own check', () => {
    for (const type of listLicenceTypes()) {
      const fields = exampleFields(type);
      expect(validateLicenceFields(type, fields)).toEqual(fields);
    }
  });

  test.each([
    ['a placeholder of no field', { text: '{nobody}' }, /no field nobody/],
    ['a style that is not there', { style: 'missing' }, /no style missing/],
  ])('a template with %s is refused', (_case, change, message) => {
    const type = structuredClone(sampleType('residence-permit')) as unknown as { pages: { elements: object[] }[] };
    type.pages[0]?.elements.push({ kind: 'text', text: 'x', box: [0, 0, 10, 10], style: 'label', ...change });
    expect(() => parseLicenceType(type)).toThrow(message);
  });

  test('an unknown member of a template is refused', () => {
    expect(() => parseLicenceType({ ...sampleType('residence-permit'), colour: 'red' })).toThrow();
  });
});

describe('fields of a licence', () => {
  const type = sampleType('driving-licence');
  const good = exampleFields(type);

  test('are trimmed, and empty optional ones left out', () => {
    expect(validateLicenceFields(type, { ...good, nationality: ' 中国 ', record: '  ', fileNumber: null })).toMatchObject({
      nationality: '中国',
    });
    expect(validateLicenceFields(type, { ...good, record: '' })).not.toHaveProperty('record');
  });

  test('full-width digits of a date are read as digits', () => {
    expect(validateLicenceFields(type, { ...good, birthDate: '１９８５-12-12' }).birthDate).toBe('1985-12-12');
  });

  test.each([
    ['a required field is missing', { nationality: undefined }, '/nationality'],
    ['a date does not exist', { birthDate: '2023-02-30' }, '/birthDate'],
    ['a choice is none of the list', { sex: 'x' }, '/sex'],
    ['a text is too long', { address: '长'.repeat(81) }, '/address'],
    ['a text has not the expected form', { vehicleClass: 'Z9' }, '/vehicleClass'],
    ['a character is in no font', { address: '\u{E000}路' }, '/address'],
    ['a value is no text', { address: 7 }, '/address'],
    ['the end lies before the beginning', { validTo: '2020-01-01' }, '/validTo'],
    ['a field is unknown', { 'a/b~c': 'x' }, '/a~1b~0c'],
    ['the name of a field is that of a built-in', { constructor: 'x' }, '/constructor'],
  ])('are refused when %s, with a pointer', (_case, change, pointer) => {
    const problem = problemOf(() => validateLicenceFields(type, { ...good, ...change }));
    expect(problem.code).toBe('invalid-input');
    expect(problem.errors).toEqual([
      expect.objectContaining({ pointer, detail: expect.any(String), detailZh: expect.stringMatching(/\p{Script=Han}/u) }),
    ]);
  });

  test('all faults are told at once', () => {
    const pointers = problemOf(() => validateLicenceFields(type, {})).errors.map((error) => error.pointer);
    expect(pointers).toEqual(type.fields.filter((field) => field.required).map((field) => `/${field.key}`));
  });

  test.each([null, [], 'text', 4])('%j in place of an object is refused', (input) => {
    expect(problemOf(() => validateLicenceFields(type, input)).errors[0]?.pointer).toBe('');
  });

  test('masked on the public page: addresses and birth dates lose what identifies', () => {
    const shown = Object.fromEntries(maskedFieldsOf(type, good).map((field) => [field.key, field.value]));
    expect(shown).toMatchObject({ birthDate: '1985年**月**日', sex: '男', vehicleClass: 'C1D' });
    expect(shown.address).toBe('通州市***');
  });
});

describe('validity', () => {
  test.each([
    ['2026-11-20', '2027-11-19'],
    ['2024-02-29', '2025-02-28'],
    ['2027-03-01', '2028-02-29'],
  ])('a permit of one year issued on %s is good until %s', (issuedOn, validTo) => {
    expect(validityOf(sampleType('residence-permit'), {}, issuedOn)).toEqual({ validFrom: issuedOn, validTo });
  });

  test('without an end date a licence has no end', () => {
    const fields = { establishedOn: '2019-03-18' };
    expect(validityOf(sampleType('business-licence'), fields, '2026-11-20')).toEqual({ validFrom: '2019-03-18' });
  });
});

describe('numbers', () => {
  test.each([
    ['990101199003070023', true],
    ['990101199003070024', false],
    ['990101199013070023', false],
    ['99010119900307002x', false],
  ])('citizen number %s: %s', (text, expected) => expect(isCitizenNumber(text)).toBe(expected));

  test.each([
    ['11320500014150050B', true],
    ['11370306MB2867521U', true],
    ['11320500014150050C', false],
    ['1132050001415005OB', false],
  ])('unified social credit code %s: %s', (text, expected) => expect(isUscc(text)).toBe(expected));
});
