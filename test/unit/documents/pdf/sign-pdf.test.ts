import { describe, expect, test } from 'vitest';
import { parseSignedData } from '#crypto/cms.ts';
import { OID } from '#crypto/oids.ts';
import { licenceMetadataOfPdf } from '#documents/pdf/licence-metadata.ts';
import { openPdf } from '#documents/pdf/pdf-file.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { appendUpdate, bodyOf, handMadePdf, samplePdf, samplePng } from '#test/fakes/sample-pdf.ts';
import { authority, check, NOW, SIGNED_AT, STAMP, seal, sealedOnce, sealer, second } from './sealed-pdf.ts';

const contentsOf = (pdf: Uint8Array) => Buffer.from(/\/Contents <([0-9A-F]+)>/.exec(Buffer.from(pdf).toString('latin1'))?.[1] ?? '', 'hex');

describe('what a signature contains', () => {
  test('the original is copied byte by byte and only appended to', async () => {
    const original = handMadePdf();
    const sealed = await seal(original, { stamp: STAMP });
    expect(Buffer.compare(sealed.subarray(0, original.length), original)).toBe(0);
  });

  test('the dictionary is PAdES baseline: claimed time, no certificate, four numbers with room for ten digits', async () => {
    const text = Buffer.from(await sealedOnce({ reason: '营业执照' })).toString('latin1');
    expect(text).toContain('/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached');
    expect(text).toContain("/M(D:20261121030000+00'00')");
    expect(text).toMatch(/\/ByteRange \[0 [ \d]{10} [ \d]{10} [ \d]{10}\]/);
    expect(text).toContain('/Reason<feff84254e1a62677167>');
    expect(text).not.toContain('/Cert');
  });

  test('the CMS has one signer, the chain, ESS signing-certificate-v2 and no signing-time', async () => {
    const chain = [sealer.certificate.der, authority.root.certificate.der];
    const cms = parseSignedData(contentsOf(await sealedOnce({ certificates: chain })));
    expect(cms.signers).toHaveLength(1);
    expect(cms.certificates).toHaveLength(2);
    expect(cms.content).toBeUndefined();
    const attributes = cms.signers[0]?.signedAttributes.map(({ oid }) => oid);
    expect(attributes?.sort()).toEqual([OID.contentType, OID.messageDigest, OID.signingCertificateV2].sort());
  });

  test('the form says that signatures exist and files are only appended to', async () => {
    expect(Buffer.from(await sealedOnce()).toString('latin1')).toContain('/SigFlags 3');
  });

  test('the field is printed, locked and has an appearance even when it cannot be seen', async () => {
    const hidden = Buffer.from(await seal(handMadePdf())).toString('latin1');
    expect(hidden).toMatch(/\/F 132\/Rect\[0 0 0 0\].*\/AP<<\/N \d+ 0 R>>/);
  });

  test('a certification is named by the catalog and carries its level', async () => {
    const text = Buffer.from(await sealedOnce({ certification: 1 })).toString('latin1');
    expect(text).toContain('/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P 1/V/1.2>>');
    expect(text).toMatch(/\/Perms <<\/DocMDP 6 0 R>>/);
  });
});

describe('structures of the input', () => {
  test.each([
    ['a table', false, 'table'],
    ['a cross-reference stream', true, 'stream'],
  ] as const)('after %s the update has the same kind', async (_name, streams, kind) => {
    const sealed = await seal(await samplePdf({ streams, pages: 2 }), { stamp: { ...STAMP, pageIndex: 1 } });
    expect(openPdf(sealed).viewAt(sealed.length).sections[0]?.kind).toBe(kind);
    expect(check(sealed).verdict).toBe('genuine');
  });

  test.each([
    ['no line end after the end mark', handMadePdf().subarray(0, -1)],
    ['annotations in an array of their own', handMadePdf(['[]'], '/Annots 6 0 R')],
    [
      'a form in an object of its own',
      appendUpdate(handMadePdf(), { objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm 20 0 R>>', 20: '<</Fields[]/DA(/Helv 0 Tf)>>' } }),
    ],
    [
      'a form inside the catalog',
      appendUpdate(handMadePdf(), { objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields 20 0 R>>>>', 20: '[]' } }),
    ],
    [
      'a size that is too small',
      appendUpdate(handMadePdf(['(x)']), {
        objects: { 30: '(y)' },
        trailer: `/Size 3/Root 1 0 R/Prev ${/startxref\n(\d+)/.exec(Buffer.from(handMadePdf(['(x)'])).toString('latin1'))?.[1]}`,
      }),
    ],
  ])('%s', async (_name, input) => {
    const once = await seal(input, { stamp: STAMP });
    const twice = await seal(once, { fieldName: 'Seal2', stamp: STAMP }, second);
    expect(check(once).verdict).toBe('genuine');
    expect(check(twice)).toMatchObject({ verdict: 'genuine', signatures: [{ verdict: 'genuine' }, { verdict: 'genuine' }] });
  });

  test('five seals in sequence stay genuine', async () => {
    let pdf: Uint8Array = handMadePdf();
    for (let i = 0; i < 5; i++) pdf = await seal(pdf, { fieldName: `Seal${i}`, stamp: STAMP }, i % 2 ? second : sealer);
    expect(check(pdf).signatures.map(({ verdict }) => verdict)).toEqual(Array(5).fill('genuine'));
  });
});

describe('what cannot be signed is refused before the key is used', () => {
  const refused = async (pdf: Uint8Array, changes: Parameters<typeof seal>[1] = {}) => {
    let used = false;
    const sign = async (bytes: Uint8Array) => {
      used = true;
      return sealer.sign(bytes);
    };
    const code = await seal(pdf, { ...changes, sign }).then(
      () => 'signed',
      (error: { code?: string }) => error.code ?? String(error),
    );
    expect(used).toBe(false);
    return code;
  };
  const encrypted = () => {
    const previous = /startxref\n(\d+)/.exec(Buffer.from(handMadePdf()).toString('latin1'))?.[1];
    return appendUpdate(handMadePdf(), {
      objects: { 9: '<</Filter/Standard>>' },
      trailer: `/Size 10/Root 1 0 R/Encrypt 9 0 R/Prev ${previous}`,
    });
  };

  test.each([
    ['an empty file', () => new Uint8Array(), {}, 'pdf-not-signable'],
    ['a file cut off', () => handMadePdf().subarray(0, 300), {}, 'pdf-not-signable'],
    ['an encrypted file', encrypted, {}, 'pdf-encrypted'],
    ['a page that is not there', () => handMadePdf(), { stamp: { ...STAMP, pageIndex: 5 } }, 'pdf-not-signable'],
    ['a picture that is no PNG', () => handMadePdf(), { stamp: { ...STAMP, png: new Uint8Array(40) } }, 'picture-not-usable'],
  ])('%s', async (_name, input, changes, code) => {
    expect(await refused(input(), changes)).toBe(code);
  });

  test('a field that is signed already, a second certification, and anything after level 1', async () => {
    expect(await refused(await sealedOnce())).toBe('pdf-not-signable');
    expect(await refused(await sealedOnce(), { fieldName: 'Other', certification: 2 })).toBe('pdf-not-signable');
    expect(await refused(await sealedOnce({ certification: 1 }), { fieldName: 'Other' })).toBe('pdf-not-signable');
  });

  test('a key that is not the certificate’s gives no file', async () => {
    await expect(sealedOnce({ sign: second.sign })).rejects.toThrow('not made by the key');
  });
});

describe('reserved fields', () => {
  const field = '<</FT/Sig/T(Seal1)/Type/Annot/Subtype/Widget/F 132/Rect[300 300 400 400]/P 3 0 R/Lock<</Type/SigFieldLock/Action/All>>>>';
  const reserved = appendUpdate(handMadePdf([field], '/Annots[6 0 R]'), {
    objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>' },
  });

  test('an empty field of that name is used, its place kept and its lock repeated', async () => {
    const sealed = await seal(reserved, { stamp: STAMP });
    expect(bodyOf(sealed, 6)).toContain('/Rect [300 300 400 400]');
    expect(Buffer.from(sealed).toString('latin1')).toContain(
      '/TransformMethod/FieldMDP/Data 1 0 R/TransformParams<</Type/TransformParams/V/1.2/Action/All>>',
    );
    expect(check(sealed).verdict).toBe('genuine');
  });
});

describe('SM2', () => {
  const gm = new DocumentAuthority({ suite: 'sm2-sm3' });
  const maker = gm.issue('seal');
  const anchors = [gm.root.certificate];

  test.each([
    ['pkcs7', OID.data],
    ['gm', OID.gmData],
  ] as const)('a seal in the form %s is genuine as adbe.pkcs7.detached', async (form, contentType) => {
    const sealed = await signPdf(handMadePdf(), {
      certificates: [maker.certificate.der],
      suite: 'sm2-sm3',
      signedAt: SIGNED_AT,
      fieldName: 'Seal1',
      form,
      sign: maker.sign,
    });
    expect(Buffer.from(sealed).toString('latin1')).toContain('/SubFilter/adbe.pkcs7.detached');
    expect(parseSignedData(contentsOf(sealed)).contentTypeOid).toBe(contentType);
    const report = verifyPdf(sealed, { anchors, officialAnchors: anchors, at: NOW }).report;
    expect(report).toMatchObject({ verdict: 'genuine', official: true, signatures: [{ form: 'cms', suite: 'sm2-sm3' }] });
  });
});

describe('licence metadata', () => {
  const identifier = '1.2.156.3005.2.11100000MB03271699022.11990100MBTR00016W.990100202600001234.001.X';
  const withInfo = (id: string) =>
    appendUpdate(handMadePdf(), {
      objects: { 20: `<</LicenceIdentifier(${id})>>` },
      trailer: `/Size 21/Root 1 0 R/Info 20 0 R/Prev ${/startxref\n(\d+)/.exec(Buffer.from(handMadePdf()).toString('latin1'))?.[1]}`,
    });

  test('the identifier counts when the seal covers it', async () => {
    const pdf = withInfo(identifier);
    expect(licenceMetadataOfPdf(pdf).identifier).toBe(identifier);
    const options = { anchors: [authority.root.certificate], at: NOW };
    expect(verifyPdf(pdf, options).licenceIdentifier).toBeUndefined();
    expect(verifyPdf(await seal(pdf), options).licenceIdentifier).toBe(identifier);
  });

  test('an identifier put in after the seal neither counts nor leaves the file genuine', async () => {
    const sealed = await seal(withInfo(identifier));
    const previous = /startxref\n(\d+)\n%%EOF\n$/.exec(Buffer.from(sealed).toString('latin1'))?.[1];
    const forged = appendUpdate(sealed, {
      objects: { 20: `<</LicenceIdentifier(${identifier.replace('1234', '9999')})>>` },
      trailer: `/Size 40/Root 1 0 R/Info 20 0 R/Prev ${previous}`,
    });
    const { report, licenceIdentifier } = verifyPdf(forged, { anchors: [authority.root.certificate], at: NOW });
    expect(report.verdict).toBe('partly-covered');
    expect(licenceIdentifier).toBe(identifier);
  });
});

test.each([
  ['grey', 0, 'DeviceGray', false],
  ['colour', 2, 'DeviceRGB', false],
  ['grey with alpha', 4, 'DeviceGray', true],
  ['colour with alpha', 6, 'DeviceRGB', true],
] as const)('a PNG in %s becomes an image with its transparency apart', async (_name, colorType, colorSpace, hasAlpha) => {
  const sealed = await sealedOnce({ stamp: { ...STAMP, png: samplePng(40, colorType) } });
  const text = Buffer.from(sealed).toString('latin1');
  expect(text).toContain(`/ColorSpace/${colorSpace}`);
  expect(text.includes('/SMask')).toBe(hasAlpha);
  expect(check(sealed).verdict).toBe('genuine');
});

test('an RSA seal has room for its longer value', async () => {
  const rsa = new DocumentAuthority({ suite: 'rs256' });
  const signer = rsa.issue('document-signer');
  const sealed = await seal(handMadePdf(), { certificates: [signer.certificate.der], suite: 'rs256', sign: signer.sign });
  const report = verifyPdf(sealed, { anchors: [rsa.root.certificate], at: NOW }).report;
  expect(report).toMatchObject({ verdict: 'genuine', signatures: [{ suite: 'rs256' }] });
});
