/** Each way a sealed file can be wrong, made with keys of our own under a fixed clock, and the verdict it must get. */
import { beforeAll, describe, expect, test } from 'vitest';
import { bitString, explicit, generalizedTime, ia5String, integer, octetString, oid, sequence, utcTime } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, rawFromDerSignature } from '#crypto/suite.ts';
import { addSignature } from '#documents/ofd/add-signature.ts';
import { lockOfd } from '#documents/ofd/lock-ofd.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { buildSesSignature } from '#documents/ses/build-signature.ts';
import type { VerifyOptions } from '#documents/verdict.ts';
import { DocumentAuthority, type IssueOptions } from '#test/fakes/document-authority.ts';
import { ASKED_AT, PROVIDER, packFiles, repack, SealingTown, SIGNED_AT, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';
const DESCRIPTION = 'Doc_0/Signs/Sign_0/Signature.xml';
const VALUE = 'Doc_0/Signs/Sign_0/SignedValue.dat';
const SEAL = 'Doc_0/Signs/Sign_0/Seal.esl';
const STAMPS = [{ pageIndex: 0, xMm: 140, yMm: 220, widthMm: 42, heightMm: 42 }];

let sealed: Uint8Array;
beforeAll(async () => {
  sealed = await town.sealed();
});

const ask = (ofd: Uint8Array, change: Partial<VerifyOptions> = {}) => verifyOfd(ofd, { ...town.options, ...change }).report;
const text = (ofd: Uint8Array, name: string) => Buffer.from(unpack(ofd)[name] ?? '').toString('utf8');

/** A sealed file whose value is made by hand from the bytes of Signature.xml. */
async function withValue(
  makeValue: (description: Uint8Array, path: string, seal: Uint8Array) => Promise<Uint8Array>,
  sealBeside?: Uint8Array,
): Promise<Uint8Array> {
  const seal = await town.seal();
  return addSignature(packFiles(sampleFiles()), {
    type: 'Seal',
    seal: sealBeside ?? seal,
    signedAt: SIGNED_AT,
    stamps: STAMPS,
    provider: PROVIDER,
    lock: false,
    makeValue: (description, path) => makeValue(description, path, seal),
  });
}

const signed = (seal: Uint8Array, dataHash: Uint8Array, propertyInfo: string) =>
  buildSesSignature({
    seal,
    signerCertificate: town.signer.certificate.der,
    signedAt: SIGNED_AT,
    dataHash,
    propertyInfo,
    sign: town.signer.sign,
  });

describe('altered', () => {
  test('one byte of a page changed', () => {
    const report = ask(repack(sealed, { [PAGE]: text(sealed, PAGE).replace('测试', '测诚') }));
    expect(report.verdict).toBe('altered');
    expect(report.signatures[0]).toMatchObject({ reasons: ['digest-mismatch'], changesAfter: [`changed: /${PAGE}`] });
  });

  test('a protected file removed', () => {
    const report = ask(repack(sealed, { 'Doc_0/Res/image.png': undefined }));
    expect(report).toMatchObject({ verdict: 'altered', signatures: [{ reasons: ['protected-file-missing'] }] });
    expect(report.signatures[0]?.changesAfter).toEqual(['missing: /Doc_0/Res/image.png']);
  });

  test('the signature description changed: the stamp moved to another place', () => {
    const report = ask(repack(sealed, { [DESCRIPTION]: text(sealed, DESCRIPTION).replace('140 220', '40 220') }));
    expect(report).toMatchObject({ verdict: 'altered', signatures: [{ reasons: ['data-hash-mismatch'] }] });
  });

  test('the signer certificate swapped for another one the seal names', async () => {
    const second = town.authority.issue('seal', { commonName: '99010000000001' });
    const seal = await town.seal({ signerCertificates: [town.signer.certificate.der, second.certificate.der] });
    const ofd = await town.sealed(undefined, { seal, signerCertificate: second.certificate.der });
    expect(ask(ofd)).toMatchObject({ verdict: 'altered', signatures: [{ reasons: ['signature-mismatch'] }] });
  });

  test('a digest of another length in the signed structure', async () => {
    const ofd = await withValue((description, path, seal) => signed(seal, digest('sm3', description).subarray(0, 20), path));
    expect(ask(ofd)).toMatchObject({ verdict: 'altered', signatures: [{ reasons: ['data-hash-mismatch'] }] });
  });

  test('the seal file beside the signature replaced, whether or not it was protected', async () => {
    const other = await town.seal({ name: '另一个印章' });
    expect(ask(repack(sealed, { [SEAL]: other }))).toMatchObject({ verdict: 'altered' });
    expect(ask(repack(sealed, { [SEAL]: other })).signatures[0]?.reasons).toEqual(
      expect.arrayContaining(['seal-file-differs', 'digest-mismatch']),
    );
  });

  test('a second signature added to a list that the first one protects', async () => {
    const locked = await town.sealed(undefined, { lock: true });
    const both = unpack(await town.sealed(sealed));
    const ofd = repack(locked, {
      'Doc_0/Signs/Signatures.xml': both['Doc_0/Signs/Signatures.xml'],
      'Doc_0/Signs/Sign_1/Signature.xml': both['Doc_0/Signs/Sign_1/Signature.xml'],
      'Doc_0/Signs/Sign_1/SignedValue.dat': both['Doc_0/Signs/Sign_1/SignedValue.dat'],
      'Doc_0/Signs/Sign_1/Seal.esl': both['Doc_0/Signs/Sign_1/Seal.esl'],
    });
    expect(ask(ofd).verdict).toBe('altered');
  });
});

describe('not valid', () => {
  test('a forged seal: the maker certificate is right, the maker signature is by another key', async () => {
    const forger = town.authority.issue('seal-maker');
    const seal = await town.seal({ sign: forger.sign });
    const report = ask(await town.sealed(undefined, { seal }));
    expect(report).toMatchObject({ verdict: 'not-valid', official: false });
    expect(report.signatures[0]?.reasons).toEqual(['maker-signature-mismatch']);
  });

  test.each([
    ['expired', { validTo: new Date('2026-11-20T07:59:59Z') }, 'seal-expired'],
    ['not yet valid', { validFrom: new Date('2026-11-20T08:00:01Z') }, 'seal-not-yet-valid'],
    ['made later', { createdAt: new Date('2026-11-20T08:00:01Z') }, 'used-before-seal-was-made'],
  ])('a seal that was %s when it was used', async (_case, change, reason) => {
    const seal = await town.seal(change);
    expect(ask(await town.sealed(undefined, { seal }))).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: [reason] }] });
  });

  test('a signer the seal does not name', async () => {
    const other = town.authority.issue('seal');
    const ofd = await withValue((description, path, seal) =>
      buildSesSignature({
        seal,
        signerCertificate: other.certificate.der,
        signedAt: SIGNED_AT,
        dataHash: digest('sm3', description),
        propertyInfo: path,
        sign: other.sign,
      }),
    );
    expect(ask(ofd)).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['signer-not-in-seal'] }] });
  });

  test.each([
    ['had expired', { notAfter: new Date('2026-11-20T07:00:00Z') }, 'signer-expired'],
    ['was not yet valid', { notBefore: new Date('2026-11-20T09:00:00Z') }, 'signer-not-yet-valid'],
    ['may encipher only', { change: { keyUsage: ['key-encipherment'] as const } }, 'signer-wrong-key-usage'],
  ])('a signer whose certificate %s', async (_case, options, reason) => {
    const signer = town.authority.issue('seal', options);
    const seal = await town.seal({ signerCertificates: [signer.certificate.der] });
    const report = ask(await town.sealed(undefined, { seal, signerCertificate: signer.certificate.der, sign: signer.sign }));
    expect(report.verdict).toBe('not-valid');
    expect(report.signatures[0]?.reasons).toContain(reason);
  });

  test('a revoked signer, even when the claimed time of signing lies before the revocation', () => {
    const entry = { serialHex: town.signer.certificate.serialHex, revokedAt: new Date('2026-11-20T20:00:00Z') };
    const crl = town.authority.crl([entry], new Date('2026-11-21T00:00:00Z'), new Date('2026-11-28T00:00:00Z'));
    const report = ask(sealed, { crls: [crl] });
    expect(report.verdict).toBe('not-valid');
    expect(report.signatures[0]?.reasons).toContain('signer-revoked');
  });

  test('a revoked seal maker', () => {
    const entry = { serialHex: town.maker.certificate.serialHex, revokedAt: new Date('2026-11-20T20:00:00Z') };
    const crl = town.authority.crl([entry], new Date('2026-11-21T00:00:00Z'), new Date('2026-11-28T00:00:00Z'));
    expect(ask(sealed, { crls: [crl] }).signatures[0]).toMatchObject({ verdict: 'not-valid', reasons: ['maker-revoked'] });
  });

  test('revocation that cannot be learnt, when it must be', () => {
    expect(ask(sealed, { crls: [] })).toMatchObject({ verdict: 'genuine', signatures: [{ reasons: ['revocation-unknown'] }] });
    expect(ask(sealed, { crls: [], requireRevocation: true })).toMatchObject({ verdict: 'not-valid', official: false });
  });

  test('a seal made by one of our certificates that is no seal maker', async () => {
    const citizen = town.authority.issue('person', { commonName: '张三' });
    const seal = await town.seal({}, citizen);
    expect(ask(await town.sealed(undefined, { seal })).signatures[0]).toMatchObject({
      verdict: 'not-valid',
      reasons: ['maker-wrong-profile'],
    });
  });

  test('a code signer used as a document signer', async () => {
    const signer = town.authority.issue('code-signer');
    const seal = await town.seal({ signerCertificates: [signer.certificate.der] });
    const report = ask(await town.sealed(undefined, { seal, signerCertificate: signer.certificate.der, sign: signer.sign }));
    expect(report.signatures[0]).toMatchObject({ verdict: 'not-valid', reasons: ['signer-wrong-profile'] });
  });

  test.each<[string, NonNullable<IssueOptions['change']>, string]>([
    ['an authority’s certificate', { policy: '', ca: true, keyUsage: ['digital-signature', 'key-cert-sign'] }, 'signer-is-a-ca'],
    ['a certificate for timestamps alone', { policy: '', extendedKeyUsage: [OID.timeStamping] }, 'signer-wrong-purpose'],
  ])('%s of another house used as a signer', async (_case, change, reason) => {
    const signer = town.authority.issue('seal', { change });
    const seal = await town.seal({ signerCertificates: [signer.certificate.der] });
    const report = ask(await town.sealed(undefined, { seal, signerCertificate: signer.certificate.der, sign: signer.sign }));
    expect(report.signatures[0]).toMatchObject({ verdict: 'not-valid', reasons: [reason] });
  });

  test('propertyInfo of another place', async () => {
    const ofd = await withValue((description, _path, seal) =>
      signed(seal, digest('sm3', description), '/Doc_0/Signs/Sign_7/Signature.xml'),
    );
    expect(ask(ofd)).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['property-info-mismatch'] }] });
  });

  test('a signed seal file that is not the seal in the signature', async () => {
    const beside = await town.seal({ name: '另一个印章' });
    const ofd = await withValue((description, path, seal) => signed(seal, digest('sm3', description), path), beside);
    expect(ask(ofd)).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['seal-file-differs'] }] });
  });

  test('a time of signing that has not come yet', async () => {
    const ofd = await town.sealed(undefined, { signedAt: new Date('2026-11-22T00:00:00Z') });
    expect(ask(ofd)).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['signed-in-the-future'] }] });
  });
});

describe('partly covered', () => {
  /** Drops files from the references before the value is made, as sloppy producers do. */
  async function sealedWithout(...names: string[]): Promise<Uint8Array> {
    let loose: Uint8Array = new Uint8Array();
    const first = await withValue(async (description, path, seal) => {
      let xml = Buffer.from(description).toString('utf8');
      for (const name of names) xml = xml.replace(new RegExp(`<ofd:Reference FileRef="/${name}">.*?</ofd:Reference>`), '');
      loose = Buffer.from(xml);
      return signed(seal, digest('sm3', loose), path);
    });
    return repack(first, { [DESCRIPTION]: loose });
  }

  test('a template that no signature protects', async () => {
    const ofd = await sealedWithout('Doc_0/Tpls/Tpl_0/Content.xml');
    const report = ask(ofd);
    expect(report).toMatchObject({ verdict: 'partly-covered', official: false });
    expect(report.reasons).toContain('shown-but-not-signed');
    expect(report.signatures[0]).toMatchObject({ verdict: 'genuine', coverage: 'partial', uncovered: ['/Doc_0/Tpls/Tpl_0/Content.xml'] });
    const changed = repack(ofd, { 'Doc_0/Tpls/Tpl_0/Content.xml': sampleFiles()[PAGE] });
    expect(ask(changed).verdict).toBe('partly-covered');
  });

  test('a second document added to an unprotected OFD.xml', async () => {
    const ofd = await sealedWithout('OFD.xml');
    const body = '<ofd:DocBody><ofd:DocInfo/><ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot></ofd:DocBody>';
    const files = sampleFiles();
    const added = repack(ofd, {
      'OFD.xml': text(ofd, 'OFD.xml').replace('</ofd:OFD>', `${body}</ofd:OFD>`),
      'Doc_1/Document.xml': files['Doc_0/Document.xml'],
      'Doc_1/Pages/Page_0/Content.xml': files[PAGE],
    });
    const report = ask(added);
    expect(report).toMatchObject({ verdict: 'partly-covered', official: false });
    expect(report.signatures[0]?.uncovered).toEqual(expect.arrayContaining(['/OFD.xml', '/Doc_1/Document.xml']));
  });

  test('a switched document root is altered: what was signed is not what is shown', async () => {
    const ofd = await sealedWithout('OFD.xml');
    const files = sampleFiles();
    const switched = repack(ofd, {
      'OFD.xml': text(ofd, 'OFD.xml').replace('Doc_0/Document.xml', 'Doc_0/Other.xml'),
      'Doc_0/Other.xml': files['Doc_0/Document.xml'],
    });
    expect(ask(switched)).toMatchObject({ verdict: 'altered', signatures: [{ reasons: ['document-root-switched'] }] });
  });

  test('and stays so when somebody signs all of it on top', async () => {
    const ofd = await sealedWithout('OFD.xml');
    const switched = repack(ofd, {
      'OFD.xml': text(ofd, 'OFD.xml').replace('Doc_0/Document.xml', 'Doc_0/Other.xml'),
      'Doc_0/Other.xml': sampleFiles()['Doc_0/Document.xml'],
    });
    const both = await town.sealed(switched);
    expect(ask(both)).toMatchObject({ verdict: 'altered', signatures: [{ verdict: 'altered' }, { verdict: 'genuine' }] });
  });

  test('a protected OFD.xml does not let a document be added or switched', () => {
    const changed = repack(sealed, { 'OFD.xml': text(sealed, 'OFD.xml').replace('Doc_0/Document.xml', 'Doc_0/Other.xml') });
    expect(ask(changed).verdict).toBe('altered');
  });

  test('a file added where a tolerant reader would look first', () => {
    const added = repack(sealed, { 'Res/image.png': 'another picture', 'PublicRes.xml': sampleFiles()['Doc_0/PublicRes.xml'] });
    expect(ask(added).verdict).toBe('partly-covered');
    const twin = repack(sealed, { 'doc_0/pages/page_0/content.xml': sampleFiles()[PAGE] });
    expect(ask(twin).signatures[0]?.uncovered).toEqual(['/doc_0/pages/page_0/content.xml']);
  });

  test.each([
    ['DocRoot', 'OFD.xml', '</ofd:DocRoot>', '</ofd:DocRoot><ofd:DocRoot>Doc_0/Late.xml</ofd:DocRoot>'],
    ['Pages', 'Doc_0/Document.xml', '</ofd:Pages>', '</ofd:Pages><ofd:Pages><ofd:Page ID="99" BaseLoc="Late.xml"/></ofd:Pages>'],
    [
      'PublicRes',
      'Doc_0/Document.xml',
      '</ofd:CommonData>',
      '</ofd:CommonData><ofd:CommonData><ofd:PublicRes>Late.xml</ofd:PublicRes></ofd:CommonData>',
    ],
  ])('a file put where a second %s, prepared before sealing, leads to', async (_name, entry, from, to) => {
    const files = sampleFiles();
    expect(files[entry]).toContain(from);
    const prepared = packFiles({ ...files, [entry]: (files[entry] ?? '').replace(from, to) });
    const late = repack(await town.sealed(prepared), { 'Doc_0/Late.xml': Buffer.from('<ofd:Page xmlns:ofd="u"/>') });
    expect(ask(late)).toMatchObject({ verdict: 'partly-covered', official: false });
  });

  test('a file that nothing links to is told, and does no harm', () => {
    const report = ask(repack(sealed, { 'Doc_0/notes.txt': 'nobody shows this' }));
    expect(report).toMatchObject({ verdict: 'genuine', reasons: expect.arrayContaining(['entries-not-linked']) });
  });

  test('what a citizen signs on top of a partial seal does not become official', async () => {
    const ofd = await sealedWithout('OFD.xml');
    const citizen = town.authority.issue('person', { commonName: '张三' });
    const both = await lockOfd(ofd, {
      certificates: [citizen.certificate.der],
      signedAt: SIGNED_AT,
      provider: PROVIDER,
      sign: citizen.sign,
    });
    expect(ask(both)).toMatchObject({ verdict: 'genuine', official: false });
  });
});

describe('untrusted and unsigned', () => {
  test('no anchor at all', () => {
    expect(ask(sealed, { anchors: [], officialAnchors: [] })).toMatchObject({
      verdict: 'untrusted-signer',
      signatures: [{ reasons: ['maker-chain-untrusted', 'signer-chain-untrusted'] }],
    });
  });

  test('a maker of another authority', async () => {
    const elsewhere = new DocumentAuthority({ name: '别处的根' });
    const maker = elsewhere.issue('seal-maker');
    const ofd = await town.sealed(undefined, { seal: await town.seal({}, maker) });
    expect(ask(ofd)).toMatchObject({ verdict: 'untrusted-signer', signatures: [{ reasons: ['maker-chain-untrusted'] }] });
    expect(ask(ofd, { anchors: [...town.options.anchors, elsewhere.root.certificate] })).toMatchObject({
      verdict: 'genuine',
      official: false,
    });
  });

  test('an anchor that is not official makes it genuine and no more', () => {
    expect(ask(sealed, { officialAnchors: [] })).toMatchObject({ verdict: 'genuine', official: false });
  });

  test('no list, or an empty one', () => {
    expect(ask(packFiles(sampleFiles()))).toMatchObject({ verdict: 'unsigned', reasons: [] });
    const empty = '<ofd:Signatures xmlns:ofd="http://www.ofdspec.org/2016"/>';
    expect(ask(repack(sealed, { 'Doc_0/Signs/Signatures.xml': empty }))).toMatchObject({
      verdict: 'unsigned',
      reasons: expect.arrayContaining(['signature-list-empty', 'signature-files-not-listed']),
    });
  });
});

describe('time', () => {
  test('a certificate that expired since is excused by the claimed time, and the report says so', () => {
    const crl = town.authority.crl([], new Date('2027-12-31T00:00:00Z'), new Date('2030-01-01T00:00:00Z'));
    const report = ask(sealed, { at: new Date('2029-06-01T00:00:00Z'), crls: [crl] });
    expect(report.verdict).toBe('genuine');
    expect(report.signatures[0]?.reasons).toContain('time-not-proven');
  });

  test('so is a seal that expired since', () => {
    const crl = town.authority.crl([], new Date('2028-05-31T00:00:00Z'), new Date('2030-01-01T00:00:00Z'));
    const report = ask(sealed, { at: new Date('2028-06-01T00:00:00Z'), crls: [crl] });
    expect(report).toMatchObject({ verdict: 'genuine', signatures: [{ reasons: ['time-not-proven'] }] });
  });

  test('a clock that is five minutes ahead is forgiven, six minutes are not', () => {
    expect(ask(sealed, { at: new Date(SIGNED_AT.getTime() - 5 * 60_000) }).verdict).toBe('genuine');
    expect(ask(sealed, { at: new Date(SIGNED_AT.getTime() - 6 * 60_000) }).verdict).toBe('not-valid');
  });
});

describe('malformed', () => {
  test.each([
    ['a list that is missing', { 'Doc_0/Signs/Signatures.xml': undefined }, 'signature-list-missing'],
    ['a signature file that is missing', { [DESCRIPTION]: undefined }, 'signature-file-missing'],
    ['a value that is missing', { [VALUE]: undefined }, 'signed-value-missing'],
    ['a value that is no structure', { [VALUE]: 'hello' }, 'signed-value-unreadable'],
    ['an empty value', { [VALUE]: '' }, 'signed-value-unreadable'],
  ])('%s', (_case, change, reason) => {
    const report = ask(repack(sealed, change));
    expect(report.verdict).toBe('malformed');
    expect([...report.reasons, ...report.signatures.flatMap(({ reasons }) => reasons)]).toContain(reason);
  });

  test('one signature listed twice', () => {
    const list = text(sealed, 'Doc_0/Signs/Signatures.xml');
    const item = /<ofd:Signature [^>]*>/.exec(list)?.[0] ?? '';
    const report = ask(repack(sealed, { 'Doc_0/Signs/Signatures.xml': list.replace(item, item + item.replace('s001', 's009')) }));
    expect(report).toMatchObject({ verdict: 'malformed', reasons: expect.arrayContaining(['signature-listed-twice']) });
  });

  test('bytes after the signature value', () => {
    const value = unpack(sealed)[VALUE] ?? new Uint8Array();
    expect(ask(repack(sealed, { [VALUE]: Buffer.concat([value, Buffer.from([0])]) })).verdict).toBe('malformed');
  });
});

describe('read with a warning', () => {
  const byHand = (parts: { time?: Uint8Array; after?: Uint8Array[]; raw?: boolean; tail?: (signature: Uint8Array) => Uint8Array[] }) =>
    withValue(async (description, path, seal) => {
      const toSign = sequence(
        integer(4),
        seal,
        parts.time ?? generalizedTime(SIGNED_AT),
        bitString(digest('sm3', description)),
        ia5String(path),
        ...(parts.after ?? []),
      );
      const der = await town.signer.sign(toSign);
      const signature = parts.raw ? rawFromDerSignature(der) : der;
      const tail = parts.tail?.(signature) ?? [];
      return sequence(toSign, octetString(town.signer.certificate.der), oid(OID.sm2WithSm3), bitString(signature), ...tail);
    });
  const extension = sequence(sequence(oid('1.2.3.4'), octetString(Buffer.from('x'))));

  test.each([
    ['UTCTime in a V4 structure', { time: utcTime(SIGNED_AT) }, ['time-info-type']],
    ['a raw r‖s value', { raw: true }, ['signature-value-raw']],
    ['untagged extension data', { after: [extension] }, ['signature-extensions-untagged']],
    ['tagged extension data', { after: [explicit(0, extension)] }, []],
    ['a field nobody knows', { after: [integer(7)] }, ['signature-unknown-field']],
  ])('%s', async (_case, parts, warnings) => {
    const report = ask(await byHand(parts));
    expect(report).toMatchObject({ verdict: 'genuine', signatures: [{ reasons: warnings }] });
  });

  test('a timestamp that is none is not valid', async () => {
    const report = ask(await byHand({ tail: () => [explicit(0, bitString(Buffer.from('dummy')))] }));
    expect(report).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['timestamp-unreadable'], time: { proven: null } }] });
  });

  test('namespace without the year, a BOM, and archive bytes in front and behind', () => {
    const list = text(sealed, 'Doc_0/Signs/Signatures.xml').replace('/2016', '');
    const ofd = repack(sealed, { 'Doc_0/Signs/Signatures.xml': `\uFEFF${list}` });
    const wrapped = Buffer.concat([Buffer.from('vendor header'), ofd, Buffer.from('vendor trailer')]);
    expect(ask(wrapped)).toMatchObject({
      verdict: 'genuine',
      reasons: expect.arrayContaining(['zip-data-before-archive', 'zip-data-after-archive']),
    });
  });
});

test('the moment of the question is the given one', () => {
  expect(ask(sealed, { at: ASKED_AT }).verdict).toBe('genuine');
});
