/** Files made by other people's software get the verdict their manifest states. Prints the score. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import type { VerifyOptions } from '#documents/verdict.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { parseCertificateFile } from '#pki/certificate.ts';

const FOLDER = new URL('../vectors/ofd/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER));

const rows = read('manifest.tsv')
  .toString('utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t') as [string, string, string]);

/** The generated files were sealed on the morning of that day. */
const options: VerifyOptions = {
  anchors: [parseCertificateFile(read('generated/ca_cert.pem'))],
  at: new Date('2026-11-22T00:00:00Z'),
};

let agreed = 0;
afterAll(() => console.log(`OFD corpus: ${agreed} of ${rows.length} files got the stated verdict`));

test.each(rows)('%s is %s (%s)', (file, expected) => {
  const { report } = verifyDocument(read(file), file, options);
  expect(expected.split('|')).toContain(report.verdict);
  expect(report.format).toBe(file.endsWith('.ofd') ? 'ofd' : 'seal');
  expect(report.official).toBe(false);
  agreed += 1;
});

test('forms and suites of the generated files are recognised', () => {
  const forms = (file: string) => verifyDocument(read(file), file, options).report.signatures.map(({ form, suite }) => `${form} ${suite}`);
  expect(forms('generated/v1.ofd')).toEqual(['ses-v1 sm2-sm3']);
  expect(forms('generated/v4_two_seals_locked_by_sign.ofd')).toEqual(['ses-v4 sm2-sm3', 'ses-v4 sm2-sm3', 'gbt35275 sm2-sm3']);
  expect(forms('generated/seal_v5_ts.esl')).toEqual(['ses-v5 sm2-sm3']);
});

test('signed attributes in an order that is not DER are verified as they stand', () => {
  const { report } = verifyDocument(read('signed/ofdrw_testImageNotFound.ofd'), 'a.ofd', options);
  for (const { reasons } of report.signatures) {
    expect(reasons).not.toContain('signature-mismatch');
    expect(reasons).not.toContain('signed-attributes-reordered');
  }
});

test.each(['V4', 'V5'])('a %s signature value of another producer is parsed', (version) => {
  const signature = parseSesSignature(read(`seals/SignedValue${version}.dat`));
  expect(`V${signature.version}`).toBe(version);
  expect(Buffer.from(signature.toSign.dataHash).equals(Buffer.alloc(32))).toBe(true);
});
