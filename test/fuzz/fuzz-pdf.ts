/** Mutates sealed PDFs: none is genuine unless every protected byte is as it was and nothing follows. */

import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, NOW, SIGNED_AT, STAMP, seal, sealedOnce, second } from '#test/unit/documents/pdf/sealed-pdf.ts';
import { type FuzzReport, repeat } from './fuzz-report.ts';
import { mutate } from './mutate-pdf.ts';

/** Every signed range as [start of gap, end of gap, end]. */
function rangesOf(pdf: Uint8Array): [number, number, number][] {
  const text = Buffer.from(pdf).toString('latin1');
  return [...text.matchAll(/\/ByteRange \[0 +(\d+) +(\d+) +(\d+)\]/g)].map(([, a, b, c]) => [Number(a), Number(b), Number(b) + Number(c)]);
}

/**
 * Whether the protected bytes of some revision of `original` stand in the mutant and only blanks follow, or what followed in
 * the original: validation data may be cut off anywhere between two revisions.
 */
export function isUntouched(original: Uint8Array, mutant: Uint8Array): boolean {
  const ranges = rangesOf(original);
  const same = (from: number, to: number) => Buffer.compare(original.subarray(from, to), mutant.subarray(from, to)) === 0;
  return ranges.some(([, , end]) => {
    const covered = ranges.filter(([, , last]) => last <= end);
    const rest = Buffer.from(mutant.subarray(end)).toString('latin1');
    const isCut = mutant.length < original.length && same(end, mutant.length);
    return covered.every(([gap, after, last]) => same(0, gap) && same(after, last)) && (isCut || /^[\0\t\n\f\r ]*$/.test(rest));
  });
}

const crl = authority.crl([], SIGNED_AT, new Date('2026-12-21T00:00:00Z'));
const ownData = validationDataFrom({ anchors: [authority.root.certificate], crls: [crl], now: () => NOW });

export async function fuzzPdf(options: { runs: number; seed: number }): Promise<FuzzReport> {
  const files = [
    await sealedOnce(),
    await sealedOnce({ certification: 1 }),
    await seal(await seal(await samplePdf({ streams: true }), { stamp: STAMP }), { fieldName: 'Seal2' }, second),
  ];
  const archived = { timestamp: timestampAuthority(authority.issue('timestamp'), () => SIGNED_AT), validationData: ownData, archive: true };
  files.push(
    await sealedOnce({ ...archived, certification: 1 }),
    await seal(await samplePdf({ streams: true, pages: 3 }), { stamp: STAMP, ...archived }),
  );
  const trust = { anchors: [authority.root.certificate], at: NOW };
  return repeat(options, (random) => {
    const original = files[random(files.length)] ?? new Uint8Array();
    let mutant = mutate(original, random);
    while (random(3) === 0) mutant = mutate(mutant, random);
    const { verdict } = verifyPdf(mutant, trust).report;
    if (verdict === 'genuine' && !isUntouched(original, mutant)) throw new Error('genuine although its bytes changed');
    return verdict;
  });
}
