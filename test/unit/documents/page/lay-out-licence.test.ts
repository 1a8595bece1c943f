import { describe, expect, test } from 'vitest';
import { layOutLicence } from '#documents/page/lay-out-licence.ts';
import { type LicenceField, listLicenceTypes } from '#documents/page/licence-type.ts';
import type { PageItem, PageLayout, TextItem } from '#documents/page/page-layout.ts';
import { exampleFields, sampleLicence } from '#test/fakes/sample-licence.ts';

const variants = ['standard', 'large'] as const;
const cases = listLicenceTypes().flatMap((type) => variants.map((variant) => [type.slug, variant, type] as const));

function textsOf(layouts: readonly PageLayout[]): TextItem[] {
  return layouts.flatMap((layout) => [...layout.background, ...layout.items]).filter((item) => item.kind === 'text');
}

/** Hundreds of bars, all of them filled. */
function isCode(item: PageItem | undefined): boolean {
  return item?.kind === 'path' && item.commands.length > 500 && item.fill !== undefined;
}

function boundsOf(item: PageItem | undefined) {
  const points =
    item?.kind === 'path' ? item.commands.flatMap((command) => (command.length === 3 ? [[command[1], command[2]] as const] : [])) : [];
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** As long as the field may be: Chinese text is the widest. */
function longest(field: LicenceField): string {
  return '国'.repeat(field.maxLength);
}

describe.each(cases)('%s (%s)', (_slug, variant, type) => {
  const data = sampleLicence(type.slug);

  test('all text lies on its page', () => {
    for (const layout of layOutLicence(type, data, { variant })) {
      for (const item of textsOf([layout])) {
        const width = item.advancesMm.reduce((sum, advance) => sum + advance, 0);
        expect(item.xMm).toBeGreaterThanOrEqual(0);
        expect(item.xMm + width).toBeLessThanOrEqual(layout.widthMm);
        expect(item.baselineMm).toBeLessThanOrEqual(layout.heightMm);
      }
    }
  });

  test('every value is shown, tagged with its field', () => {
    const shown = new Map<string, string>();
    for (const item of textsOf(layOutLicence(type, data, { variant }))) {
      if (item.field) shown.set(item.field, (shown.get(item.field) ?? '') + item.text);
    }
    expect(shown.get('@holder')).toContain(data.holder.name);
    for (const field of type.fields) {
      const isValidity = type.validity.kind === 'fields' && (type.validity.from === field.key || type.validity.to === field.key);
      const isShownAsValidity = isValidity && !shown.has(field.key);
      if (data.fields[field.key] && !isShownAsValidity) expect(shown.has(field.key), field.key).toBe(true);
    }
  });

  test.each(type.fields.filter((field) => field.kind === 'text' && !field.pattern).map((field) => [field.key, field] as const))(
    'a %s as long as it may be still fits',
    (key, field) => {
      const fields = { ...exampleFields(type), [key]: longest(field) };
      const shown = textsOf(layOutLicence(type, { ...data, fields }, { variant })).filter((item) => item.field === key);
      expect(shown.map((item) => item.text).join('')).toBe(longest(field));
    },
  );

  test.each(['https://id.example/v/8fKq2mV1sX7pQ0tLr5nYwA', `https://id.example/${'v'.repeat(80)}`])(
    'nothing stands in the code or on the four modules around it: %s',
    (verifyAddress) => {
      const [page] = layOutLicence(type, { ...data, verifyAddress }, { variant });
      const items = page?.items ?? [];
      const at = items.findIndex((item, index) => item.kind === 'path' && item.fill === '#ffffff' && isCode(items[index + 1]));
      const [ground, code] = [boundsOf(items[at]), boundsOf(items[at + 1])];
      const quiet = (ground.right - ground.left - (code.right - code.left)) / 2;
      // 33 modules for the shorter address, 41 or more for the longer.
      expect(quiet / (code.right - code.left)).toBeGreaterThan(verifyAddress.length < 60 ? 0.12 : 0.08);
      const near = [...textsOf(page ? [page] : [])].filter((text) => {
        const width = text.advancesMm.reduce((sum, advance) => sum + advance, 0);
        const [top, bottom] = [text.baselineMm - 0.86 * text.sizeMm, text.baselineMm + 0.1 * text.sizeMm];
        return text.xMm < ground.right && text.xMm + width > ground.left && top < ground.bottom && bottom > ground.top;
      });
      expect(near.map(({ text }) => text)).toEqual([]);
      const isInside =
        ground.left >= 0 && ground.top >= 0 && ground.right <= (page?.widthMm ?? 0) && ground.bottom <= (page?.heightMm ?? 0);
      expect(isInside).toBe(true);
    },
  );

  test('names of sixty characters and offices of forty fit', () => {
    const holder = { ...data.holder, name: '国'.repeat(60) };
    const issuer = { ...data.issuer, name: '局'.repeat(40) };
    expect(textsOf(layOutLicence(type, { ...data, holder, issuer }, { variant })).length).toBeGreaterThan(10);
  });

  test('a name beyond reason is refused, not cut', () => {
    const holder = { ...data.holder, name: '国'.repeat(1900) };
    const refused = expect.objectContaining({ code: 'text-does-not-fit', errors: [expect.objectContaining({ pointer: '/holder/name' })] });
    expect(() => layOutLicence(type, { ...data, holder }, { variant })).toThrow(refused);
  });
});

test('what is not given is left out, and a licence without end says so', () => {
  const type = listLicenceTypes().find((candidate) => candidate.slug === 'driving-licence');
  if (!type) throw new Error('no such type');
  const { validTo: _end, ...rest } = sampleLicence('driving-licence');
  const { record: _record, fileNumber: _file, validTo: _to, ...fields } = rest.fields;
  const texts = textsOf(layOutLicence(type, { ...rest, fields }));
  expect(texts.some((item) => item.field === 'record' || item.field === 'fileNumber')).toBe(false);
  expect(texts.some((item) => item.text.endsWith('至 长期'))).toBe(true);
});
