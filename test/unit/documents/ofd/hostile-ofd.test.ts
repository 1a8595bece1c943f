/** Whatever the bytes: a verdict with a reason, in bounded time. The long runs are `npm run fuzz`. */
import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sequence } from '#crypto/encode-der.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { packFiles, repack, SealingTown, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { fuzzOfd } from '#test/fuzz/mutate-ofd.ts';

const town = new SealingTown();
const options = town.options;
const MIB = 1024 * 1024;

/** Verdict, first reasons, and that it did not take long. */
function judge(bytes: Uint8Array, name = 'a.ofd') {
  const started = performance.now();
  const { report } = verifyDocument(bytes, name, options);
  expect(performance.now() - started).toBeLessThan(4000);
  return {
    verdict: report.verdict,
    format: report.format,
    reasons: [...report.reasons, ...report.signatures.flatMap(({ reasons }) => reasons)],
  };
}

describe('files that are none', () => {
  test.each([
    ['empty', Buffer.alloc(0), 'file-empty'],
    ['text', Buffer.from('hello'), 'format-unknown'],
    ['zeros', Buffer.alloc(1000), 'format-unknown'],
    ['a JPEG', Buffer.from('ffd8ffe000104a464946', 'hex'), 'format-unknown'],
  ])('%s', (_case, bytes, reason) => {
    expect(judge(bytes)).toEqual({ verdict: 'malformed', format: 'unknown', reasons: [reason] });
  });

  test('a hundred mebibytes of junk, with and without a promising start', () => {
    const junk = randomBytes(100 * MIB);
    expect(judge(junk).verdict).toBe('malformed');
    junk.write('PK\x03\x04', 0, 'latin1');
    expect(judge(junk)).toMatchObject({ verdict: 'malformed', format: 'ofd' });
    junk.write('\x30\x84\x06\x3f\xff\xfa', 0, 'latin1');
    expect(judge(junk).verdict).toBe('malformed');
  });

  test('every truncation of a sealed file', async () => {
    const sealed = await town.sealed();
    for (let length = 0; length < sealed.length; length += 97) {
      expect(judge(sealed.subarray(0, length)).verdict).toBe('malformed');
    }
  });

  test('a file that PDF readers and OFD readers would both open', async () => {
    const both = Buffer.concat([Buffer.from('%PDF-1.7\n'), await town.sealed()]);
    expect(judge(both)).toMatchObject({ verdict: 'malformed', reasons: ['two-formats-in-one-file'] });
  });
});

describe('packages made to exhaust', () => {
  const withFile = (name: string, data: string | Uint8Array) => packFiles({ ...sampleFiles(), [name]: data });
  const page = (content: string) => `<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016">${content}</ofd:Page>`;

  test.each([
    ['entities', '<!DOCTYPE a [<!ENTITY x "ha">]><a>&x;</a>', 'xml-doctype'],
    ['depth', page('<ofd:PageBlock>'.repeat(10_000) + '</ofd:PageBlock>'.repeat(10_000)), 'xml-too-deep'],
    ['elements', page('<b/>'.repeat(1_100_000)), 'xml-too-many-elements'],
    ['no XML at all', 'hello', 'xml-not-well-formed'],
    ['nothing', '', 'xml-not-well-formed'],
  ])('a page with %s', (_case, content, reason) => {
    expect(judge(withFile('Doc_0/Pages/Page_0/Content.xml', content))).toMatchObject({ verdict: 'malformed', reasons: [reason] });
  });

  test('an entry that swells', () => {
    expect(deflateRawSync(Buffer.alloc(50 * MIB)).length).toBeLessThan(MIB);
    expect(judge(withFile('Doc_0/Res/image.png', Buffer.alloc(50 * MIB)))).toMatchObject({
      verdict: 'malformed',
      reasons: ['compression-ratio'],
    });
  });

  test('documents that name each other in a circle', () => {
    const version =
      '<DocVersion ID="v"><FileList><File ID="f">Doc_0/V.xml</File></FileList><DocRoot>Doc_0/Document.xml</DocRoot></DocVersion>';
    const files = sampleFiles();
    files['OFD.xml'] = (files['OFD.xml'] ?? '').replace(
      '</ofd:DocBody>',
      '<ofd:Versions><ofd:Version ID="v" Index="0" BaseLoc="Doc_0/V.xml"/></ofd:Versions></ofd:DocBody>',
    );
    expect(judge(packFiles({ ...files, 'Doc_0/V.xml': version }))).toMatchObject({ verdict: 'unsigned' });
  });

  test('sixty thousand references', async () => {
    const sealed = await town.sealed();
    const reference = '<ofd:Reference FileRef="/OFD.xml"><ofd:CheckValue>x</ofd:CheckValue></ofd:Reference>';
    const description = `<ofd:Signature xmlns:ofd="x"><ofd:SignedInfo><ofd:References>${reference.repeat(60_000)}</ofd:References></ofd:SignedInfo><ofd:SignedValue>SignedValue.dat</ofd:SignedValue></ofd:Signature>`;
    expect(judge(repack(sealed, { 'Doc_0/Signs/Sign_0/Signature.xml': description })).verdict).toBe('altered');
  });

  test('more signatures than anybody makes', async () => {
    const sealed = await town.sealed();
    const items = Array.from({ length: 500 }, (_, i) => `<Signature ID="s${i}" BaseLoc="/x${i}.xml"/>`).join('');
    const list = `<Signatures>${items}</Signatures>`;
    expect(judge(repack(sealed, { 'Doc_0/Signs/Signatures.xml': list }))).toMatchObject({
      verdict: 'malformed',
      reasons: expect.arrayContaining(['too-many-signatures']),
    });
  });

  test('a signature value nested without end', async () => {
    let nested: Uint8Array = new Uint8Array();
    for (let i = 0; i < 2000; i++) nested = sequence(nested);
    const report = judge(repack(await town.sealed(), { 'Doc_0/Signs/Sign_0/SignedValue.dat': nested }));
    expect(report).toMatchObject({ verdict: 'malformed', reasons: expect.arrayContaining(['signed-value-unreadable']) });
  });

  test('encrypted packages are not ours to judge', () => {
    expect(judge(withFile('Encryptions.xml', '<a/>'))).toMatchObject({ verdict: 'unsupported', reasons: ['encrypted-package'] });
  });

  test('paths that lead out of the package find nothing', () => {
    const files = sampleFiles();
    files['Doc_0/DocumentRes.xml'] = (files['Doc_0/DocumentRes.xml'] ?? '').replace('image.png', '../../../../etc/passwd');
    expect(judge(packFiles(files))).toMatchObject({ verdict: 'unsigned', reasons: expect.arrayContaining(['linked-file-missing']) });
  });
});

test('600 mutants of sealed files: none is genuine that should not be, none throws', async () => {
  const { failures, verdicts, slowestMs } = await fuzzOfd({ runs: 600, seed: 20261121 });
  expect(failures).toEqual([]);
  expect(Object.keys(verdicts)).toEqual(expect.arrayContaining(['malformed', 'altered', 'genuine']));
  // The limits on entries, bytes and elements decide; this only tells of one that is missing.
  expect(slowestMs).toBeLessThan(30_000);
});

test('the same bytes give the same verdict twice', async () => {
  const sealed = await town.sealed();
  expect(verifyOfd(sealed, options)).toEqual(verifyOfd(sealed, options));
});
