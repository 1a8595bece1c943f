/** Files sealed under one test authority, for the tests of signing, verifying and forging. */
import { type SignPdfInput, signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import type { FileVerdict, VerifyOptions } from '#documents/verdict.ts';
import { DocumentAuthority, type TestIdentity } from '#test/fakes/document-authority.ts';
import { handMadePdf, samplePng } from '#test/fakes/sample-pdf.ts';

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
