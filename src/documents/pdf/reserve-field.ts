/** The part of an update that makes a field signed: field, widget, page, form and catalog, each only as far as it must change. */
import { Problem } from '#problem.ts';
import { type FieldNode, type FormTree, itemsOf, readForm, widgetsOf } from './form-fields.ts';
import { appendItem, type Increment, rawEntry, rewriteDict, writeText } from './increment.ts';
import type { PdfView } from './pdf-file.ts';
import { isArray, isRef, nameOf, type PdfDict } from './pdf-values.ts';
import { formatPoints, type PdfStamp, placeOnPage, putEmptyAppearance, putSealAppearance, type StampPlace } from './seal-appearance.ts';

export interface FieldInput {
  fieldName: string;
  stamp?: PdfStamp;
  certification?: 1 | 2 | 3;
}

/** Print and locked; hidden and the like clear, as PDF/A demands of every annotation. */
const WIDGET_FLAGS = 132;

/** What the signature dictionary must repeat of the field. */
export interface PreparedField {
  /** `/Reference` entry, or nothing. */
  readonly reference: string;
}

function refuse(detail: string, detailZh: string): never {
  throw new Problem('pdf-not-signable', { detail, detailZh });
}

/** Puts field, widget, page and form into the update. Throws Problem `pdf-not-signable`. */
export function prepareField(view: PdfView, increment: Increment, signatureNumber: number, input: FieldInput): PreparedField {
  const form = readForm(view);
  const field = form.nodes.find((node) => node.name === input.fieldName && !node.widgetOnly);
  if (field && field.type !== 'Sig') refuse('A field of this name exists and is no signature field.', '同名字段已存在，且不是签名字段。');
  if (field && view.get(field.dict, 'V') !== null) refuse('The signature field is signed already.', '该签名字段已被签署。');
  if (field && field.num === undefined)
    refuse('The signature field is written in a way that cannot be updated.', '该签名字段的写法不支持更新。');
  const lock = field ? lockOf(view, field, increment) : '';
  if (field) fillField(view, increment, field, signatureNumber, input.stamp);
  const added = field ? undefined : addField(view, increment, signatureNumber, input);
  updateForm(view, increment, form, added, signatureNumber, input.certification);
  const certified = input.certification
    ? `<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P ${input.certification}/V/1.2>>>>`
    : '';
  const references = certified + lock;
  return { reference: references ? `/Reference[${references}]` : '' };
}

/** A reserved field's /Lock becomes a FieldMDP transform (ISO 32000-1 §12.8.2.4). */
function lockOf(view: PdfView, field: FieldNode, increment: Increment): string {
  const lock = view.dict(field.dict.entries.get('Lock'));
  const action = lock && nameOf(view.get(lock, 'Action'));
  const root = view.trailer.entries.get('Root');
  if (!lock || !action || !isRef(root)) return '';
  const fields = itemsOf(view, lock.entries.get('Fields')).length > 0 ? `/Fields ${rawEntry(lock, 'Fields')?.toString('latin1')}` : '';
  return `<</Type/SigRef/TransformMethod/FieldMDP/Data ${increment.ref(root.num)}/TransformParams<</Type/TransformParams/V/1.2/Action/${action}${fields}>>>>`;
}

function fillField(view: PdfView, increment: Increment, field: FieldNode, signatureNumber: number, stamp: PdfStamp | undefined): void {
  const [widget = field] = widgetsOf(view, field);
  const appearance = appearanceFor(view, increment, widget, stamp);
  const value = { V: `${signatureNumber} 0 R` };
  const drawn = appearance === undefined ? {} : { AP: `<</N ${appearance} 0 R>>`, F: String(WIDGET_FLAGS) };
  if (widget === field) {
    increment.put(field.num as number, rewriteDict(field.dict, { ...value, ...drawn }));
    return;
  }
  increment.put(field.num as number, rewriteDict(field.dict, value));
  if (appearance !== undefined && widget.num !== undefined) increment.put(widget.num, rewriteDict(widget.dict, drawn));
}

/** The stamp drawn into the rectangle the field has. */
function appearanceFor(view: PdfView, increment: Increment, widget: FieldNode, stamp: PdfStamp | undefined): number | undefined {
  if (!stamp) return widget.dict.entries.has('AP') ? undefined : putEmptyAppearance(increment);
  const [x0, y0, x1, y1] = itemsOf(view, widget.dict.entries.get('Rect')).map((item) => view.resolve(item));
  if (typeof x0 !== 'number' || typeof y0 !== 'number' || typeof x1 !== 'number' || typeof y1 !== 'number')
    return putEmptyAppearance(increment);
  return putSealAppearance(increment, stamp.png, Math.abs(x1 - x0), Math.abs(y1 - y0), 0);
}

function addField(view: PdfView, increment: Increment, signatureNumber: number, { fieldName, stamp }: FieldInput): number {
  const place = placeOnPage(view, stamp ?? { pageIndex: 0, xMm: 0, yMm: 0, widthMm: 0, heightMm: 0 });
  const number = increment.allot();
  const [x0, y0, x1, y1] = place.rect;
  const turned = place.rotate === 90 || place.rotate === 270;
  const appearance = stamp
    ? putSealAppearance(increment, stamp.png, turned ? y1 - y0 : x1 - x0, turned ? x1 - x0 : y1 - y0, place.rotate)
    : putEmptyAppearance(increment);
  const rect = stamp ? place.rect.map(formatPoints).join(' ') : '0 0 0 0';
  increment.put(
    number,
    `<</FT/Sig/Type/Annot/Subtype/Widget/T${writeText(fieldName)}/F ${WIDGET_FLAGS}/Rect[${rect}]/P ${increment.ref(place.pageNumber)}/V ${signatureNumber} 0 R/AP<</N ${appearance} 0 R>>>>`,
  );
  addAnnotation(view, increment, place, number);
  return number;
}

function addAnnotation(view: PdfView, increment: Increment, { page, pageNumber }: StampPlace, widget: number): void {
  const annotations = page.entries.get('Annots');
  const list = view.resolve(annotations);
  const item = `${widget} 0 R`;
  if (isRef(annotations) && isArray(list)) increment.put(annotations.num, appendItem(list, item));
  else increment.put(pageNumber, rewriteDict(page, { Annots: isArray(list) ? appendItem(list, item) : `[${item}]` }));
}

/** /Fields, /SigFlags 3 and /Perms, changing the form where it stands and the catalog only when it must. */
function updateForm(
  view: PdfView,
  increment: Increment,
  form: FormTree,
  added: number | undefined,
  signatureNumber: number,
  certification: FieldInput['certification'],
): void {
  const root = view.trailer.entries.get('Root');
  if (!isRef(root)) refuse('The PDF has no catalog that can be updated.', 'PDF 目录对象无法更新。');
  const { catalog } = view;
  const changes: Record<string, string | Buffer> = {};
  const formValue = catalog.entries.get('AcroForm');
  const newForm = form.dict ? formChanges(view, increment, form.dict, added) : Buffer.from(`<</Fields[${added} 0 R]/SigFlags 3>>`);
  if (!form.dict) {
    const number = increment.allot();
    increment.put(number, newForm as Buffer);
    changes['AcroForm'] = `${number} 0 R`;
  } else if (newForm) {
    if (isRef(formValue)) increment.put(formValue.num, newForm);
    else changes['AcroForm'] = newForm;
  }
  if (certification) changes['Perms'] = permissions(view, catalog, signatureNumber);
  if (Object.keys(changes).length > 0) increment.put(root.num, rewriteDict(catalog, changes));
}

/** The form with the new field; undefined when nothing of it changes. */
function formChanges(view: PdfView, increment: Increment, dict: PdfDict, added: number | undefined): Buffer | undefined {
  const changes: Record<string, string | Buffer> = {};
  const flags = view.get(dict, 'SigFlags');
  if (typeof flags !== 'number' || (flags & 3) !== 3) changes['SigFlags'] = String((typeof flags === 'number' ? flags : 0) | 3);
  if (added !== undefined) {
    const fields = dict.entries.get('Fields');
    const list = view.resolve(fields);
    if (isRef(fields) && isArray(list)) increment.put(fields.num, appendItem(list, `${added} 0 R`));
    else changes['Fields'] = isArray(list) ? appendItem(list, `${added} 0 R`) : `[${added} 0 R]`;
  }
  return Object.keys(changes).length > 0 ? rewriteDict(dict, changes) : undefined;
}

function permissions(view: PdfView, catalog: PdfDict, signatureNumber: number): Buffer {
  const perms = view.dict(catalog.entries.get('Perms'));
  const entry = { DocMDP: `${signatureNumber} 0 R` };
  return perms ? rewriteDict(perms, entry) : Buffer.from(`<</DocMDP ${entry.DocMDP}>>`);
}
