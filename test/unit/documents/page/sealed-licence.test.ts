/** A licence all the way: laid out, written in both formats, sealed, judged, and drawn with its seal. */
import { describe, expect, test } from 'vitest';
import { pictureOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { type DecodedImage, decodePng } from '#documents/page/decode-png.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { pictureOfPdfPage } from '#documents/pdf/picture-of-pdf.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { drawSealPicture } from '#seals/draw-seal-picture.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { sampleLicence } from '#test/fakes/sample-licence.ts';
import { SealingTown } from '#test/fakes/sample-ofd.ts';

const DPI = 100;

/** Whether the pixel at a place in millimetres is clearly red. */
function isRedAt({ width, rgb }: DecodedImage, xMm: number, yMm: number): boolean {
  const at = (Math.round((yMm / 25.4) * DPI) * width + Math.round((xMm / 25.4) * DPI)) * 3;
  return (rgb[at] ?? 0) > 200 && (rgb[at + 1] ?? 255) < 60 && (rgb[at + 2] ?? 255) < 60;
}

const slugs = listLicenceTypes().map((type) => type.slug);

describe.each(slugs)('a sealed %s', async (slug) => {
  const type = listLicenceTypes().find((candidate) => candidate.slug === slug);
  if (!type) throw new Error('no such type');
  const data = sampleLicence(slug);
  const { layouts, metadata, seal } = licenceDocument(type, data, { createdAt: new Date('2026-11-20T07:59:00Z') });
  const picture = await drawSealPicture({ organisationName: data.issuer.name, kind: 'special', bottomText: '电子证照专用章' });
  const starMm = [seal.xMm + seal.widthMm / 2, seal.yMm + seal.heightMm / 2] as const;

  test('is genuine as OFD, names its licence, and shows the seal where the type wants it', async () => {
    const town = new SealingTown();
    const sealData = await town.seal({ picture: { type: 'PNG', data: picture.png, widthMm: picture.widthMm, heightMm: picture.heightMm } });
    const ofd = await town.sealed(renderOfd(layouts, metadata), { seal: sealData, stamps: [seal] });
    const { report, licenceIdentifier } = verifyOfd(ofd, town.options);
    expect(report.verdict, report.reasons.join(' ')).toBe('genuine');
    expect(report.signatures[0]?.coverage).toBe('whole-file');
    expect(licenceIdentifier).toBe(data.identifier);
    const image = decodePng(await pictureOfOfdPage(ofd, seal.pageIndex, DPI));
    expect(isRedAt(image, ...starMm)).toBe(true);
    expect(isRedAt(decodePng(await pictureOfOfdPage(renderOfd(layouts, metadata), seal.pageIndex, DPI)), ...starMm)).toBe(false);
  });

  test('is genuine as PDF, names its licence, and shows the seal where the type wants it', async () => {
    const authority = new DocumentAuthority({ suite: 'es256' });
    const signer = authority.issue('document-signer', { commonName: data.issuer.name });
    const signedAt = new Date('2026-11-20T08:00:00Z');
    const pdf = await signPdf(renderPdf(layouts, metadata), {
      certificates: [signer.certificate.der, authority.root.certificate.der],
      suite: 'es256',
      signedAt,
      fieldName: 'Seal1',
      stamp: { ...seal, png: picture.png },
      sign: signer.sign,
    });
    const root = authority.root.certificate;
    const crl = authority.crl([], new Date('2026-11-20T00:00:00Z'), new Date('2026-11-28T00:00:00Z'));
    const { report, licenceIdentifier } = verifyPdf(pdf, {
      anchors: [root],
      officialAnchors: [root],
      crls: [crl],
      at: new Date('2026-11-21T08:00:00Z'),
    });
    expect(report.verdict, report.reasons.join(' ')).toBe('genuine');
    expect(licenceIdentifier).toBe(data.identifier);
    expect(isRedAt(decodePng(await pictureOfPdfPage(pdf, seal.pageIndex, DPI)), ...starMm)).toBe(true);
  });
});
