import { Problem } from '#problem.ts';
import { pagesOf } from './pages.ts';
import { openPdf } from './pdf-file.ts';
import { PdfError } from './pdf-values.ts';
import { shownSizeOf } from './seal-appearance.ts';

/** Sizes of the pages as readers show them, turned pages included. Throws Problem `pdf-not-signable` for what cannot be read. */
export function pageSizesOf(pdf: Uint8Array): { widthMm: number; heightMm: number }[] {
  try {
    const view = openPdf(pdf).viewAt(pdf.length);
    return pagesOf(view).map(({ dict }) => shownSizeOf(view, dict));
  } catch (error) {
    if (error instanceof PdfError) throw new Problem('pdf-not-signable', { cause: error });
    throw error;
  }
}
