/**
 * A second page file beside the signed one, under a name that some file system takes for the same: a reader that unpacks the
 * package to disk would show the forger's page.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { packFiles, repack, SealingTown, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';
const page = (sampleFiles()[PAGE] ?? '').replaceAll('2026', '2099');

let sealed: Uint8Array;
beforeAll(async () => {
  sealed = await town.sealed();
});

test.each([
  ['another case', 'doc_0/PAGES/Page_0/Content.XML'],
  ['a trailing dot (Windows)', `${PAGE}.`],
  ['a trailing blank (Windows)', `${PAGE} `],
  ['dots and blanks behind a folder (Windows)', 'Doc_0/Pages. ./Page_0/Content.xml'],
  ['the main stream by its name (NTFS)', `${PAGE}::$DATA`],
  ['a long s (APFS folds it)', 'Doc_0/Pageſ/Page_0/Content.xml'],
  ['a joiner that is not seen (HFS+ ignores it)', 'Doc_0/Pa\u200dges/Page_0/Content.xml'],
  ['a soft hyphen', 'Doc_0/Pages/Page_0/Con\u00adtent.xml'],
  ['the short name of a folder (NTFS)', 'Doc_0/PAGES~1/Page_0/Content.xml'],
  ['a short name (NTFS)', 'Doc_0/Pages/Page_0/CONTEN~1.XML'],
  ['characters that unpacking turns into underscores (Windows)', 'Doc?0/Pages/Page*0/Content.xml'],
  ['a colon that unpacking turns into an underscore (Windows)', 'Doc:0/Pages/Page_0/Content.xml'],
  ['a folder of dots that unpacking leaves out (Python)', 'Doc_0/.../Pages/Page_0/Content.xml'],
  ['a folder of a blank', 'Doc_0/ /Pages/Page_0/Content.xml'],
  ['a version number that Info-ZIP cuts off', 'Doc_0/Pages/Page_0/Content.xml;1'],
  ['percent escapes', 'Doc_0/Pages/Page_0/Content%2Exml'],
  ['full-width letters (Windows, best fit)', 'Doc_0/Pages/Page_0/Ｃontent.xml'],
  ['a full-width slash', 'Doc_0／Pages/Page_0/Content.xml'],
  ['a short name made of a digest (NTFS)', 'Doc_0/Pages/Page_0/CO4F2A~1.XML'],
])('%s', (_name, name) => {
  const forged = verifyOfd(repack(sealed, { [name]: page }), town.options).report;
  expect(forged.official).toBe(false);
  expect(['altered', 'partly-covered', 'malformed']).toContain(forged.verdict);
});

test.each([
  ['the description of a signature, in another case', 'Doc_0/Signs/Sign_0/SIGNATURE.xml'],
  ['the description of a signature, by its short name', 'Doc_0/Signs/Sign_0/SIGNAT~1.XML'],
  ['a signature’s value, in another case', 'Doc_0/Signs/Sign_0/signedvalue.dat'],
  ['a seal, in another case', 'Doc_0/Signs/Sign_0/seal.ESL'],
  ['the list of signatures, in another case', 'Doc_0/signs/Signatures.xml'],
])('%s: a reader would draw another seal', (_name, name) => {
  const forged = verifyOfd(repack(sealed, { [name]: '<x/>' }), town.options).report;
  expect(forged).toMatchObject({ verdict: 'partly-covered', official: false });
  expect(forged.signatures[0]?.uncovered).toContain(`/${name}`);
});

test('a name whose bytes are that of the sealed picture for readers that take all names for GBK', async () => {
  const files = sampleFiles();
  const { 'Doc_0/DocumentRes.xml': resources = '' } = files;
  const own = 'Doc_0/Res/钱.png';
  const other = 'Doc_0/Res/Ǯ.png';
  expect(new TextDecoder('gbk').decode(Buffer.from(other))).toBe(own);
  const picture = { [own]: 'a picture', 'Doc_0/DocumentRes.xml': resources.replace('>image.png<', '>钱.png<') };
  const chinese = await town.sealed(packFiles({ ...files, ...picture }));
  expect(verifyOfd(chinese, town.options).report).toMatchObject({ verdict: 'genuine', official: true });
  const forged = repack(chinese, { [other]: 'another picture' });
  expect(verifyOfd(forged, town.options).report).toMatchObject({ verdict: 'malformed', official: false });
});

describe('a list of signatures that is not locked', () => {
  const LIST = 'Doc_0/Signs/Signatures.xml';
  const relisted = (from: string | RegExp, to: string, more: Record<string, string>) =>
    repack(sealed, {
      [LIST]: Buffer.from(unpack(sealed)[LIST] ?? [])
        .toString()
        .replace(from, to),
      ...more,
    });

  test('a path that may lead to a second description as well', () => {
    const forged = relisted('/Doc_0/Signs/Sign_0/', 'Sign_0/', { 'Doc_0/Sign_0/Signature.xml': '<x/>' });
    expect(verifyOfd(relisted('/Doc_0/Signs/Sign_0/', 'Sign_0/', {}), town.options).report.verdict).toBe('genuine');
    expect(verifyOfd(forged, town.options).report).toMatchObject({ verdict: 'partly-covered', official: false });
  });

  test('a signature further inside is judged like any other', () => {
    const inner =
      '<ofd:Further><ofd:Signature ID="s9" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_9/Signature.xml"/></ofd:Further></ofd:Signatures>';
    const forged = relisted('</ofd:Signatures>', inner, { 'Doc_0/Signs/Sign_9/Signature.xml': '<x/>' });
    expect(verifyOfd(forged, town.options).report).toMatchObject({ verdict: 'malformed', official: false });
  });
});

test('a file of quite another name stays what it is', () => {
  const other = verifyOfd(repack(sealed, { 'Doc_0/Pages/Page_0/Content.xml.bak': page }), town.options).report;
  expect(other).toMatchObject({ verdict: 'genuine', reasons: expect.arrayContaining(['entries-not-linked']) });
});

test('thousands of names that are one, and paths to them, are refused before they cost anything', () => {
  const files = sampleFiles();
  const pages = '<ofd:Page ID="9" BaseLoc="p"/>'.repeat(20_000);
  const twins = Array.from({ length: 2000 }, (_, n) => [`Doc_0/p${'.'.repeat(n % 900)}${' '.repeat(1 + n / 900)}`, '<x/>'] as const);
  const document = (files['Doc_0/Document.xml'] ?? '').replace('</ofd:Pages>', `${pages}</ofd:Pages>`);
  const hostile = packFiles({ ...files, ...Object.fromEntries(twins), 'Doc_0/Document.xml': document });
  expect(verifyOfd(hostile, town.options).report).toMatchObject({ verdict: 'malformed', reasons: ['work-limit'] });
});

test.each([
  ['slashes', `${'/'.repeat(400_000)}x`],
  ['colons', `${':'.repeat(400_000)}\nx`],
  ['dots', `${'.'.repeat(400_000)}x`],
  ['blanks between dots', `${'. '.repeat(200_000)}x`],
  ['percent signs', '%'.repeat(400_000)],
  ['ways up', '../'.repeat(130_000)],
])('a path of hundreds of thousands of %s is read in one pass', (_name, path) => {
  const files = sampleFiles();
  const resources = `<ofd:Res xmlns:ofd="http://www.ofdspec.org/2016" BaseLoc="${path}"><ofd:Fonts><ofd:Font ID="9" FontName="x"><ofd:FontFile>${path}</ofd:FontFile></ofd:Font></ofd:Fonts></ofd:Res>`;
  const hostile = packFiles({ ...files, 'Doc_0/PublicRes.xml': resources });
  expect(['unsigned', 'malformed']).toContain(verifyOfd(hostile, town.options).report.verdict);
});
