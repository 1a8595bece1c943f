import { describe, expect, test } from 'vitest';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { extendPdf } from '#documents/pdf/extend-pdf.ts';
import type { SignPdfInput } from '#documents/pdf/sign-pdf.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { pdfAFaults } from '#test/fakes/pdf-a-rules.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';
import { appendUpdate, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, NOW, SIGNED_AT, STAMP, seal, second } from './sealed-pdf.ts';

const timestamp = timestampAuthority(authority.issue('timestamp'), () => SIGNED_AT);
const crls = [authority.crl([], SIGNED_AT, new Date('2026-12-21T00:00:00Z'))];
const anchors = [authority.root.certificate];
const validationData = validationDataFrom({ anchors, crls, now: () => NOW });

const LEVELS: Record<string, Partial<SignPdfInput>> = {
  'B-B': {},
  'B-T': { timestamp },
  'B-LT': { timestamp, validationData },
  'B-LTA': { timestamp, validationData, archive: true },
};

describe('a licence keeps the rules of PDF/A-2b', () => {
  test.each(listLicenceTypes().map(({ slug }) => slug))('%s: at every level, twice archived, and with a second seal', async (slug) => {
    const { layouts, metadata } = licenceDocument(sampleType(slug), sampleLicence(slug), { createdAt: SIGNED_AT });
    const licence = renderPdf(layouts, metadata);
    expect(pdfAFaults(licence)).toEqual([]);
    for (const changes of Object.values(LEVELS)) {
      expect(pdfAFaults(await seal(licence, { stamp: STAMP, certification: 1, ...changes }))).toEqual([]);
    }
    const place = { ...STAMP, yMm: 90 };
    const reserved = await seal(licence, { stamp: STAMP, certification: 2, reserve: [{ fieldName: 'Seal2', place }], ...LEVELS['B-T'] });
    expect(pdfAFaults(reserved)).toEqual([]);
    const both = await seal(reserved, { fieldName: 'Seal2', stamp: place, ...LEVELS['B-LTA'] }, second);
    const trust = { anchors, crls, at: NOW };
    const twice = await extendPdf(both, { level: 'lta', timestamp, digest: 'sha256', validationData, trust });
    expect(pdfAFaults(twice.pdf)).toEqual([]);
  });
});

/** A hand-made file that keeps the rules, so that each breach shows alone. */
const CLAIM = '<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>';
const BASE = appendUpdate(handMadePdf(), {
  objects: { 1: catalog(''), 20: `<</Type/Metadata/Subtype/XML/Length ${CLAIM.length}>>\nstream\n${CLAIM}\nendstream` },
  trailer: `/Size 21/Root 1 0 R/ID[<00><01>]/Prev ${/startxref\n(\d+)/.exec(Buffer.from(handMadePdf()).toString('latin1'))?.[1]}`,
});
function catalog(more: string): string {
  return `<</Type/Catalog/Pages 2 0 R/Metadata 20 0 R${more}>>`;
}
const page = (annotation: string) => ({
  3: '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[21 0 R]/Contents 4 0 R/Resources<<>>>>',
  21: annotation,
  22: '<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Length 0>>\nstream\n\nendstream',
});
const ID = '/ID[<00><02>]';

describe('and the rules tell what breaks them', () => {
  const broken = (objects: Record<number, string>, id = ID, after = '') => {
    const previous = /startxref\n(\d+)\n%%EOF\n$/.exec(Buffer.from(BASE).toString('latin1'))?.[1];
    return pdfAFaults(appendUpdate(BASE, { objects, trailer: `/Size 30/Root 1 0 R${id}/Prev ${previous}`, after }));
  };
  const STAMPED = '<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 9 9]/AP<</N 22 0 R>>';

  test('nothing, when nothing is broken', () => {
    expect(pdfAFaults(BASE)).toEqual([]);
    expect(broken(page(`${STAMPED}>>`))).toEqual([]);
  });

  test.each([
    ['no /ID', {}, '6.1.3', ''],
    ['another certification key', { 1: catalog('/Perms<</Other 21 0 R>>'), 21: '<<>>' }, '6.1.12', ID],
    ['a movie', page(STAMPED.replace('Stamp', 'Movie')), '6.3.1', ID],
    ['an annotation that is not printed', page(STAMPED.replace('/F 4', '/F 0')), '6.3.2', ID],
    ['a hidden one', page(STAMPED.replace('/F 4', '/F 6')), '6.3.2', ID],
    ['one without an appearance', page(STAMPED.replace('/AP<</N 22 0 R>>', '')), '6.3.3', ID],
    ['one that looks otherwise when touched', page(STAMPED.replace('/N 22 0 R', '/N 22 0 R/D 22 0 R')), '6.3.3', ID],
    ['NeedAppearances', { 1: catalog('/AcroForm<</Fields[]/NeedAppearances true>>') }, '6.4.1', ID],
    [
      'a picture in device colour without an output intent',
      { 23: '<</Subtype/Image/ColorSpace/DeviceRGB/Length 0>>\nstream\n\nendstream' },
      '6.2.4.3',
      ID,
    ],
    ['a stream kept elsewhere', { 23: '<</F(elsewhere)/Length 0>>\nstream\n\nendstream' }, '6.1.7.1', ID],
  ] as const)('%s', (_name, objects, clause, id) => {
    const closed = Object.fromEntries(
      Object.entries(objects).map(([num, body]) => [num, num === '21' && body.includes('/Annot') ? `${body}>>` : body]),
    );
    expect(broken(closed, id)).toEqual([clause]);
  });
});
