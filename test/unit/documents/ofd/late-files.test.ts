/** A file put into a sealed package where a path that is sealed leads some reader, one that looks elsewhere than the standard says. */
import { expect, test } from 'vitest';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { packFiles, repack, SealingTown, sampleFiles } from '#test/fakes/sample-ofd.ts';

const DOCUMENT = 'Doc_0/Document.xml';
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';
const RES = 'Doc_0/DocumentRes.xml';
const PAGE_RES = 'Doc_0/Pages/Page_0/PageRes.xml';
const town = new SealingTown();
const judge = (ofd: Uint8Array) => verifyOfd(ofd, town.options).report;
const res = (base: string, file: string) =>
  `<ofd:Res xmlns:ofd="http://www.ofdspec.org/2016" BaseLoc="${base}"><ofd:MultiMedias><ofd:MultiMedia ID="55" Type="Image"><ofd:MediaFile>${file}</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias></ofd:Res>`;
const withPageRes = (base: string, file: string): Record<string, string> => ({
  [PAGE]: (sampleFiles()[PAGE] ?? '').replace('<ofd:Content>', '<ofd:PageRes>PageRes.xml</ofd:PageRes><ofd:Content>'),
  [PAGE_RES]: res(base, file),
});
const changed = (entry: string, from: string, to: string): Record<string, string> => {
  const { [entry]: before = '' } = sampleFiles();
  expect(before).toContain(from);
  return { [entry]: before.replace(from, to) };
};

test.each([
  ['an absolute path taken for a relative one', changed(DOCUMENT, 'BaseLoc="Pages', 'BaseLoc="/Doc_0/Pages'), `Doc_0/${PAGE}`],
  ['a path out of the package', changed(RES, '>image.png<', '>../../../late.png<'), 'late.png'],
  ['a BaseLoc that goes up', changed(RES, 'BaseLoc="Res"', 'BaseLoc="../Doc_0/More"'), 'Doc_0/More/image.png'],
  ['the BaseLoc of a page, from the document', withPageRes('R', 'p.png'), 'Doc_0/R/p.png'],
  ['the BaseLoc of a page, from the root', withPageRes('R', 'p.png'), 'R/p.png'],
  ['an absolute BaseLoc, from the file', withPageRes('/R', 'p.png'), 'Doc_0/Pages/Page_0/R/p.png'],
  ['a path of a page’s resources, from the folder above', withPageRes('R', 'p.png'), 'Doc_0/Pages/p.png'],
  [
    'a page further inside',
    changed(DOCUMENT, '</ofd:Pages>', '<ofd:Set><ofd:Page ID="9" BaseLoc="Late.xml"/></ofd:Set></ofd:Pages>'),
    'Doc_0/Late.xml',
  ],
  [
    'a picture further inside',
    changed(
      RES,
      '</ofd:MultiMedias>',
      '<ofd:Set><ofd:MultiMedia><ofd:MediaFile>late.png</ofd:MediaFile></ofd:MultiMedia></ofd:Set></ofd:MultiMedias>',
    ),
    'Doc_0/Res/late.png',
  ],
  [
    'a second list of versions',
    changed(
      'OFD.xml',
      '</ofd:DocBody>',
      '<ofd:Versions/><ofd:Versions><ofd:Version ID="1" BaseLoc="late.xml"/></ofd:Versions></ofd:DocBody>',
    ),
    'late.xml',
  ],
  ['a second cover', changed('OFD.xml', '</ofd:DocInfo>', '<ofd:Cover/><ofd:Cover>late.png</ofd:Cover></ofd:DocInfo>'), 'late.png'],
  [
    'a document outside of a body',
    changed('OFD.xml', '</ofd:OFD>', '<ofd:More><ofd:DocRoot>late.xml</ofd:DocRoot></ofd:More></ofd:OFD>'),
    'late.xml',
  ],
  ['a whole package in a folder', {}, 'Other/OFD.xml'],
] as [string, Record<string, string>, string][])('%s', async (_name, files, late) => {
  const sealed = await town.sealed(packFiles({ ...sampleFiles(), ...files }));
  expect(judge(sealed)).toMatchObject({ verdict: 'genuine', official: true });
  const forged = judge(repack(sealed, { [late]: '<ofd:Page xmlns:ofd="u"/>' }));
  expect(forged).toMatchObject({ verdict: 'partly-covered', official: false });
  expect(forged.signatures[0]?.uncovered).toContain(`/${late}`);
});

test('what decrypts a package, in another case', async () => {
  expect(judge(repack(await town.sealed(), { 'encryptions.xml': '<x/>' }))).toMatchObject({ verdict: 'unsupported', official: false });
});

test('two lists of signatures', async () => {
  const second = changed('OFD.xml', '</ofd:DocBody>', '<ofd:Signatures/><ofd:Signatures>late.xml</ofd:Signatures></ofd:DocBody>');
  expect(judge(packFiles({ ...sampleFiles(), ...second }))).toMatchObject({ verdict: 'malformed' });
});
