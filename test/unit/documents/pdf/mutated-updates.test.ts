import { describe, expect, test } from 'vitest';
import { appendUpdate, bodyOf, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { randomFrom } from '#test/fakes/seeded-random.ts';
import { mutate } from '#test/fuzz/mutate-pdf.ts';
import { check, seal } from './sealed-pdf.ts';

const RUNS = Number(process.env['PDF_MUTANTS'] ?? 1500);
const SEED = Number(process.env['PDF_SEED'] ?? 20261121);

/** Tokens with numbers by their value: what stays the same when only blanks and leading zeros changed. */
function tokensOf(body: string): string {
  const pieces = body
    .replaceAll('\0', ' ')
    .split(/\s+|(?=[[\]<>()/])|(?<=[[\]<>()])/)
    .filter((piece) => piece !== '');
  return pieces.map((piece) => (/^[+-]?[\d.]+$/.test(piece) ? String(Number(piece)) : piece)).join(' ');
}

describe('well-formed updates with damaged objects', () => {
  test('no object that a page shows can say anything else and leave the file genuine', async () => {
    const fields = [
      '<</FT/Tx/T(amount)/V(100)/Type/Annot/Subtype/Widget/Rect[50 500 200 520]/P 3 0 R>>',
      '<</FT/Sig/T(Reserved)/Type/Annot/Subtype/Widget/F 132/Rect[300 300 400 400]/P 3 0 R>>',
      '<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Dest[3 0 R/Fit]>>',
    ];
    const catalog = '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R 7 0 R]>>>>';
    const sealed = await seal(appendUpdate(handMadePdf(fields, '/Annots[6 0 R 7 0 R 8 0 R]'), { objects: { 1: catalog } }));
    expect(check(sealed).verdict).toBe('genuine');
    const random = randomFrom(SEED);
    const shown = [2, 3, 4, 5, 6, 7, 8, 10];
    for (let run = 0; run < RUNS; run++) {
      const num = shown[random(shown.length)] as number;
      const body = bodyOf(sealed, num);
      let mutant: Uint8Array = Buffer.from(body, 'latin1');
      for (let times = random(3); times >= 0; times--) mutant = mutate(mutant, random);
      const damaged = Buffer.from(mutant).toString('latin1');
      const { verdict } = check(appendUpdate(sealed, { objects: { [num]: damaged } }));
      if (verdict === 'genuine') expect(tokensOf(damaged), `run ${run}, object ${num}`).toBe(tokensOf(body));
    }
  });
});
