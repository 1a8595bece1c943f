/** Which PDF/A a document says it is, in its XMP (ISO 19005-2 §6.6.4). Whether it is so, nobody asks here. */
import type { PdfView } from './pdf-file.ts';
import { isStream } from './pdf-values.ts';

/** `2B`, `1A` …; '' when it claims none. Throws PdfError. */
export function pdfAOf(view: PdfView): string {
  const metadata = view.resolve(view.catalog.entries.get('Metadata'));
  if (!isStream(metadata)) return '';
  const text = Buffer.from(view.decode(metadata)).toString('utf8');
  const read = (key: string) => new RegExp(`pdfaid:${key}(?:>|=")([0-9A-Z]{1,2})`).exec(text)?.[1] ?? '';
  return read('part') + read('conformance');
}
