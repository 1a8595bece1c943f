import { describe, expect, test } from 'vitest';
import { addDocumentTimestamp } from '#documents/pdf/add-validation-data.ts';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { RevisedFile } from '#documents/pdf/revised-file.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { appendUpdate, bodyOf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, check, NOW, OBJECTS, patch, SIGNED_AT, sealedOnce, sealer } from './sealed-pdf.ts';

const timestamp = timestampAuthority(authority.issue('timestamp'), () => SIGNED_AT);
const crls = [authority.crl([], SIGNED_AT, new Date('2026-12-21T00:00:00Z'))];
const validationData = validationDataFrom({ anchors: [authority.root.certificate], crls, now: () => NOW });
const archived = await sealedOnce({ timestamp, validationData, archive: true });
const stored = await sealedOnce({ timestamp, validationData });
const numberOf = (pdf: Uint8Array, key: string) => Number(new RegExp(`/${key} (\\d+) 0 R`).exec(Buffer.from(pdf).toString('latin1'))?.[1]);
const rewritten = (pdf: Uint8Array, num: number, from: string | RegExp, to: string) =>
  appendUpdate(pdf, { objects: { [num]: bodyOf(pdf, num).replace(from, to) } });

test('an archived file is genuine before anything is done to it', () => {
  expect(check(archived)).toMatchObject({ verdict: 'genuine', official: true, signatures: [{ form: 'pades-lta' }, {}] });
});

describe('after an archive timestamp', () => {
  const page = (pdf: Uint8Array, annotations: string) => rewritten(pdf, OBJECTS.page, /\/Annots \[[^\]]*\]/, `/Annots [${annotations}]`);

  test.each([
    ['a page replaced', (pdf: Uint8Array) => rewritten(pdf, OBJECTS.content, '(Sample)', '(Forged)'), 'altered'],
    ['the seal’s picture replaced', (pdf: Uint8Array) => rewritten(pdf, OBJECTS.appearance, '/Seal Do', '/None Do'), 'altered'],
    [
      'an action when the file is opened',
      (pdf: Uint8Array) => rewritten(pdf, OBJECTS.catalog, '/Pages', '/OpenAction 3 0 R/Pages'),
      'altered',
    ],
    ['the seal taken off the page', (pdf: Uint8Array) => page(pdf, ''), 'altered'],
    ['the store taken out', (pdf: Uint8Array) => rewritten(pdf, OBJECTS.catalog, /\/DSS \d+ 0 R/, ''), 'altered'],
    ['a store with other data', (pdf: Uint8Array) => rewritten(pdf, numberOf(pdf, 'DSS'), /\/CRLs \[[^\]]*\]/, '/CRLs []'), 'genuine'],
    ['bytes behind the last end mark', (pdf: Uint8Array) => Buffer.concat([pdf, Buffer.from('1 0 obj\n<<>>\nendobj\n')]), 'altered'],
  ] as const)('%s', (_name, forge, verdict) => {
    expect(check(forge(archived)).verdict).toBe(verdict);
  });

  test('the timestamp’s field taken out of the form is a signature removed', () => {
    const form = OBJECTS.form;
    const forged = rewritten(archived, form, /\/Fields ?\[([^\]]*?) \d+ 0 R\]/, '/Fields[$1]');
    expect(check(forged).verdict).toBe('altered');
  });
});

describe('timestamps that are not what they seem', () => {
  test('one cut out of another file proves nothing, and the file is altered', async () => {
    const other = await sealedOnce({ fieldName: 'Other', timestamp, validationData, archive: true });
    const contents = (pdf: Uint8Array) =>
      [
        ...Buffer.from(pdf)
          .toString('latin1')
          .matchAll(/\/Contents <([0-9A-F]+)>/g),
      ].at(-1)?.[1] ?? '';
    const forged = patch(
      archived,
      contents(archived),
      contents(other).slice(0, contents(archived).length).padEnd(contents(archived).length, '0'),
    );
    const report = check(forged);
    expect(report.verdict).not.toBe('genuine');
    expect(report.signatures[0]?.form).toBe('pades-lt');
    expect(report.signatures[1]).toMatchObject({ indication: 'TOTAL-FAILED', time: { proven: null } });
  });

  test('one signed by a certificate for documents and not for time is refused', async () => {
    const file = new RevisedFile(stored);
    await addDocumentTimestamp(
      file,
      timestampAuthority(sealer, () => SIGNED_AT),
      'sha256',
    );
    const report = check(file.bytes);
    expect(report.verdict).toBe('not-valid');
    expect(report.signatures[1]?.reasons).toContain('timestamp-wrong-purpose');
  });

  test('a flipped byte of the store is seen by the timestamp over it, and the seal stands on its own', () => {
    const at = Buffer.from(archived).indexOf('/VRI') + 10;
    const forged = Uint8Array.from(archived);
    forged[at] = (forged[at] ?? 0) ^ 1;
    const report = check(forged);
    expect(report.verdict).toBe('altered');
    expect(report.signatures.map(({ verdict }) => verdict)).toEqual(['genuine', 'altered']);
  });

  test('a revocation that an earlier revision knew is not forgotten when a later one leaves it out', async () => {
    const revoking = authority.crl(
      [{ serialHex: sealer.certificate.serialHex, revokedAt: new Date('2026-11-20T00:00:00Z') }],
      SIGNED_AT,
      new Date('2026-12-21T00:00:00Z'),
    );
    const data = { certificates: [], crls: [revoking.der], ocspResponses: [] };
    const pdf = await sealedOnce({ timestamp, validationData: async () => data, archive: true });
    expect(check(pdf).signatures[0]?.verdict).toBe('not-valid');
    const forgetful = rewritten(pdf, numberOf(pdf, 'DSS'), /\/CRLs \[[^\]]*\]/, '/CRLs []');
    expect(check(forgetful).signatures[0]?.verdict).toBe('not-valid');
  });

  test('a list of a stranger in the store revokes nobody and clears nobody', async () => {
    const stranger = new DocumentAuthority({ suite: 'es256' });
    const lists = stranger.crl(
      [{ serialHex: sealer.certificate.serialHex, revokedAt: SIGNED_AT }],
      SIGNED_AT,
      new Date('2026-12-21T00:00:00Z'),
    );
    const data = { certificates: [], crls: [lists.der], ocspResponses: [] };
    const report = check(await sealedOnce({ timestamp, validationData: async () => data }));
    expect(report).toMatchObject({ verdict: 'genuine' });
    expect(report.signatures[0]?.reasons).toContain('revocation-unknown');
  });
});
