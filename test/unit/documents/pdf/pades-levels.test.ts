import { describe, expect, test } from 'vitest';
import { parseSignedData } from '#crypto/cms.ts';
import { OID } from '#crypto/oids.ts';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { findSignatures, revisionsOf } from '#documents/pdf/find-signatures.ts';
import { openPdf } from '#documents/pdf/pdf-file.ts';
import type { RequestTimestamp } from '#documents/pdf/request-timestamp.ts';
import { type SignPdfInput, signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { appendUpdate, handMadePdf, samplePdf } from '#test/fakes/sample-pdf.ts';
import { timestampAuthority } from '#test/fakes/timestamp-authority.ts';
import { authority, check, NOW, SIGNED_AT, STAMP, seal, sealer, second } from './sealed-pdf.ts';

const STAMPED_AT = new Date('2026-11-21T03:00:02Z');
const tsa = authority.issue('timestamp');
const timestamp = timestampAuthority(tsa, () => STAMPED_AT);
const crl = authority.crl([], new Date('2026-11-21T03:30:00Z'), new Date('2026-12-21T00:00:00Z'));
const validationData = validationDataFrom({ anchors: [authority.root.certificate], crls: [crl], now: () => NOW });

const LEVELS = {
  'pades-b': {},
  'pades-t': { timestamp },
  'pades-lt': { timestamp, validationData },
  'pades-lta': { timestamp, validationData, archive: true },
} satisfies Record<string, Partial<SignPdfInput>>;
type Level = keyof typeof LEVELS;
const levels = Object.keys(LEVELS) as Level[];

const textOf = (pdf: Uint8Array) => Buffer.from(pdf).toString('latin1');

describe('levels', () => {
  test.each(levels)('%s is made in one call and told as such', async (level) => {
    const report = check(await seal(handMadePdf(), { stamp: STAMP, ...LEVELS[level] }));
    expect(report).toMatchObject({ verdict: 'genuine', official: true });
    expect(report.signatures[0]?.form).toBe(level);
    expect(report.signatures[0]?.time.proven).toBe(level === 'pades-b' ? null : STAMPED_AT.toISOString());
  });

  test('each level is the one before with revisions behind it, and no earlier byte changes', async () => {
    const pdf = await seal(handMadePdf(), LEVELS['pades-lta']);
    const file = openPdf(pdf);
    const revisions = revisionsOf(file, file.viewAt(pdf.length));
    expect(revisions).toHaveLength(4);
    // The line end behind the end mark is signed too.
    const forms = revisions.slice(1).map(({ end }) => check(pdf.subarray(0, end + 1)).signatures[0]?.form);
    expect(forms).toEqual(['pades-t', 'pades-lt', 'pades-lta']);
  });

  test('the timestamp is an unsigned attribute over the signature value', async () => {
    const pdf = await seal(handMadePdf(), LEVELS['pades-t']);
    const contents = Buffer.from(/\/Contents <([0-9A-F]+)>/.exec(textOf(pdf))?.[1] ?? '', 'hex');
    const [signer] = parseSignedData(contents).signers;
    expect(signer?.unsignedAttributes.map(({ oid }) => oid)).toEqual([OID.timeStampToken]);
  });

  test('the store names its data by the padded value of the signature, each object once', async () => {
    const pdf = await seal(handMadePdf(), LEVELS['pades-lt']);
    const text = textOf(pdf);
    expect(text).toMatch(/\/DSS \d+ 0 R/);
    expect(text).toMatch(/\/ESIC <<\/BaseVersion\/1.7\/ExtensionLevel 1>>/);
    expect(text).toMatch(/\/VRI <<\/[0-9A-F]{40} <<\/Cert\[\d+ 0 R \d+ 0 R\]\/CRL\[\d+ 0 R\]>>/);
    // Signer and timestamp authority; the root is everybody's own.
    expect(text).toMatch(/\/Certs \[\d+ 0 R \d+ 0 R\]/);
    expect(text).toMatch(/\/CRLs \[\d+ 0 R\]/);
  });

  test('a certification that allows no change still takes validation data and an archive timestamp', async () => {
    const pdf = await seal(handMadePdf(), { certification: 1, stamp: STAMP, ...LEVELS['pades-lta'] });
    expect(check(pdf)).toMatchObject({ verdict: 'genuine', signatures: [{ form: 'pades-lta' }, { kind: 'timestamp' }] });
  });
});

test('the field of a document timestamp has no appearance, except in PDF/A-1, which wants one of every field', async () => {
  const fieldOf = (pdf: Uint8Array) => /<<\/FT\/Sig[^\n]*\/T\(Timestamp1\)[^\n]*>>/.exec(textOf(pdf))?.[0] ?? '';
  expect(fieldOf(await seal(handMadePdf(), LEVELS['pades-lta']))).not.toContain('/AP');
  const xmp = '<pdfaid:part>1</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>';
  const pdfA1 = appendUpdate(handMadePdf(), {
    objects: {
      1: '<</Type/Catalog/Pages 2 0 R/Metadata 20 0 R>>',
      20: `<</Type/Metadata/Subtype/XML/Length ${xmp.length}>>\nstream\n${xmp}\nendstream`,
    },
  });
  expect(fieldOf(await seal(pdfA1, LEVELS['pades-lta']))).toContain('/AP');
});

describe('structures of the input', () => {
  const hybrid = async () => {
    const table = Buffer.from(await samplePdf({ streams: true }));
    return table;
  };
  test.each([
    ['a table', async () => handMadePdf()],
    ['a cross-reference stream', hybrid],
    ['three pages with annotations apart', async () => handMadePdf(['[]'], '/Annots 6 0 R')],
    [
      'a form in an object of its own',
      async () =>
        appendUpdate(handMadePdf(), {
          objects: { 1: '<</Type/Catalog/Pages 2 0 R/AcroForm 20 0 R>>', 20: '<</Fields[]/DA(/Helv 0 Tf)>>' },
        }),
    ],
  ] as const)('%s: two seals, each to B-LTA', async (_name, make) => {
    const once = await seal(await make(), { stamp: STAMP, ...LEVELS['pades-lta'] });
    const twice = await seal(once, { fieldName: 'Seal2', ...LEVELS['pades-lta'] }, second);
    const report = check(twice);
    expect(report.verdict).toBe('genuine');
    expect(report.signatures.map(({ form }) => form)).toEqual(['pades-lta', 'rfc3161', 'pades-lta', 'rfc3161']);
    const kinds = openPdf(twice)
      .viewAt(twice.length)
      .sections.map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(1);
  });
});

describe('room for the value', () => {
  test('is as large as the token that the authority really gives, and its tokens are measured once', async () => {
    const calls: number[] = [];
    const counting: RequestTimestamp = async (imprint, name) => {
      const token = await timestamp(imprint, name);
      calls.push(token.length);
      return token;
    };
    const one = await seal(handMadePdf(), { timestamp: counting });
    expect(calls).toHaveLength(2);
    await seal(handMadePdf(), { timestamp: counting });
    expect(calls).toHaveLength(3);
    const digits = /\/Contents <([0-9A-F]+)>/.exec(textOf(one))?.[1] ?? '';
    const used = digits.replace(/(00)+$/, '').length / 2;
    expect(digits.length / 2 - used).toBeLessThan(150);
  });

  test('an authority whose chain has grown since is given more room in a second attempt', async () => {
    const long = timestampAuthority(tsa, () => STAMPED_AT, [authority.root.certificate.der, second.certificate.der]);
    let asked = 0;
    const growing: RequestTimestamp = (imprint, name) => (++asked > 1 ? long : timestamp)(imprint, name);
    const pdf = await seal(handMadePdf(), { timestamp: growing, archive: true });
    expect(check(pdf).verdict).toBe('genuine');
    expect(asked).toBe(4);
  });

  test.each([
    [
      'over other data',
      (token: RequestTimestamp): RequestTimestamp =>
        (imprint, name) =>
          token(
            imprint.map((byte) => byte ^ 1),
            name,
          ),
    ],
    ['that is none', (): RequestTimestamp => async () => new Uint8Array(40)],
  ])('a token %s gives no file', async (_name, forge) => {
    await expect(seal(handMadePdf(), { timestamp: forge(timestamp) })).rejects.toMatchObject({ code: 'timestamp-not-usable' });
  });

  test('a timestamp that cannot be had is refused before the key is used', async () => {
    let used = false;
    const sign = async (bytes: Uint8Array) => {
      used = true;
      return sealer.sign(bytes);
    };
    const away: RequestTimestamp = () => Promise.reject(new Error('no answer'));
    await expect(seal(handMadePdf(), { timestamp: away, sign })).rejects.toThrow('no answer');
    expect(used).toBe(false);
  });
});

describe('validation data', () => {
  const missing = (sources: Partial<Parameters<typeof validationDataFrom>[0]>) =>
    seal(handMadePdf(), {
      timestamp,
      validationData: validationDataFrom({ anchors: [authority.root.certificate], now: () => NOW, ...sources }),
    });

  test('a chain without revocation data, or without an anchor, gives no file', async () => {
    await expect(missing({})).rejects.toMatchObject({ code: 'validation-data-missing' });
    await expect(missing({ anchors: [], crls: [crl] })).rejects.toMatchObject({ code: 'validation-data-missing' });
  });

  test('addresses of a chain that reaches no anchor are never asked', async () => {
    const asked: string[] = [];
    const fetchCrl = async (url: string) => {
      asked.push(url);
      return crl.der;
    };
    await expect(missing({ anchors: [], fetchCrl })).rejects.toMatchObject({ code: 'validation-data-missing' });
    expect(asked).toEqual([]);
  });
});

describe('SM2 with an SM2 timestamp', () => {
  const gm = new DocumentAuthority({ suite: 'sm2-sm3' });
  const signer = gm.issue('seal');
  const gmStamp = timestampAuthority(gm.issue('timestamp'), () => STAMPED_AT);
  const lists = [gm.crl([], new Date('2026-11-21T03:30:00Z'), new Date('2026-12-21T00:00:00Z'))];
  const anchors = [gm.root.certificate, authority.root.certificate];
  const sm2 = (pdf: Uint8Array, changes: Partial<SignPdfInput> = {}) =>
    signPdf(pdf, {
      certificates: [signer.certificate.der],
      suite: 'sm2-sm3',
      form: 'gm',
      signedAt: SIGNED_AT,
      fieldName: 'Sm2Seal',
      sign: signer.sign,
      timestamp: gmStamp,
      validationData: validationDataFrom({ anchors, crls: lists, now: () => NOW }),
      archive: true,
      ...changes,
    });

  test('all levels in one file', async () => {
    const { report } = verifyPdf(await sm2(handMadePdf()), { anchors, at: NOW });
    expect(report).toMatchObject({
      verdict: 'genuine',
      signatures: [{ suite: 'sm2-sm3', time: { proven: STAMPED_AT.toISOString() } }, {}],
    });
  });

  test('a second seal in the field reserved for it, beside the P-256 one that certifies', async () => {
    const place = { pageIndex: 0, xMm: 20, yMm: 30, widthMm: 40, heightMm: 40 };
    const first = await seal(handMadePdf(), { stamp: STAMP, certification: 2, reserve: [{ fieldName: 'Sm2Seal', place }], timestamp });
    expect(check(first).verdict).toBe('genuine');
    const both = await sm2(first, { stamp: { ...place, png: STAMP.png } });
    const { report } = verifyPdf(both, { anchors, at: NOW });
    expect(report.verdict).toBe('genuine');
    expect(report.signatures.map(({ suite, kind }) => suite ?? kind)).toEqual(['es256', 'sm2-sm3', 'timestamp']);
    expect(findSignatures(openPdf(both), openPdf(both).viewAt(both.length)).map(({ fieldName }) => fieldName)).toEqual([
      'Seal1',
      'Sm2Seal',
      'Timestamp1',
    ]);
    await expect(sm2(first, { fieldName: 'Elsewhere', stamp: STAMP })).rejects.toMatchObject({ code: 'pdf-not-signable' });
  });
});
