/** Files sealed under one test authority, for the tests of signing, verifying and forging. */
import { type SignPdfInput, signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import type { FileVerdict, VerifyOptions } from '#documents/verdict.ts';
import { DocumentAuthority, type TestIdentity } from '#test/fakes/document-authority.ts';
import { appendUpdate, handMadePdf, samplePng } from '#test/fakes/sample-pdf.ts';

export const authority = new DocumentAuthority({ suite: 'es256' });
export const sealer = authority.issue('document-signer', { commonName: '测试局电子证照专用章' });
export const second = authority.issue('document-signer', { commonName: '第二机关' });
export const citizen = authority.issue('person', { commonName: '张三' });

export const SIGNED_AT = new Date('2026-11-21T03:00:00Z');
export const NOW = new Date('2026-11-21T04:00:00Z');

export const STAMP = { pageIndex: 0, xMm: 120, yMm: 30, widthMm: 40, heightMm: 40, png: samplePng(32) };

/** Signs with the sealer unless told otherwise; a visible stamp only when given. */
export function seal(pdf: Uint8Array, changes: Partial<SignPdfInput> = {}, by: TestIdentity = sealer): Promise<Uint8Array> {
  return signPdf(pdf, {
    certificates: [by.certificate.der],
    suite: 'es256',
    signedAt: SIGNED_AT,
    fieldName: 'Seal1',
    sign: by.sign,
    ...changes,
  });
}

/** Numbers of the objects that sealing `handMadePdf()` visibly adds. */
export const OBJECTS = { catalog: 1, page: 3, content: 4, font: 5, signature: 6, field: 7, appearance: 8, form: 11, next: 12 };

/** One page, one visible seal. */
export const sealedOnce = (changes: Partial<SignPdfInput> = {}): Promise<Uint8Array> => seal(handMadePdf(), { stamp: STAMP, ...changes });

export function check(pdf: Uint8Array, changes: Partial<VerifyOptions> = {}): FileVerdict {
  const anchors = [authority.root.certificate];
  return verifyPdf(pdf, { anchors, officialAnchors: anchors, at: NOW, ...changes }).report;
}

/** The file with one piece of text replaced by another of the same length. */
export function patch(pdf: Uint8Array, from: string | RegExp, to: string | ((found: string) => string)): Uint8Array {
  const text = Buffer.from(pdf).toString('latin1');
  const found = typeof from === 'string' ? from : (from.exec(text)?.[0] ?? '');
  const replacement = typeof to === 'string' ? to.padEnd(found.length, ' ') : to(found);
  if (!found || !text.includes(found) || replacement.length !== found.length) throw new Error(`cannot patch ${String(from)}`);
  return Buffer.from(
    text.replace(found, () => replacement),
    'latin1',
  );
}

export interface ForeignSignature {
  filter?: string;
  subFilter: string;
  /** What goes into /Contents, over the signed bytes. */
  contents: (signedBytes: Uint8Array) => Promise<Uint8Array> | Uint8Array;
  reserve?: number;
  rect?: string;
  /** All fields of the form, the new one (20) among them; others keep the catalog and change form object 11. */
  fields?: string;
}

/** A signature of a kind we only read, on `handMadePdf()` or another file of five objects. */
export async function signForeign(
  pdf: Uint8Array,
  { filter = 'Adobe.PPKLite', subFilter, contents, reserve = 8000, rect = '0 0 0 0', fields }: ForeignSignature,
): Promise<Uint8Array> {
  const gap = `<${'0'.repeat(reserve * 2)}>`;
  const range = '[0 AAAAAAAAAA BBBBBBBBBB CCCCCCCCCC]';
  const update = appendUpdate(pdf, {
    objects: {
      ...(fields
        ? { [OBJECTS.form]: `<</Fields[${fields}]/SigFlags 3>>` }
        : { [OBJECTS.catalog]: '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[20 0 R]/SigFlags 3>>>>' }),
      20: `<</FT/Sig/T(Foreign)/Type/Annot/Subtype/Widget/F 132/Rect[${rect}]/P 3 0 R/V 21 0 R>>`,
      21: `<</Type/Sig/Filter/${filter}/SubFilter/${subFilter}/M(D:20261121030000Z)/ByteRange ${range}/Contents ${gap}>>`,
    },
  });
  const text = Buffer.from(update).toString('latin1');
  const start = text.lastIndexOf(gap);
  const numbers = [start, start + gap.length, text.length - start - gap.length].map((number) => String(number).padEnd(10));
  const ready = Buffer.from(text.replace(range, `[0 ${numbers.join(' ')}]`), 'latin1');
  const value = await contents(Buffer.concat([ready.subarray(0, start), ready.subarray(start + gap.length)]));
  ready.write(Buffer.from(value).toString('hex'), start + 1, 'latin1');
  return ready;
}
