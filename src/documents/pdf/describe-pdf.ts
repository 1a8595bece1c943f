/** Facts about a PDF for people who look into one: revisions, pages, fields, signatures, validation data. Nothing is verified. */
import { storedData } from './document-security-store.ts';
import { findSignatures, revisionsOf } from './find-signatures.ts';
import { readForm, signatureValueOf } from './form-fields.ts';
import { locateSignature } from './locate-signature.ts';
import { pagesOf } from './pages.ts';
import { pdfAOf } from './pdf-a-claim.ts';
import { openPdf, type PdfView } from './pdf-file.ts';
import { shownSizeOf } from './seal-appearance.ts';

export interface PdfFacts {
  /** As the header has it; a catalog may raise it. */
  version: string;
  encrypted: boolean;
  /** `2B`, or '' when the file does not claim to be PDF/A. */
  pdfA: string;
  revisions: { bytes: number; crossReference: 'table' | 'stream' | 'hybrid' }[];
  pages: { count: number; sizes: { widthMm: number; heightMm: number; count: number }[] };
  fields: { name: string; type: string; signed: boolean }[];
  signatures: {
    field: string;
    subFilter: string;
    coverage: string;
    certification: number | null;
    current: boolean;
    contentsBytes: number;
  }[];
  validationData: { certificates: number; crls: number; ocspResponses: number };
}

const MAX_FIELDS = 1_000;

/** Throws PdfError for bytes that are no PDF. */
export function describePdf(bytes: Uint8Array): PdfFacts {
  const file = openPdf(bytes);
  const view = file.viewAt(bytes.length);
  const facts = {
    version: /%PDF-(\d\.\d)/.exec(Buffer.from(bytes.subarray(0, 1024)).toString('latin1'))?.[1] ?? '',
    encrypted: view.encrypted,
    revisions: revisionsOf(file, view).map(({ end, sections: [newest] }) => ({
      bytes: end,
      crossReference: newest?.hidden ? ('hybrid' as const) : (newest?.kind ?? 'table'),
    })),
    pages: pageFacts(view),
  };
  const data = view.encrypted ? { certificates: [], crls: [], ocspResponses: [] } : storedData(view);
  return {
    ...facts,
    pdfA: view.encrypted ? '' : pdfAOf(view),
    fields: readForm(view)
      .nodes.filter(({ widgetOnly, type }) => !widgetOnly && type !== undefined)
      .slice(0, MAX_FIELDS)
      .map((field) => ({ name: field.name, type: field.type ?? '', signed: signatureValueOf(view, field) !== undefined })),
    signatures: findSignatures(file, view).map((found, index) => {
      const { report, subFilter, rules, contents } = locateSignature(file, found, index);
      const certification = rules?.certification ?? null;
      const { fieldName: field, current } = found;
      return { field, subFilter, coverage: report.coverage, certification, current, contentsBytes: contents?.length ?? 0 };
    }),
    validationData: { certificates: data.certificates.length, crls: data.crls.length, ocspResponses: data.ocspResponses.length },
  };
}

function pageFacts(view: PdfView): PdfFacts['pages'] {
  const pages = pagesOf(view);
  const sizes = new Map<string, PdfFacts['pages']['sizes'][number]>();
  for (const { dict } of pages) {
    const shown = shownSizeOf(view, dict);
    const [widthMm, heightMm] = [Math.round(shown.widthMm * 10) / 10, Math.round(shown.heightMm * 10) / 10];
    const known = sizes.get(`${widthMm}×${heightMm}`) ?? { widthMm, heightMm, count: 0 };
    known.count++;
    sizes.set(`${widthMm}×${heightMm}`, known);
  }
  return { count: pages.length, sizes: [...sizes.values()] };
}
