import { describe, expect, test } from 'vitest';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { type ExtendPdfInput, extendPdf } from '#documents/pdf/extend-pdf.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { handMadePdf, samplePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, check, NOW, patch, seal, sealedOnce, second } from './sealed-pdf.ts';

const at = (text: string) => new Date(text);
const firstTsa = authority.issue('timestamp', { commonName: '第一时间戳', notAfter: at('2028-01-01T00:00:00Z') });
const secondTsa = authority.issue('timestamp', { commonName: '第二时间戳', notAfter: at('2035-01-01T00:00:00Z') });
const anchors = [authority.root.certificate];
const listOf = (time: Date) => authority.crl([], new Date(time.getTime() - 3_600_000), new Date(time.getTime() + 7 * 86_400_000));

/** Extends as of a time, with that day's list and an authority. */
const extend = (pdf: Uint8Array, now: Date, changes: Partial<ExtendPdfInput> = {}) =>
  extendPdf(pdf, {
    level: 'lta',
    timestamp: timestampAuthority(now < at('2027-06-01T00:00:00Z') ? firstTsa : secondTsa, () => now),
    digest: 'sha256',
    validationData: validationDataFrom({ anchors, crls: [listOf(now)], now: () => now }),
    trust: { anchors, at: now, crls: [listOf(now)] },
    ...changes,
  });

describe('levels', () => {
  test.each([
    ['t', 'pades-t', ['timestamp']],
    ['lt', 'pades-lt', ['timestamp', 'validation-data']],
    ['lta', 'pades-lta', ['validation-data', 'timestamp']],
  ] as const)('%s makes %s of a signature that had nothing', async (level, form, added) => {
    for (const input of [handMadePdf(), await samplePdf({ streams: true })]) {
      const extended = await extend(await seal(input), NOW, { level });
      expect(extended.added).toEqual(added);
      expect(check(extended.pdf)).toMatchObject({ verdict: 'genuine', signatures: [{ form }, { kind: 'timestamp' }] });
    }
  });

  test('two seals are extended together, and each has its entry in the store', async () => {
    const both = await seal(await seal(handMadePdf()), { fieldName: 'Seal2' }, second);
    const { pdf } = await extend(both, NOW);
    expect(check(pdf).signatures.map(({ form }) => form)).toEqual(['pades-lta', 'pades-lta', 'rfc3161']);
    expect(
      Buffer.from(pdf)
        .toString('latin1')
        .match(/\/[0-9A-F]{40} <<\/Cert/g),
    ).toHaveLength(2);
  });

  test('what is there already is not added again', async () => {
    const once = await extend(await seal(handMadePdf()), NOW, { level: 'lt' });
    const again = await extend(once.pdf, NOW, { level: 'lt' });
    expect(again.added).toEqual([]);
    expect(Buffer.compare(again.pdf, once.pdf)).toBe(0);
  });
});

test('renewed before each authority ends, a signature stays TOTAL-PASSED for decades', async () => {
  let { pdf } = await extend(await seal(handMadePdf()), NOW);
  for (const year of [2027, 2034]) pdf = (await extend(pdf, at(`${year}-11-01T00:00:00Z`))).pdf;
  const late = check(pdf, { at: at('2034-12-01T00:00:00Z'), crls: [listOf(at('2034-12-01T00:00:00Z'))], requireRevocation: true });
  expect(late.verdict).toBe('genuine');
  expect(late.signatures.map(({ indication }) => indication)).toEqual(Array(4).fill('TOTAL-PASSED'));
  expect(late.signatures[0]).toMatchObject({ form: 'pades-lta', time: { proven: NOW.toISOString() } });
});

describe('what cannot be extended is refused with the reason', () => {
  const refused = (pdf: Uint8Array, now = NOW, changes: Partial<ExtendPdfInput> = {}) =>
    extend(pdf, now, changes).then(
      () => 'extended',
      (error: { code?: string; detail?: string }) => `${error.code}: ${error.detail}`,
    );

  test('no signature, a changed file, a stranger’s signature', async () => {
    expect(await refused(handMadePdf())).toMatch(/pdf-not-extendable: There is no signature/);
    expect(await refused(patch(await sealedOnce(), '(Sample)', '(Simple)'))).toMatch(/altered/);
    const stranger = new DocumentAuthority({ suite: 'es256', name: '别处' }).issue('document-signer');
    expect(await refused(await seal(handMadePdf(), {}, stranger))).toMatch(/untrusted-signer/);
  });

  test('too late: the certificate ended and no timestamp covered it before', async () => {
    expect(await refused(await seal(handMadePdf()), at('2030-01-01T00:00:00Z'))).toMatch(/too late for signature 1/);
  });

  test('no revocation data to be had', async () => {
    const validationData = validationDataFrom({ anchors, now: () => NOW });
    expect(await refused(await seal(handMadePdf()), NOW, { validationData })).toMatch(/validation-data-missing/);
  });

  test('bytes that are no PDF', async () => {
    expect(await refused(Buffer.from('hello'))).toMatch(/pdf-not-extendable/);
  });
});
