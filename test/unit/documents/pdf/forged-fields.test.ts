/**
 * Signature fields as a disguise: signing again is allowed, so whatever looks like a new signature field is where a forger would
 * hide what a reader draws over the sealed page.
 */
import { describe, expect, test } from 'vitest';
import { appendUpdate, bodyOf, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { check, citizen, OBJECTS, STAMP, seal, sealedOnce, second } from './sealed-pdf.ts';

const one = await sealedOnce();
const with_ = (body: string, list: string, entry: string) =>
  body.replace(new RegExp(`/${list}\\s*\\[[^\\]]*`), (found) => `${found} ${entry}`);
const fields = (entry: string) => with_(bodyOf(one, OBJECTS.form), 'Fields', entry);
const annotations = (entry: string) => with_(bodyOf(one, OBJECTS.page), 'Annots', entry);
const sealField = bodyOf(one, OBJECTS.field);
const DRAWN = '/Type/Annot/Subtype/Widget/F 4/P 3 0 R/AP<</N 22 0 R>>';
const PLACE = '/Rect[50 740 400 800]';
const NOWHERE = '/Rect[0 0 0 0]';
const words = 'BT /F1 24 Tf 10 20 Td (FORGED) Tj ET';
const drawing = `<</Type/XObject/Subtype/Form/BBox[0 0 350 60]/Resources<</Font<</F1 5 0 R>>>>/Length ${words.length}>>\nstream\n${words}\nendstream`;
const root = (body: string, annotated = '20 0 R') => ({
  [OBJECTS.form]: fields('20 0 R'),
  [OBJECTS.page]: annotations(annotated),
  20: body,
});

const forgeries: [string, Record<number, string>][] = [
  ['a named kid that is drawn', { ...root('<</FT/Sig/T(A)/Kids[21 0 R]>>', '21 0 R'), 21: `<<${DRAWN}${PLACE}/T(b)/Parent 20 0 R>>` }],
  ['a nameless kid that is drawn', { ...root('<</FT/Sig/T(A)/Kids[21 0 R]>>', '21 0 R'), 21: `<<${DRAWN}${PLACE}/Parent 20 0 R>>` }],
  ['a kid whose name is no text', { ...root('<</FT/Sig/T(A)/Kids[21 0 R]>>', '21 0 R'), 21: `<<${DRAWN}${PLACE}/T 5/Parent 20 0 R>>` }],
  [
    'a drawn kid of a nameless kid',
    {
      ...root('<</FT/Sig/T(A)/Kids[21 0 R]>>', '23 0 R'),
      21: '<</Parent 20 0 R/Kids[23 0 R]>>',
      23: `<<${DRAWN}${PLACE}/Parent 21 0 R>>`,
    },
  ],
  [
    'a drawn kid beside a widget that is not',
    {
      ...root(`<</FT/Sig/T(A)/Type/Annot/Subtype/Widget${NOWHERE}/Kids[21 0 R]>>`, '20 0 R 21 0 R'),
      21: `<<${DRAWN}${PLACE}/T(b)/Parent 20 0 R>>`,
    },
  ],
  [
    'a text field below a signature field',
    { ...root('<</FT/Sig/T(A)/Kids[21 0 R]>>', '21 0 R'), 21: `<<${DRAWN}${PLACE}/FT/Tx/V(999)/T(b)>>` },
  ],
  [
    'a kid of a field written in place',
    { [OBJECTS.form]: fields('<</FT/Sig/T(A)/Kids[21 0 R]>>'), [OBJECTS.page]: annotations('21 0 R'), 21: `<<${DRAWN}${PLACE}/T(b)>>` },
  ],
  ['a rectangle of three numbers', root(`<</FT/Sig/T(A)${DRAWN}/Rect[50 740 400]>>`)],
  ['a rectangle of six numbers', root(`<</FT/Sig/T(A)${DRAWN}/Rect[0 0 0 0 400 800]>>`)],
  ['a rectangle that is no array', root(`<</FT/Sig/T(A)${DRAWN}/Rect(0 0 400 800)>>`)],
  ['numbers that other readers read as others', root(`<</FT/Sig/T(A)${DRAWN}/Rect[9007199254740993 0 9007199254740992 800]>>`)],
  ['a rectangle whose numbers stand elsewhere', { ...root(`<</FT/Sig/T(A)${DRAWN}/Rect[50 23 0 R 400 800]>>`), 23: '740' }],
  ['no rectangle', root(`<</FT/Sig/T(A)${DRAWN}>>`)],
  ['a rectangle that is null', root(`<</FT/Sig/T(A)${DRAWN}/Rect null>>`)],
  ['a rectangle that leads nowhere', root(`<</FT/Sig/T(A)${DRAWN}/Rect 99 0 R>>`)],
  ['a nameless kid without a rectangle', { ...root('<</FT/Sig/T(A)/Kids[21 0 R]>>', '21 0 R'), 21: `<<${DRAWN}/Parent 20 0 R>>` }],
  ['a parent that is itself, with which MuPDF draws nothing', root(`<</FT/Sig/T(A)${DRAWN}${NOWHERE}/Parent 20 0 R>>`)],
  ['a rectangle without height, which PDFium draws as a line', root(`<</FT/Sig/T(A)${DRAWN}/Rect[50 768 400 768]>>`)],
  ['a rectangle without width', root(`<</FT/Sig/T(A)${DRAWN}/Rect[70 0 70 800]>>`)],
  [
    'an appearance without a box',
    { ...root(`<</FT/Sig/T(A)${DRAWN.replace('22 0 R', '23 0 R')}${NOWHERE}>>`), 23: drawing.replace('/BBox[0 0 350 60]', '') },
  ],
  ['two rectangles', root(`<</FT/Sig/T(A)${DRAWN}${PLACE}${NOWHERE}>>`)],
  ['two types', root(`<</FT/Tx/FT/Sig/V(999)/T(A)${DRAWN}${NOWHERE}>>`)],
  [
    'a window that pops up',
    { ...root(`<</FT/Sig/T(A)${DRAWN}${NOWHERE}/Popup 21 0 R>>`), 21: `<</Subtype/Popup${PLACE}/Contents(FORGED)>>` },
  ],
  [
    'a highlight, which is drawn by its corners and not by its rectangle',
    root(`<</FT/Sig/T(A)/Type/Annot/Subtype/Highlight${NOWHERE}/QuadPoints[50 800 400 800 50 740 400 740]/C[0 0 0]>>`),
  ],
  [
    'a kid of the seal’s own field',
    {
      [OBJECTS.field]: sealField.replace('/FT', '/Kids[21 0 R]/FT'),
      [OBJECTS.page]: annotations('21 0 R'),
      21: `<<${DRAWN}${PLACE}/T(k)/Parent 7 0 R>>`,
    },
  ],
];

describe('a new signature field that draws something over a sealed page', () => {
  test.each(forgeries)('%s: neither genuine nor official', (_name, objects) => {
    const forged = check(appendUpdate(one, { objects: { 22: drawing, ...objects } }));
    expect(['altered', 'partly-covered']).toContain(forged.verdict);
    expect(forged.official).toBe(false);
  });

  test.each(forgeries)('%s: signing it as a citizen does not make it official', async (_name, objects) => {
    const forged = appendUpdate(one, { objects: { 22: drawing, ...objects } });
    const signed = await seal(forged, { fieldName: 'Mine' }, citizen).catch(() => forged);
    expect(check(signed).official).toBe(false);
  });

  test('an empty one that is nowhere does no harm', () => {
    const objects = root(`<</FT/Sig/T(A)/Type/Annot/Subtype/Widget${NOWHERE}/P 3 0 R>>`);
    expect(check(appendUpdate(one, { objects }))).toMatchObject({ verdict: 'genuine', official: true });
  });
});

describe('a field reserved before sealing, as large as the page', () => {
  const reserved = '<</FT/Sig/T(Later)/Type/Annot/Subtype/Widget/F 4/Rect[0 0 595 842]/P 3 0 R>>';
  const catalog = '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>';
  const prepared = appendUpdate(handMadePdf([reserved], '/Annots[6 0 R]'), { objects: { 1: catalog } });

  test('what a citizen draws there takes the official away; what another office draws does not', async () => {
    const sealed = await seal(prepared);
    expect(check(await seal(sealed, { fieldName: 'Later', stamp: STAMP }, citizen))).toMatchObject({ verdict: 'genuine', official: false });
    expect(check(await seal(sealed, { fieldName: 'Later', stamp: STAMP }, second))).toMatchObject({ verdict: 'genuine', official: true });
  });
});

describe('fonts and defaults that come to the form after sealing', () => {
  const catalog = '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>';
  const place = '/Type/Annot/Subtype/Widget/F 4/Rect[50 600 400 640]/P 3 0 R';
  const withField = (field: string) =>
    seal(appendUpdate(handMadePdf([field], '/Annots[6 0 R]'), { objects: { 1: catalog } }), { stamp: STAMP });
  const grown = (pdf: Uint8Array, defaults: string) =>
    appendUpdate(pdf, {
      objects: {
        1: bodyOf(pdf, 1).replace('/Fields', `${defaults}/Fields`),
        30: '<</Type/Font/Subtype/Type1/BaseFont/Symbol>>',
      },
    });

  test.each([
    ['the font a field names', `<</FT/Tx/T(Sum)/V(100)/DA(/F9 24 Tf 0 g)${place}>>`, '/DR<</Font<</F9 30 0 R>>>>'],
    ['size and colour of a field that names none', `<</FT/Tx/T(Sum)/V(100)${place}>>`, '/DA(/Helv 30 Tf 1 1 1 rg)'],
    ['the side on which a text stands', `<</FT/Tx/T(Sum)/V(100)/DA(/F9 24 Tf 0 g)${place}>>`, '/Q 2'],
    ['the font of a free text', `<</Subtype/FreeText/Contents(100)/DA(/F9 24 Tf 0 g)/Rect[50 600 400 640]>>`, '/DR<</Font<</F9 30 0 R>>>>'],
  ])('%s: readers would draw it anew, so it is altered', async (_name, field, defaults) => {
    const sealed = await withField(field);
    expect(check(sealed)).toMatchObject({ verdict: 'genuine', official: true });
    expect(check(grown(sealed, defaults))).toMatchObject({ verdict: 'altered', official: false });
  });

  test.each([
    ['a field that brings its own picture', `<</FT/Tx/T(Sum)/V(100)/DA(/F9 24 Tf 0 g)/AP<</N 5 0 R>>${place}>>`],
    ['an empty field', `<</FT/Tx/T(Sum)/DA(/F9 24 Tf 0 g)${place}>>`],
  ])('%s does not mind them', async (_name, field) => {
    expect(check(grown(await withField(field), '/DR<</Font<</F9 30 0 R>>>>'))).toMatchObject({ verdict: 'genuine', official: true });
  });
});
