import { createHash, createSign, sign } from 'node:crypto';
import { generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import { sealOfd } from '#documents/ofd/seal-ofd.ts';
import { renderOfd } from '#documents/ofd/write-ofd.ts';
import { licenceDocument } from '#documents/page/licence-document.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { renderPdf } from '#documents/pdf/write-pdf.ts';
import { buildSeal } from '#documents/ses/build-seal.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { drawSealPicture } from '#seals/draw-seal-picture.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { sampleLicence, sampleType } from '#test/fakes/sample-licence.ts';
import { compare, type Row } from './measure.ts';

/** Rendering, sealing and verifying a licence of one page; baselines are the hash of the file's bytes and one raw signature. */
export async function benchSealing(): Promise<Row[]> {
  const at = new Date('2026-11-20T08:00:00Z');
  const licence = licenceDocument(sampleType('residence-permit'), sampleLicence('residence-permit'), { createdAt: at });
  const ofd = renderOfd(licence.layouts, licence.metadata);
  const pdf = renderPdf(licence.layouts, licence.metadata);
  const sm2 = new DocumentAuthority({ suite: 'sm2-sm3' });
  const p256 = new DocumentAuthority({ suite: 'es256' });
  const [maker, sealer, signer] = [sm2.issue('seal-maker'), sm2.issue('seal'), p256.issue('document-signer')];
  const picture = await drawSealPicture({ organisationName: '通州市公安局', kind: 'official' });
  const place = { pageIndex: 0, xMm: 150, yMm: 99.5, widthMm: 40, heightMm: 40 };
  const seal = await buildSeal({
    esId: '99010000000001',
    name: '通州市公安局',
    type: 1,
    makerCertificate: maker.certificate.der,
    signerCertificates: [sealer.certificate.der],
    picture: { type: 'PNG', data: picture.png, widthMm: 40, heightMm: 40 },
    createdAt: new Date('2026-01-01T00:00:00Z'),
    validFrom: new Date('2026-01-01T00:00:00Z'),
    validTo: new Date('2028-01-01T00:00:00Z'),
    vendor: 'Tongren',
    sign: maker.sign,
  });
  const seals = () =>
    sealOfd(ofd, {
      seal,
      signerCertificate: sealer.certificate.der,
      signedAt: at,
      stamps: [place],
      provider: { name: 'Tongren' },
      sign: sealer.sign,
    });
  const signs = () =>
    signPdf(pdf, {
      certificates: [signer.certificate.der, p256.root.certificate.der],
      suite: 'es256',
      signedAt: at,
      fieldName: 'Seal',
      stamp: { ...place, png: picture.png },
      sign: signer.sign,
    });
  const raw = { sm2: importPrivateKey(generateKeyPair('sm2-sm3').pkcs8), p256: importPrivateKey(generateKeyPair('es256').pkcs8) };
  const z = raw.sm2.publicKey.z ?? new Uint8Array();
  const bareOfd = () => createSign('sm3').update(z).update(createHash('sm3').update(ofd).digest()).sign(raw.sm2.key);
  const barePdf = () => sign('sha256', createHash('sha256').update(pdf).digest(), raw.p256.key);
  const [sealedOfd, sealedPdf] = [await seals(), await signs()];
  const options = { anchors: [sm2.root.certificate, p256.root.certificate], at };
  const size = (bytes: Uint8Array) => `${Math.round(bytes.length / 1024)} KiB`;
  return [
    await compare(`OFD: e-seal on one page, ${size(ofd)}`, seals, { name: 'SM3 of the file + one SM2 signature', work: bareOfd }),
    await compare(`PDF: PAdES B-B on one page, ${size(pdf)}`, signs, { name: 'SHA-256 of the file + one P-256 signature', work: barePdf }),
    await compare('OFD: verify', () => verifyDocument(sealedOfd, 'licence.ofd', options), {
      name: 'SM3 of the file + one SM2 signature',
      work: bareOfd,
    }),
    await compare('PDF: verify', () => verifyDocument(sealedPdf, 'licence.pdf', options), {
      name: 'SHA-256 of the file + one P-256 signature',
      work: barePdf,
    }),
    await compare('OFD: render one page', () => renderOfd(licence.layouts, licence.metadata), {
      name: 'SM3 of the file + one SM2 signature',
      work: bareOfd,
    }),
    await compare('PDF: render one page', () => renderPdf(licence.layouts, licence.metadata), {
      name: 'SHA-256 of the file + one P-256 signature',
      work: barePdf,
    }),
  ];
}
