import { expect, test } from 'vitest';
import { fuzzCertificates } from '../../fuzz/fuzz-certificates.ts';

test('certificates, requests, lists, OCSP and time-stamp messages with changed elements end in an answer or in a refusal of their own', async () => {
  const report = await fuzzCertificates({ runs: 1_500, seed: 20 });
  expect(report.failures).toEqual([]);
  // Neither are all refused, which would mean that the changes are too coarse, nor all read.
  expect(report.verdicts.read).toBeGreaterThan(100);
  expect(report.verdicts.refused).toBeGreaterThan(100);
});
