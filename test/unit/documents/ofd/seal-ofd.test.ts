import { beforeAll, describe, expect, test } from 'vitest';
import { readZip } from '#documents/container/read-zip.ts';
import { lockOfd } from '#documents/ofd/lock-ofd.ts';
import { stampsOf } from '#documents/ofd/stamps.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { ASKED_AT, PROVIDER, packFiles, repack, SealingTown, SIGNED_AT, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();
let sealed: Uint8Array;
beforeAll(async () => {
  sealed = await town.sealed();
});

const textOf = (ofd: Uint8Array, name: string) => Buffer.from(unpack(ofd)[name] ?? '').toString('utf8');

describe('a sealed file', () => {
  test('is genuine and official, covers everything, and tells seal, signer and time', () => {
    const { report, licenceIdentifier } = verifyOfd(sealed, town.options);
    expect(report).toMatchObject({ format: 'ofd', verdict: 'genuine', official: true });
    expect(report.signatures).toHaveLength(1);
    expect(report.signatures[0]).toMatchObject({
      kind: 'seal',
      form: 'ses-v4',
      suite: 'sm2-sm3',
      verdict: 'genuine',
      coverage: 'whole-file',
      uncovered: [],
      reasons: [],
      signer: { organisation: '测试局', profile: 'seal' },
      seal: { id: '99010000000001', name: '测试局电子证照专用章', kind: '4', validTo: '2028-01-01T00:00:00.000Z' },
      time: { claimed: SIGNED_AT.toISOString(), proven: null },
    });
    expect(licenceIdentifier).toBe('1.2.156.3005.2.TEST');
  });

  test('protects every entry but the signature list and its own two files', () => {
    const description = textOf(sealed, 'Doc_0/Signs/Sign_0/Signature.xml');
    const referenced = [...description.matchAll(/FileRef="\/([^"]+)"/g)].map((match) => match[1]);
    const entries = [...readZip(sealed).entries.keys()];
    const expected = entries.filter((name) => !/Signs\/(Signatures\.xml|Sign_0\/(Signature\.xml|SignedValue\.dat))$/.test(name));
    expect(referenced.sort()).toEqual(expected.sort());
  });

  test('has its parts in schema order with absolute paths and one counter for all IDs', () => {
    const description = textOf(sealed, 'Doc_0/Signs/Sign_0/Signature.xml');
    const order = ['Provider', 'SignatureMethod', 'SignatureDateTime', 'References', 'StampAnnot', 'Seal', 'SignedValue'];
    const places = order.map((name) => description.indexOf(`<ofd:${name}`));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(description).toContain('<ofd:StampAnnot ID="s002" PageRef="1" Boundary="140 220 42 42"/>');
    expect(description).toContain('<ofd:SignatureDateTime>20261120080000Z</ofd:SignatureDateTime>');
    expect(textOf(sealed, 'Doc_0/Signs/Signatures.xml')).toContain(
      '<ofd:MaxSignId>s002</ofd:MaxSignId><ofd:Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/>',
    );
    expect(textOf(sealed, 'OFD.xml')).toContain('</ofd:DocRoot><ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>');
  });

  test('differs from a second sealing of the same input in the signature value alone', async () => {
    const seal = await town.seal();
    const [one, two] = [await town.sealed(undefined, { seal }), await town.sealed(undefined, { seal })];
    const [a, b] = [unpack(one), unpack(two)];
    for (const name of Object.keys(a)) {
      if (name.endsWith('SignedValue.dat')) expect(a[name]).not.toEqual(b[name]);
      else expect(a[name]).toEqual(b[name]);
    }
  });

  test('keeps the compressed bytes of entries that do not change', () => {
    const before = readZip(packFiles(sampleFiles())).entries.get('Doc_0/Document.xml');
    const after = readZip(sealed).entries.get('Doc_0/Document.xml');
    expect(Buffer.from(after?.compressed ?? [])).toEqual(Buffer.from(before?.compressed ?? []));
  });

  test('gives its stamps with picture and place', () => {
    expect(stampsOf(sealed)).toEqual([
      expect.objectContaining({
        signatureIndex: 0,
        pageIndex: 0,
        boundary: { xMm: 140, yMm: 220, widthMm: 42, heightMm: 42 },
        picture: expect.objectContaining({ type: 'PNG', widthMm: 42 }),
      }),
    ]);
  });
});

describe('several signatures', () => {
  test('joint issue: the second seal protects the files of the first, both stay genuine', async () => {
    const joint = await town.sealed(sealed);
    const { report } = verifyOfd(joint, town.options);
    expect(report.verdict).toBe('genuine');
    expect(report.signatures.map(({ coverage }) => coverage)).toEqual(['whole-revision', 'whole-file']);
    expect(report.signatures[0]?.changesAfter).toEqual(['signature-added: s003']);
    expect(textOf(joint, 'Doc_0/Signs/Sign_1/Signature.xml')).toContain('FileRef="/Doc_0/Signs/Sign_0/SignedValue.dat"');
  });

  test.each(['content', 'attributes'] as const)('a lock in the form "%s" is genuine and lets nobody add a seal', async (variant) => {
    const locked = await lockOfd(sealed, {
      certificates: [town.signer.certificate.der],
      signedAt: SIGNED_AT,
      provider: PROVIDER,
      variant,
      sign: town.signer.sign,
    });
    const { report } = verifyOfd(locked, town.options);
    expect(report).toMatchObject({ verdict: 'genuine', official: true });
    expect(report.signatures[1]).toMatchObject({ kind: 'signature', form: 'gbt35275', verdict: 'genuine', coverage: 'whole-file' });
    expect(report.reasons).not.toContain('signature-list-not-protected');
    await expect(town.sealed(locked)).rejects.toMatchObject({ code: 'ofd-locked' });
  });

  test('a seal that locks leaves no unprotected list', async () => {
    const locked = await town.sealed(undefined, { lock: true });
    expect(verifyOfd(locked, town.options).report).toMatchObject({ verdict: 'genuine', reasons: [] });
    await expect(town.sealed(locked)).rejects.toMatchObject({ code: 'ofd-locked' });
  });

  test('a seam stamp is one signature with a slice on each page', async () => {
    const files = sampleFiles();
    const page = '<ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/>';
    files['Doc_0/Document.xml'] = (files['Doc_0/Document.xml'] ?? '').replace(
      page,
      `${page}<ofd:Page ID="9" BaseLoc="Pages/Page_1/Content.xml"/>`,
    );
    files['Doc_0/Pages/Page_1/Content.xml'] = files['Doc_0/Pages/Page_0/Content.xml'] ?? '';
    const stamps = [0, 1].map((pageIndex) => ({
      pageIndex,
      xMm: 210 - 21 * (pageIndex + 1),
      yMm: 40,
      widthMm: 42,
      heightMm: 42,
      clip: { xMm: 21 * pageIndex, yMm: 0, widthMm: 21, heightMm: 42 },
    }));
    const ofd = await town.sealed(packFiles(files), { stamps });
    expect(verifyOfd(ofd, town.options).report.verdict).toBe('genuine');
    expect(stampsOf(ofd).map(({ pageIndex, clip }) => [pageIndex, clip?.xMm])).toEqual([
      [0, 0],
      [1, 21],
    ]);
  });
});

describe('two documents in one package', () => {
  const twoDocuments = (first: string, second: string) => {
    const files = sampleFiles();
    files['OFD.xml'] = (files['OFD.xml'] ?? '')
      .replace('</ofd:DocRoot>', `</ofd:DocRoot>${first}`)
      .replace('</ofd:OFD>', `<ofd:DocBody><ofd:DocInfo/><ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot>${second}</ofd:DocBody></ofd:OFD>`);
    for (const [name, data] of Object.entries(files)) if (name.startsWith('Doc_0/')) files[name.replace('Doc_0', 'Doc_1')] = data;
    return packFiles(files);
  };
  const link = (n: number) => `<ofd:Signatures>/Doc_${n}/Signs/Signatures.xml</ofd:Signatures>`;

  test('are sealed one after the other when their lists were linked before', async () => {
    const ofd = await town.sealed(twoDocuments(link(0), link(1)));
    expect(verifyOfd(ofd, town.options).report.verdict).toBe('malformed');
    const both = await town.sealed(ofd, { documentIndex: 1 });
    expect(verifyOfd(both, town.options).report).toMatchObject({ verdict: 'genuine', signatures: [{}, { coverage: 'whole-file' }] });
    expect(stampsOf(both).map(({ documentIndex }) => documentIndex)).toEqual([0, 1]);
  });

  test('one seal covers both; the second document cannot be sealed then without breaking it', async () => {
    const ofd = await town.sealed(twoDocuments('', ''));
    expect(verifyOfd(ofd, town.options).report).toMatchObject({ verdict: 'genuine', official: true });
    await expect(town.sealed(ofd, { documentIndex: 1 })).rejects.toMatchObject({ code: 'ofd-not-sealable' });
  });
});

describe('sealing refuses', () => {
  test('a signer the seal does not name, before any key is used', async () => {
    const other = town.authority.issue('seal');
    const sign = () => Promise.reject(new Error('the key must not be asked'));
    await expect(town.sealed(undefined, { signerCertificate: other.certificate.der, sign })).rejects.toMatchObject({
      code: 'seal-signer-mismatch',
    });
  });

  test('what is no OFD file', async () => {
    await expect(town.sealed(Buffer.from('hello'))).rejects.toMatchObject({ code: 'ofd-not-readable' });
    await expect(town.sealed(packFiles({ 'a.txt': 'x' }))).rejects.toMatchObject({ code: 'ofd-not-readable' });
  });

  test('a page that is not there', async () => {
    const stamps = [{ pageIndex: 1, xMm: 0, yMm: 0, widthMm: 40, heightMm: 40 }];
    await expect(town.sealed(undefined, { stamps })).rejects.toMatchObject({ code: 'invalid-input' });
  });

  test('an OFD.xml in which the end of the document might be hidden in a comment', async () => {
    const files = sampleFiles();
    files['OFD.xml'] = (files['OFD.xml'] ?? '').replace('<ofd:DocBody>', '<!-- </ofd:DocBody> --><ofd:DocBody>');
    await expect(town.sealed(packFiles(files))).rejects.toMatchObject({ code: 'ofd-not-sealable' });
  });
});

test('a package whose OFD.xml has other prefixes, a BOM and an empty list can be sealed', async () => {
  const files = sampleFiles();
  files['OFD.xml'] = `\uFEFF${(files['OFD.xml'] ?? '')
    .replaceAll('ofd:', '')
    .replace('xmlns:ofd', 'xmlns')
    .replace('xmlns="http', 'xmlns="http')
    .replace('</DocRoot>', '</DocRoot><Signatures/>')}`;
  const ofd = await town.sealed(packFiles(files));
  expect(verifyOfd(ofd, town.options).report.verdict).toBe('genuine');
});

test('the list is written where OFD.xml already points to', async () => {
  const files = sampleFiles();
  files['OFD.xml'] = (files['OFD.xml'] ?? '').replace('</ofd:DocRoot>', '</ofd:DocRoot><ofd:Signatures>Doc_0/S/List.xml</ofd:Signatures>');
  const ofd = await town.sealed(packFiles(files));
  expect(Object.keys(unpack(ofd))).toContain('Doc_0/S/Sign_0/SignedValue.dat');
  expect(verifyOfd(ofd, { ...town.options, at: ASKED_AT }).report.verdict).toBe('genuine');
});

test('a file whose signature list was taken away is not called unsigned', () => {
  const bare = repack(sealed, { 'Doc_0/Signs/Signatures.xml': undefined });
  expect(verifyOfd(bare, town.options).report).toMatchObject({
    verdict: 'malformed',
    reasons: expect.arrayContaining(['signature-list-missing']),
  });
});
