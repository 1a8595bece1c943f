/** The OFD and the PDF of one licence recognise each other; anything else is told apart, or not vouched for. */
import { describe, expect, test } from 'vitest';
import { sealOfd } from '#documents/ofd/seal-ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { compareLicences } from '#documents/same-licence.ts';
import type { Verification, VerifyOptions } from '#documents/verdict.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { sampleLicence } from '#test/fakes/sample-licence.ts';
import { PROVIDER, SealingTown, SIGNED_AT } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();
const pdfTown = new DocumentAuthority({ suite: 'es256' });
const slug = 'business-licence';
const type = listLicenceTypes().find((candidate) => candidate.slug === slug);
if (!type) throw new Error('no such type');
const licence = sampleLicence(slug);
const anchors = [town.authority.root.certificate, pdfTown.root.certificate];
const options: VerifyOptions = { ...town.options, anchors, officialAnchors: anchors };

function written(data = licence) {
  if (!type) throw new Error('no such type');
  return licenceDocument(type, data, { createdAt: SIGNED_AT });
}

async function asOfd(data = licence): Promise<Uint8Array> {
  const { layouts, metadata } = written(data);
  return sealOfd(renderOfd(layouts, metadata), {
    seal: await town.seal(),
    signerCertificate: town.signer.certificate.der,
    signedAt: SIGNED_AT,
    stamps: [{ pageIndex: 0, xMm: 140, yMm: 220, widthMm: 42, heightMm: 42 }],
    provider: PROVIDER,
    sign: town.signer.sign,
  });
}

async function asPdf(data = licence, profile: 'document-signer' | 'person' = 'document-signer'): Promise<Uint8Array> {
  const { layouts, metadata } = written(data);
  const signer = pdfTown.issue(profile, { commonName: '测试签署者' });
  return signPdf(renderPdf(layouts, metadata), {
    certificates: [signer.certificate.der, pdfTown.root.certificate.der],
    suite: 'es256',
    signedAt: SIGNED_AT,
    fieldName: 'Seal1',
    sign: signer.sign,
  });
}

const judge = (bytes: Uint8Array): Verification => verifyDocument(bytes, 'licence', options);

describe('two files', () => {
  test('of one licence, one OFD and one PDF, are the same licence', async () => {
    const both = [judge(await asOfd()), judge(await asPdf())];
    expect(both.map(({ report }) => report.verdict)).toEqual(['genuine', 'genuine']);
    expect(compareLicences(both)).toEqual({ verdict: 'same', reasons: [] });
  });

  test('with other identifiers are different licences', async () => {
    const other = { ...licence, identifier: `${licence.identifier.slice(0, -1)}${licence.identifier.endsWith('A') ? 'B' : 'A'}` };
    expect(compareLicences([judge(await asOfd()), judge(await asPdf(other))])).toEqual({
      verdict: 'different',
      reasons: ['other-licence'],
    });
  });

  test('of one identifier and other data are told apart', async () => {
    const changed = { ...licence, holder: { ...licence.holder, name: '另一家示范有限公司' } };
    expect(compareLicences([judge(await asOfd()), judge(await asPdf(changed))])).toEqual({ verdict: 'different', reasons: ['other-data'] });
  });

  test('of which one is not genuine prove nothing', async () => {
    const pdf = await asPdf();
    const at = Buffer.from(pdf).indexOf('/MediaBox');
    pdf[at + 1] = 0x4e;
    const { verdict, reasons } = compareLicences([judge(await asOfd()), judge(pdf)]);
    expect(verdict).toBe('not-proven');
    expect(reasons).toContain('file-not-genuine');
  });

  test('of which one was signed by a citizen prove nothing, whatever it says', async () => {
    const { verdict, reasons } = compareLicences([judge(await asOfd()), judge(await asPdf(licence, 'person'))]);
    expect(verdict).toBe('not-proven');
    expect(reasons).toContain('file-not-official');
  });

  test('that name no licence prove nothing', async () => {
    const plain = judge(await town.sealed());
    const { verdict, reasons } = compareLicences([plain, plain]);
    expect(verdict).toBe('not-proven');
    expect(reasons).toContain('no-licence-data-digest');
  });
});
