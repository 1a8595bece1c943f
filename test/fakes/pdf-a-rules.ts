/**
 * Rules of PDF/A-2b (ISO 19005-2) that sealing could break: file structure, permissions, annotations, forms, images. Answers
 * the clauses that are broken. No whole validator: what a page draws besides is the renderer's, and judged in its own tests.
 */
import { itemsOf, readForm } from '#documents/pdf/form-fields.ts';
import { pagesOf } from '#documents/pdf/pages.ts';
import { pdfAOf } from '#documents/pdf/pdf-a-claim.ts';
import { openPdf, type PdfView } from '#documents/pdf/pdf-file.ts';
import { isArray, isDict, isStream, isString, nameOf, type PdfDict, type PdfValue } from '#documents/pdf/pdf-values.ts';

const ANNOTATIONS = new Set(
  'Text Link FreeText Line Square Circle Polygon PolyLine Highlight Underline Squiggly StrikeOut Stamp Caret Ink Popup FileAttachment Widget PrinterMark TrapNet Watermark'.split(
    ' ',
  ),
);
const [INVISIBLE, HIDDEN, PRINT, NO_VIEW, TOGGLE_NO_VIEW] = [1, 2, 4, 32, 256];

export function pdfAFaults(pdf: Uint8Array): string[] {
  const faults = new Set<string>();
  const file = openPdf(pdf);
  const view = file.viewAt(pdf.length);
  const text = Buffer.from(pdf).toString('latin1');
  if (!/%%EOF(\r\n|\r|\n)?$/.test(text) || !hasIdentifier(view) || view.encrypted) faults.add('6.1.3');
  for (const [, between = ''] of text.matchAll(/[\r\n]xref(\D*)\d+ \d+/g)) if (!/^(\r\n|\r|\n)$/.test(between)) faults.add('6.1.4');
  checkObjects(view, text, faults);
  if (!/^2[ABU]$/.test(pdfAOf(view))) faults.add('6.6.4');
  checkPermissions(view, faults);
  for (const { dict } of pagesOf(view)) {
    if (dict.entries.has('AA')) faults.add('6.5.2');
    for (const item of itemsOf(view, dict.entries.get('Annots'))) {
      const annotation = view.dict(item);
      if (annotation) checkAnnotation(view, annotation, faults);
    }
  }
  const form = readForm(view);
  if (form.dict && (view.get(form.dict, 'NeedAppearances') === true || form.dict.entries.has('XFA'))) faults.add('6.4.1');
  for (const { dict } of form.nodes) if (dict.entries.has('A') || dict.entries.has('AA')) faults.add('6.4.1');
  return [...faults].sort();
}

function hasIdentifier(view: PdfView): boolean {
  const parts = itemsOf(view, view.trailer.entries.get('ID'));
  return parts.length === 2 && parts.every((part) => isString(part) && part.bytes.length > 0);
}

function checkObjects(view: PdfView, text: string, faults: Set<string>): void {
  const seen = new Set<number>();
  for (const { entries } of view.sections) {
    for (const [num, entry] of entries) {
      if (entry.type !== 'plain' || entry.offset === 0 || seen.has(num)) continue;
      seen.add(num);
      const object = view.object(num);
      if (!object?.place) continue;
      const around = text.slice(object.place.start, object.place.start + 40);
      const body = text.slice(object.place.start, object.place.end);
      if (!/^\d+ \d+ obj[\r\n]/.test(around) || !/[\r\n]endobj$/.test(body) || !/(^|[\r\n])$/.test(text.slice(0, object.place.start)))
        faults.add('6.1.9');
      if (!/^([\r\n]|$)/.test(text.slice(object.place.end))) faults.add('6.1.9');
      if (!isStream(object.value)) continue;
      const { data, dict } = object.value;
      const after = text.slice(data.byteOffset - view.file.bytes.byteOffset + data.length).slice(0, 11);
      checkStream(
        view,
        dict,
        object.irregular || !/^(\r\n|\r|\n)endstream/.test(after) || view.get(dict, 'Length') !== data.length,
        faults,
      );
    }
  }
}

function checkStream(view: PdfView, dict: PdfDict, irregular: boolean, faults: Set<string>): void {
  if (irregular || ['F', 'FFilter', 'FDecodeParms'].some((key) => dict.entries.has(key))) faults.add('6.1.7.1');
  const filters = [view.get(dict, 'Filter')].flatMap((filter) => (isArray(filter) ? filter.items : [filter])).map(nameOf);
  if (filters.includes('LZWDecode')) faults.add('6.1.7.2');
  if (nameOf(view.get(dict, 'Subtype')) !== 'Image') return;
  if (dict.entries.has('Alternates') || dict.entries.has('OPI') || view.get(dict, 'Interpolate') === true) faults.add('6.2.8');
  const space = nameOf(view.get(dict, 'ColorSpace'));
  if (space === 'DeviceCMYK' || (space?.startsWith('Device') && !hasRgbIntent(view))) faults.add('6.2.4.3');
}

function hasRgbIntent(view: PdfView): boolean {
  return itemsOf(view, view.catalog.entries.get('OutputIntents')).some((item) => {
    const intent = view.dict(item);
    const profile = intent && view.get(intent, 'DestOutputProfile');
    return intent !== undefined && nameOf(view.get(intent, 'S')) === 'GTS_PDFA1' && isStream(profile) && view.get(profile.dict, 'N') === 3;
  });
}

function checkPermissions(view: PdfView, faults: Set<string>): void {
  const permissions = view.dict(view.catalog.entries.get('Perms'));
  for (const key of permissions?.entries.keys() ?? []) if (key !== 'UR3' && key !== 'DocMDP') faults.add('6.1.12');
  const certification = permissions && view.dict(permissions.entries.get('DocMDP'));
  for (const item of itemsOf(view, certification?.entries.get('Reference'))) {
    const reference = view.dict(item);
    if (reference && ['DigestLocation', 'DigestMethod', 'DigestValue'].some((key) => reference.entries.has(key))) faults.add('6.1.12');
  }
}

function checkAnnotation(view: PdfView, annotation: PdfDict, faults: Set<string>): void {
  const subtype = nameOf(view.get(annotation, 'Subtype')) ?? '';
  if (!ANNOTATIONS.has(subtype)) faults.add('6.3.1');
  const flags = view.get(annotation, 'F');
  if (subtype !== 'Popup') {
    if (typeof flags !== 'number' || !(flags & PRINT) || flags & (INVISIBLE | HIDDEN | NO_VIEW | TOGGLE_NO_VIEW)) faults.add('6.3.2');
  }
  const [x0, y0, x1, y1] = itemsOf(view, annotation.entries.get('Rect')).map((item) => view.resolve(item));
  const appearance = view.dict(annotation.entries.get('AP'));
  if (!appearance && !(x0 === x1 && y0 === y1) && subtype !== 'Popup' && subtype !== 'Link') faults.add('6.3.3');
  if (appearance) checkAppearance(view, annotation, appearance, faults);
  if (annotation.entries.has('AA') || (subtype === 'Widget' && annotation.entries.has('A'))) faults.add('6.4.1');
}

function checkAppearance(view: PdfView, annotation: PdfDict, appearance: PdfDict, faults: Set<string>): void {
  const normal: PdfValue = view.get(appearance, 'N');
  const isButton = nameOf(view.get(annotation, 'Subtype')) === 'Widget' && nameOf(view.get(annotation, 'FT')) === 'Btn';
  if ([...appearance.entries.keys()].some((key) => key !== 'N') || !(isButton ? isDict(normal) : isStream(normal))) faults.add('6.3.3');
}
