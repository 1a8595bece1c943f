/** Packages as real producers build them are sealed and verified all the same. */
import { describe, expect, test } from 'vitest';
import { encodeSignedData } from '#crypto/cms.ts';
import { bitString, generalizedTime, ia5String, integer, octetString, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import { addSignature } from '#documents/ofd/add-signature.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { PathIndex, resolvePath } from '#documents/ofd/package-path.ts';
import { propertyInfoNames } from '#documents/ofd/property-info.ts';
import { reachableFiles } from '#documents/ofd/reachable-files.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import { PROVIDER, packFiles, repack, SealingTown, SIGNED_AT, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();
const DOCUMENT = 'Doc_0/Document.xml';
const changed = (name: string, from: string, to: string) => {
  const files = sampleFiles();
  expect(files[name]).toContain(from);
  return { ...files, [name]: (files[name] ?? '').replace(from, to) };
};

describe('paths', () => {
  test.each([
    ['Doc_0', 'Pages/a.xml', 'Doc_0/Pages/a.xml'],
    ['Doc_0', '/Doc_1/a.xml', 'Doc_1/a.xml'],
    ['Doc_0', './a.xml', 'Doc_0/a.xml'],
    ['Doc_0/Tpls', '../Res/a.png', 'Doc_0/Res/a.png'],
    ['Doc_0', '../../a.xml', undefined],
    ['', '', undefined],
  ])('from "%s", %s leads to %s', (directory, loc, expected) => {
    expect(resolvePath(directory, loc)).toBe(expected);
  });

  test('every file that some reader might take is found, the strict reading first', () => {
    const index = new PathIndex(['Doc_0/Res/a b.png', 'Res/a b.png', 'doc_0/res/A B.png']);
    expect(index.candidates('Res/a%20b.png', ['Doc_0'])).toEqual(['Doc_0/Res/a b.png', 'Res/a b.png', 'doc_0/res/A B.png']);
  });

  test('names that differ in how an accent is composed are twins: some file systems hold only one of them', () => {
    const [composed, decomposed] = ['Doc_0/\u00e9.xml', 'Doc_0/e\u0301.xml'] as const;
    const index = new PathIndex([composed, decomposed]);
    expect(index.candidates('\u00e9.xml', ['Doc_0'])).toEqual([composed, decomposed]);
  });

  test.each([
    ['a path from the root where it should be relative', changed(DOCUMENT, 'BaseLoc="Pages', 'BaseLoc="Doc_0/Pages')],
    ['an absolute path', changed(DOCUMENT, 'BaseLoc="Pages', 'BaseLoc="/Doc_0/Pages')],
    ['another case', changed(DOCUMENT, 'BaseLoc="Pages', 'BaseLoc="PAGES')],
    ['backslashes', changed(DOCUMENT, 'Pages/Page_0/Content', 'Pages\\Page_0\\Content')],
    ['blanks around', changed('OFD.xml', '>Doc_0/Document.xml<', '> Doc_0/Document.xml\n<')],
  ])('%s: everything is reached and the seal is genuine', async (_case, files) => {
    const ofd = packFiles(files);
    expect([...reachableFiles(openOfd(ofd)).files].sort()).toEqual(Object.keys(files).sort());
    expect(verifyOfd(await town.sealed(ofd), town.options).report).toMatchObject({ verdict: 'genuine', official: true });
  });
});

test('everything a document may link to is reached', () => {
  const files = sampleFiles();
  files['OFD.xml'] = (files['OFD.xml'] ?? '')
    .replace('</ofd:DocID>', '</ofd:DocID><ofd:Cover>cover.jpg</ofd:Cover>')
    .replace('</ofd:DocBody>', '<ofd:Versions><ofd:Version ID="v1" Index="1" BaseLoc="Doc_0/V/v1.xml"/></ofd:Versions></ofd:DocBody>');
  files[DOCUMENT] = (files[DOCUMENT] ?? '').replace(
    '<ofd:Attachments>',
    '<ofd:Annotations>Annots/Annotations.xml</ofd:Annotations><ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags><ofd:Extensions>Extensions.xml</ofd:Extensions><ofd:Attachments>',
  );
  const page = 'Doc_0/Pages/Page_0/Content.xml';
  files[page] = (files[page] ?? '').replace('<ofd:Content>', '<ofd:PageRes>PageRes.xml</ofd:PageRes><ofd:Content>');
  const more = {
    'cover.jpg': 'a picture',
    'Doc_0/V/v1.xml':
      '<DocVersion ID="v1"><FileList><File ID="f1">/Doc_0/V/old.png</File></FileList><DocRoot>Old.xml</DocRoot></DocVersion>',
    'Doc_0/V/old.png': 'a picture',
    'Doc_0/V/Old.xml': '<Document><Pages><Page ID="1" BaseLoc="Page.xml"/></Pages></Document>',
    'Doc_0/V/Page.xml': '<Page/>',
    'Doc_0/Annots/Annotations.xml': '<Annotations><Page PageID="1"><FileLoc>Page_0/Annotation.xml</FileLoc></Page></Annotations>',
    'Doc_0/Annots/Page_0/Annotation.xml': '<PageAnnot/>',
    'Doc_0/Tags/CustomTags.xml':
      '<CustomTags><CustomTag TypeID="cert"><SchemaLoc>a.xsd</SchemaLoc><FileLoc>Tag.xml</FileLoc></CustomTag></CustomTags>',
    'Doc_0/Tags/a.xsd': 'a schema',
    'Doc_0/Tags/Tag.xml': 'anything',
    'Doc_0/Extensions.xml': '<Extensions><Extension AppName="a" RefId="1"><ExtendData>ext.dat</ExtendData></Extension></Extensions>',
    'Doc_0/ext.dat': 'data',
    'Doc_0/Pages/Page_0/PageRes.xml':
      '<Res BaseLoc="R"><Fonts><Font ID="20"><FontFile>f.ttf</FontFile></Font></Fonts><ColorSpaces><ColorSpace ID="21" Profile="p.icc"/></ColorSpaces></Res>',
    'Doc_0/Pages/Page_0/R/f.ttf': 'a font',
    'Doc_0/Pages/Page_0/R/p.icc': 'a profile',
  };
  const all = { ...files, ...more };
  const reach = reachableFiles(openOfd(packFiles({ ...all, 'notes.txt': 'linked from nowhere' })));
  expect([...reach.files].sort()).toEqual(Object.keys(all).sort());
  expect(reach.missing).toEqual([]);
  expect(reach.pages).toEqual([[{ id: '1', entry: page }]]);
});

test('Chinese file names', async () => {
  const files = changed('Doc_0/DocumentRes.xml', 'image.png', '图片.png');
  const ofd = await town.sealed(packFiles({ ...files, 'Doc_0/Res/图片.png': 'a picture' }));
  expect(verifyOfd(ofd, town.options).report.verdict).toBe('genuine');
  expect(verifyOfd(repack(ofd, { 'Doc_0/Res/图片.png': 'another' }), town.options).report.verdict).toBe('altered');
});

test('a prefix and a namespace of nobody', async () => {
  const files: Record<string, string> = {};
  for (const [name, data] of Object.entries(sampleFiles()))
    files[name] = data.replaceAll('ofd:', 'q:').replaceAll('www.ofdspec.org/2016', 'x');
  expect(verifyOfd(await town.sealed(packFiles(files)), town.options).report.verdict).toBe('genuine');
});

test.each([
  ['/Doc_0/Signs/Sign_0/Signature.xml', 'this'],
  ['Doc_0/Signs/Sign_0/Signature.xml', 'this'],
  ['Signature.xml', 'this'],
  ['/doc_0/signs/Sign_0/Signature.xml', 'this'],
  ['/Doc_0/Signs/Signatures.xml', 'unknown'],
  ['{"doc.DocID":"1","ofd.Sign":"/Doc_0/Signs/Sign_0/Signature.xml"}', 'this'],
  ['{"Entry":"/Doc_0/Signs/Sign_1/Signature.xml"}', 'other'],
  ['/Doc_0/Signs/Sign_1/Signature.xml', 'other'],
  ['', 'unknown'],
  ['{broken', 'unknown'],
  ['sealed by nobody', 'unknown'],
])('propertyInfo %s names %s', (text, expected) => {
  expect(propertyInfoNames(text, 'Doc_0/Signs/Sign_0/Signature.xml')).toBe(expected);
});

test('a seal and a signature in P-256, each with the digest of its algorithm', async () => {
  const maker = town.authority.issue('seal-maker', { suite: 'es256' });
  const signer = town.authority.issue('seal', { suite: 'es256' });
  const algorithm = oid(OID.ecdsaWithSha256);
  const template = await town.seal({ signerCertificates: [signer.certificate.der], sign: maker.sign });
  const info = parseSeal(template).der;
  const seal = sequence(info, octetString(maker.certificate.der), algorithm, bitString(await maker.sign(info)));
  const ofd = await addSignature(packFiles(sampleFiles()), {
    type: 'Seal',
    seal,
    signedAt: SIGNED_AT,
    stamps: [],
    provider: PROVIDER,
    lock: true,
    makeValue: async (description, path) => {
      const hash = bitString(digest('sha256', description));
      const toSign = sequence(integer(4), seal, generalizedTime(SIGNED_AT), hash, ia5String(path));
      return sequence(toSign, octetString(signer.certificate.der), algorithm, bitString(await signer.sign(toSign)));
    },
  });
  expect(verifyOfd(ofd, town.options).report).toMatchObject({ verdict: 'genuine', signatures: [{ suite: 'es256', reasons: [] }] });
});

describe('digest methods', () => {
  /** The sealed sample with another CheckMethod in a description that is signed anew. */
  async function withMethod(method: string): Promise<Uint8Array> {
    let xml: Uint8Array = new Uint8Array();
    const ofd = await addSignature(packFiles(sampleFiles()), {
      type: 'Sign',
      signedAt: SIGNED_AT,
      stamps: [],
      provider: PROVIDER,
      lock: false,
      makeValue: async (description) => {
        xml = Buffer.from(Buffer.from(description).toString().replace('CheckMethod="1.2.156.10197.1.401"', method));
        const content = digest('sm3', xml);
        const certificates = [town.signer.certificate.der];
        return encodeSignedData({ form: 'gm', suite: 'sm2-sm3', certificates, content, signature: await town.signer.sign(content) });
      },
    });
    return repack(ofd, { 'Doc_0/Signs/Sign_0/Signature.xml': xml });
  }

  test.each([
    ['CheckMethod="SM3"', 'genuine'],
    ['CheckMethod="1.2.156.10197.1.401.2"', 'genuine'],
    ['CheckMethod="SHA256"', 'altered'],
    ['', 'altered'],
    ['CheckMethod="CRC32"', 'unsupported'],
  ])('%s is %s', async (method, verdict) => {
    expect(verifyOfd(await withMethod(method), town.options).report.verdict).toBe(verdict);
  });
});

test('what is sealed keeps every byte of what was there', async () => {
  const before = packFiles(sampleFiles());
  const after = unpack(await town.sealed(before));
  for (const [name, data] of Object.entries(unpack(before))) {
    if (name !== 'OFD.xml') expect(Buffer.from(after[name] ?? []).equals(data)).toBe(true);
  }
});
