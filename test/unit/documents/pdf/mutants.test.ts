import { describe, expect, test } from 'vitest';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { handMadePdf, samplePdf } from '#test/fakes/sample-pdf.ts';
import { randomFrom } from '#test/fakes/seeded-random.ts';
import { isUntouched } from '#test/fuzz/fuzz-pdf.ts';
import { mutate } from '#test/fuzz/mutate-pdf.ts';
import { authority, NOW, STAMP, seal, sealedOnce, second } from './sealed-pdf.ts';

const RUNS = Number(process.env['PDF_MUTANTS'] ?? 700);
const SEED = Number(process.env['PDF_SEED'] ?? 20261121);

const inputs: [string, () => Promise<Uint8Array>][] = [
  ['one visible seal', () => sealedOnce()],
  ['a certification', () => sealedOnce({ certification: 1 })],
  [
    'two seals on a file of streams',
    async () => seal(await seal(await samplePdf({ streams: true }), { stamp: STAMP }), { fieldName: 'Seal2' }, second),
  ],
  ['a form inside the file', async () => seal(handMadePdf(['<</FT/Tx/T(a)/V(1)>>'], '/Annots[]'), { stamp: STAMP })],
];

describe.each(inputs)('%s', (_name, make) => {
  test('no mutant is genuine unless every protected byte is as it was', async () => {
    const original = await make();
    const random = randomFrom(SEED);
    const options = { anchors: [authority.root.certificate], at: NOW };
    expect(verifyPdf(original, options).report.verdict).toBe('genuine');
    let slowest = 0;
    for (let run = 0; run < RUNS; run++) {
      let mutant = mutate(original, random);
      while (random(3) === 0) mutant = mutate(mutant, random);
      const started = performance.now();
      const { report } = verifyPdf(mutant, options);
      slowest = Math.max(slowest, performance.now() - started);
      if (report.verdict === 'genuine' && !isUntouched(original, mutant)) {
        throw new Error(
          `mutant ${run} of seed ${SEED} is genuine: ${JSON.stringify(report.signatures.map(({ changesAfter }) => changesAfter))}`,
        );
      }
    }
    expect(slowest).toBeLessThan(2_000);
  });
});
