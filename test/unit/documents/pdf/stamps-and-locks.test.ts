import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { itemsOf } from '#documents/pdf/form-fields.ts';
import { pagesOf } from '#documents/pdf/pages.ts';
import { openPdf } from '#documents/pdf/pdf-file.ts';
import { nameOf } from '#documents/pdf/pdf-values.ts';
import { appendUpdate, bodyOf, handMadePdf, samplePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, check, NOW, SIGNED_AT, STAMP, seal, second } from './sealed-pdf.ts';

const SEAM = { png: STAMP.png, widthMm: 40, heightMm: 40 };
const timestamp = timestampAuthority(authority.issue('timestamp'), () => SIGNED_AT);
const crls = [authority.crl([], SIGNED_AT, new Date('2026-12-21T00:00:00Z'))];
const validationData = validationDataFrom({ anchors: [authority.root.certificate], crls, now: () => NOW });
const ARCHIVE = { timestamp, validationData, archive: true };

/** Subtype and rectangle of each annotation, by page. */
function annotationsOf(pdf: Uint8Array): { subtype: string; rect: number[] }[][] {
  const view = openPdf(pdf).viewAt(pdf.length);
  return pagesOf(view).map(({ dict }) =>
    itemsOf(view, dict.entries.get('Annots')).map((item) => {
      const annotation = view.dict(item);
      if (!annotation) throw new Error('no annotation');
      const rect = itemsOf(view, annotation.entries.get('Rect')).map((value) => Number(view.resolve(value)));
      return { subtype: nameOf(view.get(annotation, 'Subtype')) ?? '', rect };
    }),
  );
}

describe('a seam seal', () => {
  test('gives each page a strip of the same picture at its right edge, half way down', async () => {
    const pdf = await seal(samplePdf({ pages: 4 }), { seam: SEAM });
    const strips = annotationsOf(pdf).map((annotations) => annotations.filter(({ subtype }) => subtype === 'Stamp'));
    expect(strips.map(({ length }) => length)).toEqual([1, 1, 1, 1]);
    for (const [strip] of strips) {
      expect(strip?.rect[2]).toBeCloseTo(595, 2);
      expect((strip?.rect[2] ?? 0) - (strip?.rect[0] ?? 0)).toBeCloseTo((10 / 25.4) * 72, 2);
      expect(((strip?.rect[1] ?? 0) + (strip?.rect[3] ?? 0)) / 2).toBeCloseTo(421, 1);
    }
    expect(
      Buffer.from(pdf)
        .toString('latin1')
        .match(/\/Subtype\/Image\/Width 32/g),
    ).toHaveLength(2);
    expect(check(pdf)).toMatchObject({ verdict: 'genuine', official: true });
  });

  test.each([
    [20, undefined, [20]],
    [21, undefined, [10, 11]],
    [45, undefined, [15, 15, 15]],
    [5, 2, [2, 3]],
    [3, 2, [3]],
  ])('over %i pages with %s a seal: seals of %j pages, never one alone', async (pages, pagesPerSeal, groups) => {
    const pdf = await seal(samplePdf({ pages }), { seam: { ...SEAM, ...(pagesPerSeal ? { pagesPerSeal } : {}) } });
    const widths = annotationsOf(pdf).map((annotations) => {
      const strip = annotations.find(({ subtype }) => subtype === 'Stamp')?.rect ?? [];
      return Math.round(((40 / 25.4) * 72) / ((strip[2] ?? 0) - (strip[0] ?? 0)));
    });
    expect(widths).toEqual(groups.flatMap((count) => Array(count).fill(count)));
  });

  test('needs two pages, and comes with the first signature only', async () => {
    await expect(seal(handMadePdf(), { seam: SEAM })).rejects.toMatchObject({ code: 'pdf-not-signable' });
    const once = await seal(samplePdf({ pages: 2 }));
    await expect(seal(once, { fieldName: 'Seal2', seam: SEAM })).rejects.toMatchObject({ code: 'pdf-not-signable' });
    await expect(seal(once, { fieldName: 'Seal2', furtherStamps: [STAMP] })).rejects.toMatchObject({ code: 'pdf-not-signable' });
  });

  test('a strip taken off its page leaves the file altered', async () => {
    const pdf = await seal(samplePdf({ pages: 2 }), { seam: SEAM });
    const number = pagesOf(openPdf(pdf).viewAt(pdf.length))[1]?.num ?? 0;
    expect(bodyOf(pdf, number)).toContain('/Annots');
    const forged = appendUpdate(pdf, { objects: { [number]: bodyOf(pdf, number).replace(/\/Annots \[[^\]]*\]/, '') } });
    expect(check(forged).verdict).toBe('altered');
  });
});

test('the same seal on further pages and its own field share one signature', async () => {
  const furtherStamps = [1, 2].map((pageIndex) => ({ ...STAMP, pageIndex }));
  const pdf = await seal(samplePdf({ pages: 3 }), { stamp: STAMP, furtherStamps });
  expect(annotationsOf(pdf).map((annotations) => annotations.map(({ subtype }) => subtype))).toEqual([['Widget'], ['Stamp'], ['Stamp']]);
  expect(check(pdf).signatures).toHaveLength(1);
});

describe('locks of fields', () => {
  const form = appendUpdate(handMadePdf(['<</FT/Tx/T(amount)>>', '<</FT/Tx/T(note)>>']), {
    objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R 7 0 R]>>>>' },
  });
  const filled = (pdf: Uint8Array, num: number) =>
    appendUpdate(pdf, { objects: { [num]: bodyOf(pdf, num).replace('>>', '/V(changed)>>') } });

  test.each([
    [{ action: 'All' } as const, 'altered', 'altered'],
    [{ action: 'Include', fields: ['amount'] } as const, 'altered', 'partly-covered'],
    [{ action: 'Exclude', fields: ['amount'] } as const, 'partly-covered', 'altered'],
  ])('%j written with the seal is a FieldMDP that closes what it names', async (lock, amount, note) => {
    const pdf = await seal(form, { lock });
    expect(Buffer.from(pdf).toString('latin1')).toMatch(/\/Lock \d+ 0 R/);
    expect(check(pdf).verdict).toBe('genuine');
    expect(check(filled(pdf, 6)).verdict).toBe(amount);
    expect(check(filled(pdf, 7)).verdict).toBe(note);
    expect(check(await seal(pdf, { fieldName: 'Seal2' }, second)).verdict).toBe('genuine');
  });

  test('a reserved field keeps its lock for the one who seals there', async () => {
    const reserved = await seal(form, { certification: 2, reserve: [{ fieldName: 'Seal2', place: STAMP, lock: { action: 'All' } }] });
    expect(check(filled(reserved, 6)).verdict).toBe('partly-covered');
    const both = await seal(reserved, { fieldName: 'Seal2', stamp: STAMP }, second);
    expect(check(both).verdict).toBe('genuine');
    expect(check(filled(both, 6)).verdict).toBe('altered');
  });

  test('a lock that names nothing, and a reserved name that is taken, are refused', async () => {
    await expect(seal(form, { lock: { action: 'Include' } })).rejects.toMatchObject({ code: 'pdf-not-signable' });
    await expect(seal(form, { lock: { action: 'All', fields: ['amount'] } })).rejects.toMatchObject({ code: 'pdf-not-signable' });
    await expect(seal(form, { reserve: [{ fieldName: 'amount' }] })).rejects.toMatchObject({ code: 'pdf-not-signable' });
  });
});

describe('certification levels', () => {
  test.each([1, 2, 3] as const)('level %i is written, and archived it stays genuine', async (certification) => {
    const pdf = await seal(handMadePdf(), { stamp: STAMP, certification, ...ARCHIVE });
    expect(Buffer.from(pdf).toString('latin1')).toContain(`/TransformParams/P ${certification}/V/1.2`);
    expect(check(pdf)).toMatchObject({ verdict: 'genuine', signatures: [{ form: 'pades-lta' }, {}] });
  });
});

test('a hybrid file is sealed to B-LTA with plain tables, twice', async () => {
  const hybrid = readFileSync(new URL('../../../vectors/pdf/edge-cases/minimal-hybrid-xref.pdf', import.meta.url));
  const once = await seal(hybrid, { stamp: STAMP, ...ARCHIVE });
  const twice = await seal(once, { fieldName: 'Seal2', ...ARCHIVE }, second);
  expect(check(twice).signatures.map(({ verdict }) => verdict)).toEqual(Array(4).fill('genuine'));
  expect(
    openPdf(twice)
      .viewAt(twice.length)
      .sections.slice(0, 6)
      .map(({ kind }) => kind),
  ).toEqual(Array(6).fill('table'));
});

test('a file whose parts could not be compared with what follows its seal is refused, and no file is given', async () => {
  const circular = readFileSync(new URL('../../../vectors/pdf/edge-cases/circular-page-tree.pdf', import.meta.url));
  await expect(seal(circular)).rejects.toMatchObject({ code: 'pdf-not-signable' });
  const broken = handMadePdf(['<</A [1 2'], '/PieceInfo 6 0 R');
  await expect(seal(broken, ARCHIVE)).rejects.toMatchObject({ code: 'pdf-not-signable' });
});
