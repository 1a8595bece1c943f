/**
 * XML lets a text stand in several pieces: with a comment, a processing instruction or a CDATA section between them, or with
 * characters written as entities. To a reader it is one text; to us too, wherever a path, a number or a word is read.
 */
import { describe, expect, test } from 'vitest';
import { encodeSignedData } from '#crypto/cms.ts';
import { digest } from '#crypto/suite.ts';
import { addSignature } from '#documents/ofd/add-signature.ts';
import { licenceMetadataOf } from '#documents/ofd/licence-metadata.ts';
import { openOfd } from '#documents/ofd/ofd-package.ts';
import { pictureOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { reachableFiles } from '#documents/ofd/reachable-files.ts';
import { textOfOfd } from '#documents/ofd/text-of-ofd.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { readXml } from '#documents/xml/read-xml.ts';
import { PROVIDER, packFiles, repack, SealingTown, SIGNED_AT, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';

/** The same text as XML in other ways. The cut is in the middle, so that half of it is another name or number. */
const WAYS: [string, (text: string) => string][] = [
  ['a comment', (text) => `${half(text)}<!-- hidden/image.png -->${rest(text)}`],
  ['a processing instruction', (text) => `${half(text)}<?say hidden?>${rest(text)}`],
  ['CDATA in part', (text) => `${half(text)}<![CDATA[${rest(text)}]]>`],
  ['CDATA as a whole', (text) => `<![CDATA[${text}]]>`],
  ['two pieces of CDATA', (text) => `<![CDATA[${half(text)}]]><![CDATA[${rest(text)}]]>`],
  ['a decimal entity', (text) => `&#${text.charCodeAt(0)};${text.slice(1)}`],
  ['a hexadecimal entity', (text) => `${text.slice(0, -1)}&#x${text.charCodeAt(text.length - 1).toString(16)};`],
];
const half = (text: string) => text.slice(0, text.length >> 1);
const rest = (text: string) => text.slice(text.length >> 1);

function changed(name: string, from: string, write: (text: string) => string, files = sampleFiles()): Record<string, string> {
  expect(files[name]).toContain(`>${from}<`);
  return { ...files, [name]: (files[name] ?? '').replace(`>${from}<`, `>${write(from)}<`) };
}

describe.each(WAYS)('%s', (_way, write) => {
  test.each([
    ['OFD.xml', 'Doc_0/Document.xml'],
    ['Doc_0/Document.xml', 'PublicRes.xml'],
    ['Doc_0/Document.xml', 'DocumentRes.xml'],
    ['Doc_0/Document.xml', 'Attachs/Attachments.xml'],
    ['Doc_0/DocumentRes.xml', 'image.png'],
    ['Doc_0/Attachs/Attachments.xml', 'licence.json'],
  ])('a path in %s', (name, path) => {
    const files = changed(name, path, write);
    const reach = reachableFiles(openOfd(packFiles(files)));
    expect([...reach.files].sort()).toEqual(Object.keys(files).sort());
    expect(reach.missing).toEqual([]);
  });

  test('a resource file of a page', () => {
    const files = sampleFiles();
    files[PAGE] = (files[PAGE] ?? '').replace('<ofd:Content>', `<ofd:PageRes>${write('PageRes.xml')}</ofd:PageRes><ofd:Content>`);
    const all = { ...files, 'Doc_0/Pages/Page_0/PageRes.xml': '<Res><Fonts><Font ID="9"><FontFile>f.ttf</FontFile></Font></Fonts></Res>' };
    const reach = reachableFiles(openOfd(packFiles({ ...all, 'Doc_0/Pages/Page_0/f.ttf': 'a font' })));
    expect(reach.files).toContain('Doc_0/Pages/Page_0/f.ttf');
    expect(reach.missing).toEqual([]);
  });

  test('words on a page, and the licence’s identifier', () => {
    const files = changed(PAGE, '测试', write, changed('OFD.xml', '1.2.156.3005.2.TEST', write));
    const ofd = openOfd(packFiles(files));
    const [document] = ofd.documents;
    expect(document && textOfOfd(ofd, document).flatMap(({ lines }) => lines)).toEqual(['测试']);
    expect(licenceMetadataOf(ofd).identifier).toBe('1.2.156.3005.2.TEST');
  });

  test('the shape of a path is drawn the same', async () => {
    const draw = async (data: string) => {
      const files = sampleFiles();
      const object = `<ofd:PathObject ID="11" Boundary="0 0 100 100" Fill="true"><ofd:AbbreviatedData>${data}</ofd:AbbreviatedData></ofd:PathObject>`;
      files[PAGE] = (files[PAGE] ?? '').replace('</ofd:Layer>', `${object}</ofd:Layer>`);
      return pictureOfOfdPage(packFiles(files), 0, 20);
    };
    const shape = 'M 10 10 L 90 10 L 90 90 C';
    const [plain, cut, without] = [await draw(shape), await draw(write(shape)), await draw('M 0 0 L 1 0 C')];
    expect(Buffer.compare(plain, cut)).toBe(0);
    expect(Buffer.compare(plain, without)).not.toBe(0);
  });

  test('a file that is linked in this way and was not signed is named as uncovered', async () => {
    const files = { ...changed('Doc_0/DocumentRes.xml', 'image.png', write), 'Doc_0/Res/other.png': 'never linked' };
    const sealed = await town.sealed(packFiles(files));
    expect(verifyOfd(sealed, town.options).report.verdict).toBe('genuine');
    expect(verifyOfd(repack(sealed, { 'Doc_0/Res/image.png': 'another' }), town.options).report.verdict).toBe('altered');
    // The reference taken out of a description that is signed anew: what is shown is then covered by nobody.
    const bare = Buffer.from(unpack(sealed)['Doc_0/Signs/Sign_0/Signature.xml'] ?? []).toString();
    const less = bare.replace(/<ofd:Reference FileRef="\/Doc_0\/Res\/image\.png">.*?<\/ofd:Reference>/, '');
    expect(less).not.toBe(bare);
    const { signatures } = verifyOfd(repack(sealed, { 'Doc_0/Signs/Sign_0/Signature.xml': less }), town.options).report;
    expect(signatures[0]?.uncovered).toEqual(['/Doc_0/Res/image.png']);
  });

  test('paths and digests in the description of a signature', async () => {
    let xml = '';
    const ofd = await addSignature(packFiles(sampleFiles()), {
      type: 'Sign',
      signedAt: SIGNED_AT,
      stamps: [],
      provider: PROVIDER,
      lock: true,
      makeValue: async (description) => {
        xml = Buffer.from(description)
          .toString()
          .replace(/(<ofd:CheckValue>)([^<]+)/g, (_match, tag: string, value: string) => tag + write(value))
          .replace(/(<ofd:SignedValue>)([^<]+)/, (_match, tag: string, value: string) => tag + write(value));
        const content = digest('sm3', Buffer.from(xml));
        const certificates = [town.signer.certificate.der];
        return encodeSignedData({ form: 'gm', suite: 'sm2-sm3', certificates, content, signature: await town.signer.sign(content) });
      },
    });
    const cut = repack(ofd, { 'Doc_0/Signs/Sign_0/Signature.xml': xml });
    expect(verifyOfd(cut, town.options).report.verdict).toBe('genuine');
    expect(verifyOfd(repack(cut, { [PAGE]: '<Page/>' }), town.options).report.verdict).toBe('altered');
  });
});

test('a text that is longer than what is decoded at once, in any encoding, is one text', () => {
  const long = '证照'.repeat(100_000);
  for (const bytes of [Buffer.from(`<a>${long}</a>`), Buffer.from(`\uFEFF<a>x${long}</a>`, 'utf16le')]) {
    expect(readXml(bytes).text.replace('x', '')).toBe(long);
  }
});
