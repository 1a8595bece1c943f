import { describe, expect, test } from 'vitest';
import { encodeSignedData } from '#crypto/cms.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { appendUpdate, bodyOf, type Forgery, handMadePdf } from '#test/fakes/sample-pdf.ts';
import { authority, check, citizen, OBJECTS, patch, STAMP, seal, sealedOnce, second, signForeign } from './sealed-pdf.ts';

const one = await sealedOnce();
const text = Buffer.from(one).toString('latin1');
const range = /\/ByteRange (\[0 +(\d+) +(\d+) +(\d+)\])/.exec(text) as RegExpExecArray;
const [length1, start2, length2] = [Number(range[2]), Number(range[3]), Number(range[4])];
const withRange = (value: string) => patch(one, range[1] as string, value);
const withContents = (value: (hex: string) => string) =>
  patch(one, text.slice(length1, start2), (found) => {
    const hex = value(found.slice(1, -1));
    return `<${hex}>`;
  });

test('a freshly sealed file is genuine and official, and a foreign anchor makes it untrusted', () => {
  expect(check(one)).toMatchObject({ verdict: 'genuine', official: true });
  expect(check(one, { anchors: [], officialAnchors: [] })).toMatchObject({ verdict: 'untrusted-signer', official: false });
});

test('another authority of the same name makes it untrusted: that its key does not fit is no fault of the seal', () => {
  const namesake = new DocumentAuthority({ suite: 'es256' });
  expect(namesake.root.certificate.subject.der).toEqual(authority.root.certificate.subject.der);
  const anchors = [namesake.root.certificate];
  const report = check(one, { anchors, officialAnchors: anchors });
  expect(report).toMatchObject({ verdict: 'untrusted-signer', official: false });
  expect(report.signatures[0]?.reasons).toContain('signer-chain-untrusted');
});

describe('universal forgery: ByteRange and Contents', () => {
  test.each([
    ['empty', () => withRange('[]')],
    ['null', () => withRange('null')],
    ['all zero', () => withRange('[0 0 0 0]')],
    ['negative', () => withRange(`[0 ${length1} ${start2} -${length2}]`)],
    ['past the end of the file', () => withRange(`[0 ${length1} ${start2} ${length2 + 5}]`)],
    ['three numbers', () => withRange(`[0 ${length1} ${start2}]`)],
    ['six numbers', () => withRange(`[0 ${length1} ${start2} 1 9 1]`)],
    ['not from the start', () => withRange(`[1 ${length1 - 1} ${start2} ${length2}]`)],
    ['one range only', () => withRange(`[0 ${one.length} ${one.length} 0]`)],
    ['a gap that is wider than Contents', () => withRange(`[0 ${length1 - 1} ${start2} ${length2}]`)],
    ['a gap that begins inside Contents', () => withRange(`[0 ${length1 + 3} ${start2} ${length2}]`)],
    ['second range moved', () => withRange(`[0 ${length1} ${start2 + 10} ${length2 - 10}]`)],
    ['ending early', () => withRange(`[0 ${length1} ${start2} ${length2 - 30}]`)],
    ['real numbers', () => withRange(`[0 ${length1}.5 ${start2} 9]`)],
    ['a name that is misspelt', () => patch(one, '/ByteRange', '/ByteRangf')],
    ['Contents of zeros', () => withContents((hex) => '0'.repeat(hex.length))],
    ['Contents empty', () => withContents((hex) => ' '.repeat(hex.length))],
    ['Contents null', () => patch(one, text.slice(length1, start2), 'null')],
    ['Contents as a literal string', () => patch(one, text.slice(length1, start2), (found) => `(${found.slice(1, -1)})`)],
    ['Contents cut short', () => withContents((hex) => hex.slice(0, 400) + '0'.repeat(hex.length - 400))],
    ['padding that is not zero', () => withContents((hex) => `${hex.slice(0, -4)}4142`)],
    ['a space inside Contents', () => withContents((hex) => `${hex.slice(0, -2)}  `)],
    [
      'a second ByteRange inside the gap',
      () => withContents((hex) => `${hex.slice(0, -70)}>/ByteRange[0 1 2 3]/X<`.padEnd(hex.length, '0')),
    ],
    ['another key inside the gap', () => withContents((hex) => `${hex.slice(0, -70)}>/Name(Forged)/X<`.padEnd(hex.length, '0'))],
  ])('%s is never genuine', (_name, forge) => {
    const report = check(forge());
    expect(['malformed', 'altered', 'not-valid']).toContain(report.verdict);
    expect(report.signatures.length + report.reasons.length).toBeGreaterThan(0);
  });
});

test('one flipped byte in the signed range is an altered file', () => {
  const report = check(patch(one, '(Sample) Tj', '(Sbmple) Tj'));
  expect(report.verdict).toBe('altered');
  expect(report.signatures[0]?.reasons).toContain('digest-mismatch');
});

/** A file whose only change is this update, appended to the sealed one. */
const forged = (forgery: Forgery, base: Uint8Array = one) => check(appendUpdate(base, forgery));
const field = bodyOf(one, OBJECTS.field);
const catalog = bodyOf(one, OBJECTS.catalog);
const page = bodyOf(one, OBJECTS.page);
const content = '<</Length 35>>\nstream\nBT /F1 24 Tf 60 760 Td (FORGED) Tj \nendstream';
const note = '<</Type/Annot/Subtype/FreeText/Rect[50 740 400 800]/F 4/Contents(FORGED)/DA(/F1 24 Tf 0 g)>>';

describe('incremental saving: what was appended after the seal', () => {
  test.each<[string, () => ReturnType<typeof check>]>([
    ['page content replaced', () => forged({ objects: { [OBJECTS.content]: content } })],
    ['font replaced', () => forged({ objects: { [OBJECTS.font]: '<</Type/Font/Subtype/Type1/BaseFont/Courier>>' } })],
    ['page content replaced without a cross-reference', () => forged({ objects: { [OBJECTS.content]: content }, withoutXref: true })],
    [
      'an object without a cross-reference but with an end mark',
      () => forged({ objects: { [OBJECTS.content]: content }, withoutXref: true, after: 'trailer\n<</Root 1 0 R>>\n%%EOF\n' }),
    ],
    [
      'an unlisted second version of an object',
      () => forged({ objects: { 20: '(x)' }, unlisted: [`${OBJECTS.content} 0 obj\n${content}\nendobj`] }),
    ],
    ['an update without Prev', () => forged({ objects: { [OBJECTS.content]: content }, trailer: `/Size 20/Root 1 0 R` })],
    [
      'an update whose Prev skips the seal',
      () => forged({ objects: { [OBJECTS.content]: content }, trailer: `/Size 20/Root 1 0 R/Prev ${/startxref\n(\d+)/.exec(text)?.[1]}` }),
    ],
    [
      'another catalog',
      () =>
        forged({
          objects: { 20: '<</Type/Catalog/Pages 21 0 R>>', 21: '<</Type/Pages/Kids[]/Count 0>>' },
          trailer: `/Size 22/Root 20 0 R/Prev ${/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1]}`,
        }),
    ],
    ['the page removed', () => forged({ objects: { 2: '<</Type/Pages/Kids[]/Count 0>>' } })],
    ['a page added', () => forged({ objects: { 2: '<</Type/Pages/Kids[3 0 R 20 0 R]/Count 2>>', 20: page } })],
    ['another media box', () => forged({ objects: { [OBJECTS.page]: page.replace('[0 0 595 842]', '[0 0 595 400]') } })],
    ['an open action', () => forged({ objects: { 1: catalog.replace('/Type', '/OpenAction<</S/JavaScript/JS(app.alert(1))>>/Type') } })],
    [
      'additional actions on the page',
      () => forged({ objects: { [OBJECTS.page]: page.replace('/Type', '/AA<</O<</S/JavaScript/JS(1)>>>>/Type') } }),
    ],
    ['optional content that hides', () => forged({ objects: { 1: catalog.replace('/Type', '/OCProperties<</OCGs[]/D<<>>>>/Type') } })],
    [
      'the seal picture replaced',
      () => forged({ objects: { [OBJECTS.appearance]: '<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 0>>\nstream\n\nendstream' } }),
    ],
    ['the field led to another picture', () => forged({ objects: { [OBJECTS.field]: field.replace(/\/AP\s*<<.*?>>/, '/AP<<>>') } })],
    ['the seal moved', () => forged({ objects: { [OBJECTS.field]: field.replace(/\/Rect\[[^\]]*\]/, '/Rect[0 0 500 500]') } })],
    ['the seal hidden', () => forged({ objects: { [OBJECTS.field]: field.replace('/F 132', '/F 2') } })],
    ['the field removed from the form', () => forged({ objects: { [OBJECTS.form]: '<</Fields[]/SigFlags 3>>' } })],
    ['the form removed from the catalog', () => forged({ objects: { 1: '<</Type/Catalog/Pages 2 0 R>>' } })],
    [
      'the signature dictionary rewritten',
      () => forged({ objects: { [OBJECTS.signature]: bodyOf(one, OBJECTS.signature).replace('/M(D:2026', '/M(D:2027') } }),
    ],
    ['the signature taken out of its field', () => forged({ objects: { [OBJECTS.field]: field.replace(/\/V \d+ 0 R/, '') } })],
    [
      'NeedAppearances set',
      () => forged({ objects: { [OBJECTS.form]: bodyOf(one, OBJECTS.form).replace('/SigFlags', '/NeedAppearances true/SigFlags') } }),
    ],
    [
      'a new text field',
      () =>
        forged({
          objects: {
            [OBJECTS.form]: '<</Fields[7 0 R 20 0 R]/SigFlags 3>>',
            20: '<</FT/Tx/T(x)/V(1)/Type/Annot/Subtype/Widget/Rect[0 0 500 500]>>',
          },
        }),
    ],
    [
      'an empty visible signature field',
      () =>
        forged({
          objects: {
            [OBJECTS.form]: '<</Fields[7 0 R 20 0 R]/SigFlags 3>>',
            [OBJECTS.page]: page.replace('[7 0 R]', '[7 0 R 20 0 R]'),
            20: '<</FT/Sig/T(x)/Type/Annot/Subtype/Widget/Rect[0 0 500 500]>>',
          },
        }),
    ],
    [
      'a widget of no field',
      () =>
        forged({
          objects: {
            [OBJECTS.page]: page.replace('[7 0 R]', '[7 0 R 20 0 R]'),
            20: '<</FT/Tx/T(x)/Type/Annot/Subtype/Widget/Rect[0 0 500 500]>>',
          },
        }),
    ],
    [
      'an object with a key twice',
      () => forged({ objects: { [OBJECTS.page]: page.replace('/Contents 4 0 R', '/Contents 4 0 R/Contents 20 0 R'), 20: content } }),
    ],
    [
      'a stream whose length lies',
      () => forged({ objects: { [OBJECTS.content]: bodyOf(one, OBJECTS.content).replace(/\/Length \d+/, '/Length 5') } }),
    ],
    ['a comment with structure', () => forged({ objects: { 20: '(x)' }, before: '% 4 0 obj\n' })],
    ['a trailing comment', () => check(Buffer.concat([one, Buffer.from('% not covered\n')]))],
    ['trailing garbage', () => check(Buffer.concat([one, Buffer.from('garbage')]))],
    [
      'encryption',
      () =>
        forged({
          objects: { 20: '<</Filter/Standard/V 1/R 2/O()/U()/P -4>>' },
          trailer: `/Size 21/Root 1 0 R/Encrypt 20 0 R/Prev ${/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1]}`,
        }),
    ],
  ])('%s is altered', (_name, run) => {
    const report = run();
    expect(['altered', 'malformed', 'unsupported']).toContain(report.verdict);
    expect(report.official).toBe(false);
  });

  test.each<[string, Record<number, string>]>([
    [
      'a new visible field that leads to the old signature',
      {
        [OBJECTS.form]: '<</Fields[7 0 R 20 0 R]/SigFlags 3>>',
        [OBJECTS.page]: page.replace('[7 0 R]', '[7 0 R 20 0 R]'),
        20: '<</FT/Sig/T(Other)/Type/Annot/Subtype/Widget/Rect[0 0 500 500]/V 6 0 R>>',
      },
    ],
    [
      'a new invisible field that leads to the old signature',
      { [OBJECTS.form]: '<</Fields[7 0 R 20 0 R]/SigFlags 3>>', 20: '<</FT/Sig/T(Other)/Rect[0 0 0 0]/V 6 0 R>>' },
    ],
    [
      'a second widget of the signed field',
      {
        [OBJECTS.field]: field.replace('/FT', '/Kids[20 0 R]/FT'),
        [OBJECTS.page]: page.replace('[7 0 R]', '[7 0 R 20 0 R]'),
        20: '<</Parent 7 0 R/Type/Annot/Subtype/Widget/Rect[0 0 500 500]>>',
      },
    ],
    ['the widget led to by a generation that is not', { [OBJECTS.page]: page.replace('[7 0 R]', '[7 9 R]') }],
    ['the signature led to by a generation that is not', { [OBJECTS.field]: field.replace('/V 6 0 R', '/V 6 9 R') }],
    ['the page led to by a generation that is not', { 2: '<</Type/Pages/Kids[3 7 R]/Count 1>>' }],
    ['the widget taken off its page', { [OBJECTS.page]: page.replace('[7 0 R]', '[]') }],
    ['a field of the same name', { [OBJECTS.form]: '<</Fields[7 0 R 20 0 R]/SigFlags 3>>', 20: '<</FT/Sig/T(Seal1)/Rect[0 0 0 0]>>' }],
    ['the field under a new parent', { [OBJECTS.field]: field.replace('/FT', '/Parent 20 0 R/FT'), 20: '<</FT/Sig/T(p)/Kids[7 0 R]>>' }],
  ])('%s is altered', (_name, objects) => {
    expect(forged({ objects }).verdict).toBe('altered');
  });

  test('an annotation over the page leaves the file partly covered', () => {
    const report = forged({ objects: { [OBJECTS.page]: page.replace('[7 0 R]', '[7 0 R 20 0 R]'), 20: note } });
    expect(report.verdict).toBe('partly-covered');
    expect(report.signatures[0]?.uncovered).toEqual(['annotation-added:FreeText']);
  });

  test.each([
    ['two catalogs', (previous: string) => `/Root 12 0 R/Root 1 0 R/Prev ${previous}`],
    ['two catalogs, one written otherwise', (previous: string) => `/Ro#6ft 12 0 R/Root 1 0 R/Prev ${previous}`],
    ['two revisions before', (previous: string) => `/Root 1 0 R/Prev 9/Prev ${previous}`],
    ['two keys to the file', (previous: string) => `/Root 1 0 R/Encrypt 12 0 R/Encrypt null/Prev ${previous}`],
  ])('a trailer that names %s is altered', (_name, trailer) => {
    const previous = /startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)?.[1] ?? '';
    const objects = { 12: bodyOf(one, OBJECTS.catalog) };
    expect(check(appendUpdate(one, { objects, trailer: `/Size 13/Root 1 0 R/Prev ${previous}` })).verdict).toBe('genuine');
    expect(check(appendUpdate(one, { objects, trailer: `/Size 13${trailer(previous)}` })).verdict).toBe('altered');
  });

  test('blank space behind the end mark changes nothing', () => {
    expect(check(Buffer.concat([one, Buffer.from('\r\n \n')])).verdict).toBe('genuine');
  });

  test('an update that only adds an object nobody uses leaves the file genuine', () => {
    expect(forged({ objects: { 20: '(unused)' } }).verdict).toBe('genuine');
  });
});

describe('shadow attacks: content prepared before the seal', () => {
  test('an object that was missing when sealed and appears later is a change', async () => {
    const prepared = handMadePdf([], '/Annots[30 0 R]');
    const sealed = await seal(prepared);
    expect(check(sealed).verdict).toBe('genuine');
    expect(forged({ objects: { 30: note } }, sealed).verdict).not.toBe('genuine');
  });

  test('so it is when it appears under another generation, at which some readers do not look', async () => {
    const sealed = await seal(handMadePdf([], '/Annots[50 0 R]'));
    expect(check(sealed)).toMatchObject({ verdict: 'genuine', official: true });
    const note = '<</Type/Annot/Subtype/FreeText/Rect[0 0 595 842]/DA(/Helv 40 Tf)/Contents(FORGED)>>';
    const update = Buffer.from(appendUpdate(sealed, { objects: { 50: note } })).toString('latin1');
    const forged = update.replace('\n50 0 obj', '\n50 1 obj').replace(/(50 1\n\d{10}) 00000 n/, '$1 00001 n');
    expect(forged).not.toBe(update);
    expect(check(Buffer.from(forged, 'latin1'))).toMatchObject({ verdict: 'altered', official: false });
  });

  test('an indirect stream length that changes later is a change', async () => {
    const prepared = handMadePdf(['<</Length 7 0 R>>\nstream\nBT ET\nendstream', '5'], '/Thumb 6 0 R');
    const sealed = await seal(prepared);
    expect(check(sealed).verdict).toBe('genuine');
    expect(forged({ objects: { 7: '2' } }, sealed).verdict).toBe('altered');
  });

  test('metadata that a page also draws may not be updated as metadata', async () => {
    const prepared = Buffer.from(handMadePdf(['<</Type/Metadata/Subtype/XML/Length 3>>\nstream\nq Q\nendstream'])).toString('latin1');
    const shared = Buffer.from(prepared.replace('/Contents 4 0 R', '/Contents 6 0 R'), 'latin1');
    const sealed = await seal(shared);
    const update = { 6: '<</Type/Metadata/Subtype/XML/Length 4>>\nstream\nq QQ\nendstream' };
    expect(forged({ objects: update }, sealed).verdict).toBe('altered');
  });

  describe('the title that a reader shows above the page', () => {
    const xmp = (data: Uint8Array) =>
      `<</Type/Metadata/Subtype/XML/Length ${data.length}>>\nstream\n${Buffer.from(data).toString('latin1')}\nendstream`;
    const titled = (inner: string) =>
      `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:d="http://purl.org/dc/elements/1.1/">${inner}</rdf:Description></rdf:RDF></x:xmpmeta>`;
    const old = '<dc:title><rdf:Alt><rdf:li>Old</rdf:li></rdf:Alt></dc:title>';
    const fresh = old.replace('Old', 'New');
    const catalog = '<</Type/Catalog/Pages 2 0 R/Metadata 6 0 R/ViewerPreferences<</DisplayDocTitle true>>>>';
    const sealedWith = (inner: string) => seal(appendUpdate(handMadePdf([xmp(Buffer.from(titled(inner)))]), { objects: { 1: catalog } }));

    test.each([
      ['another', titled(fresh)],
      ['another behind the old one in a comment', titled(`<!--${old}-->${fresh}`)],
      ['another before the old one in a comment', titled(`${fresh}<!--${old}-->`)],
      ['another under another prefix', titled(`${old}${fresh.replaceAll('dc:', 'd:')}`)],
    ])('%s: shown and not signed', async (_name, text) => {
      const sealed = await sealedWith(old);
      expect(check(appendUpdate(sealed, { objects: { 6: xmp(Buffer.from(text)) } }))).toMatchObject({
        verdict: 'partly-covered',
        official: false,
      });
    });

    test('one in UTF-16 where there was none', async () => {
      const sealed = await sealedWith('');
      expect(check(appendUpdate(sealed, { objects: { 6: xmp(Buffer.from(`\ufeff${titled(fresh)}`, 'utf16le')) } })).verdict).toBe(
        'partly-covered',
      );
    });

    test('other metadata beside the same title may change', async () => {
      const sealed = await sealedWith(old);
      const dated = xmp(Buffer.from(titled(`<xmp:ModifyDate xmlns:xmp="http://ns.adobe.com/xap/1.0/">2026-11-21</xmp:ModifyDate>${old}`)));
      expect(check(appendUpdate(sealed, { objects: { 6: dated } }))).toMatchObject({ verdict: 'genuine', official: true });
    });
  });

  test('a form value that was swapped after sealing is shown and not signed', async () => {
    const tx = '<</FT/Tx/T(amount)/V(100)/Type/Annot/Subtype/Widget/Rect[50 500 200 520]/P 3 0 R>>';
    const withForm = handMadePdf([tx], '/Annots[6 0 R]');
    const sealed = await seal(appendUpdate(withForm, { objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>' } }));
    expect(check(sealed).verdict).toBe('genuine');
    const filled = appendUpdate(sealed, { objects: { 6: tx.replace('(100)', '(999)') } });
    expect(check(filled)).toMatchObject({ verdict: 'partly-covered' });
    expect(check(await seal(filled, { fieldName: 'Seal2' }, second)).verdict).toBe('genuine');
    expect(forged({ objects: { 6: tx.replace('/Rect[50 500 200 520]', '/Rect[0 0 595 842]') } }, sealed).verdict).toBe('altered');
  });
});

describe('certification', () => {
  const annotate = (pdf: Uint8Array) =>
    appendUpdate(pdf, { objects: { [OBJECTS.page]: bodyOf(pdf, OBJECTS.page).replace('[7 0 R]', '[7 0 R 20 0 R]'), 20: note } });

  test.each([
    [1, 'altered'],
    [2, 'altered'],
    [3, 'partly-covered'],
  ] as const)('an annotation after certification level %i is %s', async (certification, verdict) => {
    const certified = await sealedOnce({ certification });
    expect(check(certified).verdict).toBe('genuine');
    expect(check(annotate(certified)).verdict).toBe(verdict);
  });

  test('a visible field that was not reserved breaks a certification, an invisible one does not', async () => {
    const certified = await sealedOnce({ certification: 2 });
    await expect(seal(certified, { fieldName: 'Seal2', stamp: STAMP }, second)).rejects.toMatchObject({ code: 'pdf-not-signable' });
    // What another program would write: the invisible seal's field with a rectangle, signed anew.
    const visible = await signForeign(certified, {
      subFilter: 'adbe.pkcs7.detached',
      rect: '0 0 500 500',
      fields: '7 0 R 20 0 R',
      contents: async (content) =>
        encodeSignedData({ form: 'pkcs7', suite: 'es256', certificates: [second.certificate.der], signature: await second.sign(content) }),
    });
    expect(check(visible).signatures.map(({ verdict }) => verdict)).toEqual(['altered', 'genuine']);
    expect(check(await seal(certified, { fieldName: 'Seal2' }, second)).verdict).toBe('genuine');
  });

  test('a reserved field may be sealed visibly after certification', async () => {
    const empty = '<</FT/Sig/T(Seal2)/Type/Annot/Subtype/Widget/F 132/Rect[300 300 400 400]/P 3 0 R>>';
    const reserved = appendUpdate(handMadePdf([empty], '/Annots[6 0 R]'), {
      objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>' },
    });
    const certified = await seal(reserved, { stamp: STAMP, certification: 2 });
    const twice = await seal(certified, { fieldName: 'Seal2', stamp: STAMP }, second);
    const report = check(twice);
    expect(report).toMatchObject({ verdict: 'genuine', official: true });
    expect(report.signatures.map(({ coverage }) => coverage)).toEqual(['whole-revision', 'whole-file']);
  });
});

describe('locks of fields', () => {
  const tx = (value: string) => `<</FT/Tx/T(amount)/V(${value})/Type/Annot/Subtype/Widget/Rect[50 500 200 520]/P 3 0 R>>`;
  const make = (lock: string) => {
    const sig = `<</FT/Sig/T(Seal1)/Type/Annot/Subtype/Widget/F 132/Rect[300 300 400 400]/P 3 0 R/Lock<</Type/SigFieldLock${lock}>>>>`;
    const catalog = '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R 7 0 R]>>>>';
    return appendUpdate(handMadePdf([tx('1'), sig], '/Annots[6 0 R 7 0 R]'), { objects: { 1: catalog } });
  };
  test.each([
    ['/Action/All', 'altered'],
    ['/Action/Include/Fields[(amount)]', 'altered'],
    ['/Action/Include/Fields[(amoun)]', 'partly-covered'],
    ['/Action/Exclude/Fields[(amount)]', 'partly-covered'],
    ['/Action/Exclude/Fields[(other)]', 'altered'],
  ])('after a lock %s a filled field leaves the file %s', async (lock, verdict) => {
    const locked = await seal(make(lock), { stamp: STAMP });
    expect(check(locked).verdict).toBe('genuine');
    expect(check(appendUpdate(locked, { objects: { 6: tx('9') } })).verdict).toBe(verdict);
  });
});

describe('official', () => {
  test('a citizen who signs alone is genuine and never official', async () => {
    expect(check(await sealedOnce({ sign: citizen.sign, certificates: [citizen.certificate.der] }))).toMatchObject({
      verdict: 'genuine',
      official: false,
    });
  });

  test('a citizen who draws a new field over a sealed page takes the official away', async () => {
    const drawn = check(await seal(one, { fieldName: 'Mine', stamp: STAMP }, citizen));
    expect(drawn).toMatchObject({ verdict: 'genuine', official: false });
    const unseen = check(await seal(one, { fieldName: 'Mine' }, citizen));
    expect(unseen).toMatchObject({ verdict: 'genuine', official: true });
  });

  test('what a citizen filled in and signed is not official, even over an official seal', async () => {
    const tx = '<</FT/Tx/T(amount)/V(100)/Type/Annot/Subtype/Widget/Rect[50 500 200 520]/P 3 0 R>>';
    const catalog = '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>';
    const sealed = await seal(appendUpdate(handMadePdf([tx], '/Annots[6 0 R]'), { objects: { 1: catalog } }));
    const filled = appendUpdate(sealed, { objects: { 6: tx.replace('(100)', '(999)') } });
    expect(check(await seal(filled, { fieldName: 'Mine' }, citizen))).toMatchObject({ verdict: 'genuine', official: false });
    expect(check(await seal(filled, { fieldName: 'Seal2' }, second))).toMatchObject({ verdict: 'genuine', official: true });
  });

  test('a sealed PDF attached without compression does not trouble the one that carries it', async () => {
    const attached = Buffer.from(one).toString('latin1');
    const carrier = handMadePdf([`<</Type/EmbeddedFile/Length ${attached.length}>>\nstream\n${attached}\nendstream`]);
    expect(check(carrier).verdict).toBe('unsigned');
    expect(check(await seal(carrier)).verdict).toBe('genuine');
  });

  test('an authority that is trusted but not official makes nothing official', () => {
    expect(check(one, { officialAnchors: [] })).toMatchObject({ verdict: 'genuine', official: false });
  });
});
