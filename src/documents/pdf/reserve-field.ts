/** The part of an update that makes a field signed: field, widget, pages, form and catalog, each only as far as it must change. */
import { Problem } from '#problem.ts';
import { type FieldNode, type FormTree, itemsOf, readForm, widgetsOf } from './form-fields.ts';
import { appendItem, type Increment, rawEntry, rewriteDict, writeText } from './increment.ts';
import { putPageStamps, type SeamSeal } from './page-stamps.ts';
import { Pages, type PageTreeNode } from './pages.ts';
import type { PdfView } from './pdf-file.ts';
import { isArray, isRef, nameOf, type PdfDict, type PdfValue } from './pdf-values.ts';
import { formatPoints, type PagePlace, type PdfStamp, placeOnPage, putEmptyAppearance, putSealAppearance } from './seal-appearance.ts';

/** Fields that a signature closes (ISO 32000-1 §12.7.4.5, FieldMDP). Names are full names; a name closes all below it. */
export interface FieldLock {
  action: 'All' | 'Include' | 'Exclude';
  /** For `Include` and `Exclude`. */
  fields?: readonly string[];
}

/** An empty signature field for a later seal. */
export interface ReservedField {
  fieldName: string;
  /** Where that seal will stand; left out, it will not be seen. */
  place?: PagePlace;
  lock?: FieldLock;
}

export interface FieldInput {
  fieldName: string;
  stamp?: PdfStamp;
  certification?: 1 | 2 | 3;
  lock?: FieldLock;
  reserve?: readonly ReservedField[];
  furtherStamps?: readonly PdfStamp[];
  seam?: SeamSeal;
  /** Leaves the appearance of an invisible field out: then its update holds nothing but a timestamp. */
  bare?: boolean;
}

/** Print and locked; hidden and the like clear, as PDF/A demands of every annotation. */
const WIDGET_FLAGS = 132;
const NOWHERE: PagePlace = { pageIndex: 0, xMm: 0, yMm: 0, widthMm: 0, heightMm: 0 };

/** What the signature dictionary must repeat of the field. */
export interface PreparedField {
  /** `/Reference` entry, or nothing. */
  readonly reference: string;
}

function refuse(detail: string, detailZh: string): never {
  throw new Problem('pdf-not-signable', { detail, detailZh });
}

/** Puts field, widget, pages and form into the update. Throws Problem `pdf-not-signable`. */
export function prepareField(view: PdfView, increment: Increment, signatureNumber: number, input: FieldInput): PreparedField {
  const form = readForm(view);
  const field = form.nodes.find((node) => node.name === input.fieldName && !node.widgetOnly);
  if (field && field.type !== 'Sig') refuse('A field of this name exists and is no signature field.', '同名字段已存在，且不是签名字段。');
  if (field && view.get(field.dict, 'V') !== null) refuse('The signature field is signed already.', '该签名字段已被签署。');
  if (field && field.num === undefined)
    refuse('The signature field is written in a way that cannot be updated.', '该签名字段的写法不支持更新。');
  const pages = new Pages(view);
  const annotations = new Annotations(view, increment);
  const added: number[] = [];
  const lock = field ? lockOf(view, field, increment) : input.lock ? referenceOf(view, increment, input.lock) : '';
  if (field) fillField(view, increment, field, signatureNumber, input.stamp);
  else {
    const drawn = { place: input.stamp ?? NOWHERE, png: input.stamp?.png, value: `/V ${signatureNumber} 0 R`, bare: input.bare };
    added.push(putField(view, increment, pages, annotations, { fieldName: input.fieldName, lock: input.lock, ...drawn }));
  }
  for (const { fieldName, place = NOWHERE, lock: later } of input.reserve ?? []) {
    if (form.nodes.some(({ name }) => name === fieldName) || fieldName === input.fieldName)
      refuse('A field to be reserved exists already.', '要预留的签名域已存在。');
    added.push(putField(view, increment, pages, annotations, { fieldName, place, lock: later }));
  }
  putPageStamps(view, increment, pages, { stamps: input.furtherStamps ?? [], seam: input.seam }, (page, number) =>
    annotations.add(page, number),
  );
  annotations.put();
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
  return fieldMdp(increment.ref(root.num), `/Action/${action}${fields}`);
}

function referenceOf(view: PdfView, increment: Increment, lock: FieldLock): string {
  const root = view.trailer.entries.get('Root');
  return isRef(root) ? fieldMdp(increment.ref(root.num), writeLock(lock)) : '';
}

function fieldMdp(catalog: string, lock: string): string {
  return `<</Type/SigRef/TransformMethod/FieldMDP/Data ${catalog}/TransformParams<</Type/TransformParams/V/1.2${lock}>>>>`;
}

function writeLock({ action, fields = [] }: FieldLock): string {
  if ((action === 'All') !== (fields.length === 0))
    refuse('A lock names fields unless it is for all.', '签名锁定须指明字段，或锁定全部字段。');
  return `/Action/${action}${fields.length > 0 ? `/Fields[${fields.map(writeText).join(' ')}]` : ''}`;
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
  const rect = [0, 0, Math.abs(x1 - x0), Math.abs(y1 - y0)] as const;
  return putSealAppearance(increment, stamp.png, { rect, rotate: 0 });
}

interface NewField {
  fieldName: string;
  place: PagePlace;
  png?: Uint8Array | undefined;
  lock: FieldLock | undefined;
  /** `/V` entry, or nothing. */
  value?: string;
  bare?: boolean | undefined;
}

/** A field that is its own widget. */
function putField(
  view: PdfView,
  increment: Increment,
  pages: Pages,
  annotations: Annotations,
  { fieldName, place, png, lock, value = '', bare }: NewField,
): number {
  const at = placeOnPage(view, pages, place);
  const number = increment.allot();
  const [x0, y0, x1, y1] = at.rect;
  const drawn = () => (png ? putSealAppearance(increment, png, at) : putEmptyAppearance(increment, x1 - x0, y1 - y0));
  const appearance = bare ? '' : `/AP<</N ${drawn()} 0 R>>`;
  const rect = place === NOWHERE ? '0 0 0 0' : at.rect.map(formatPoints).join(' ');
  let closing = '';
  if (lock) {
    const lockNumber = increment.allot();
    increment.put(lockNumber, `<</Type/SigFieldLock${writeLock(lock)}>>`);
    closing = `/Lock ${lockNumber} 0 R`;
  }
  increment.put(
    number,
    `<</FT/Sig/Type/Annot/Subtype/Widget/T${writeText(fieldName)}/F ${WIDGET_FLAGS}/Rect[${rect}]/P ${increment.ref(at.pageNumber)}${value}${appearance}${closing}>>`,
  );
  annotations.add(pages.at(place.pageIndex) as PageTreeNode, number);
  return number;
}

/** New annotations, gathered so that each page or array of annotations is written once. */
class Annotations {
  readonly #view: PdfView;
  readonly #increment: Increment;
  readonly #lists = new Map<number, { page: PdfDict; list: PdfValue; own: boolean; items: string[] }>();

  constructor(view: PdfView, increment: Increment) {
    this.#view = view;
    this.#increment = increment;
  }

  add({ dict: page, num }: PageTreeNode, annotation: number): void {
    const value = page.entries.get('Annots');
    const list = this.#view.resolve(value);
    const isShared = isRef(value) && isArray(list);
    const owner = isShared ? value.num : (num as number);
    const known = this.#lists.get(owner) ?? { page, list, own: isShared, items: [] };
    known.items.push(`${annotation} 0 R`);
    this.#lists.set(owner, known);
  }

  put(): void {
    for (const [number, { page, list, own, items }] of this.#lists) {
      const text = items.join(' ');
      const array = isArray(list) ? appendItem(list, text) : `[${text}]`;
      this.#increment.put(number, own ? array : rewriteDict(page, { Annots: array }));
    }
  }
}

/** /Fields, /SigFlags 3 and /Perms, changing the form where it stands and the catalog only when it must. */
function updateForm(
  view: PdfView,
  increment: Increment,
  form: FormTree,
  added: readonly number[],
  signatureNumber: number,
  certification: FieldInput['certification'],
): void {
  const root = view.trailer.entries.get('Root');
  if (!isRef(root)) refuse('The PDF has no catalog that can be updated.', 'PDF 目录对象无法更新。');
  const { catalog } = view;
  const changes: Record<string, string | Buffer> = {};
  const formValue = catalog.entries.get('AcroForm');
  const references = added.map((number) => `${number} 0 R`).join(' ');
  const newForm = form.dict ? formChanges(view, increment, form.dict, references) : Buffer.from(`<</Fields[${references}]/SigFlags 3>>`);
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

/** The form with the new fields; undefined when nothing of it changes. */
function formChanges(view: PdfView, increment: Increment, dict: PdfDict, added: string): Buffer | undefined {
  const changes: Record<string, string | Buffer> = {};
  const flags = view.get(dict, 'SigFlags');
  if (typeof flags !== 'number' || (flags & 3) !== 3) changes['SigFlags'] = String((typeof flags === 'number' ? flags : 0) | 3);
  if (added) {
    const fields = dict.entries.get('Fields');
    const list = view.resolve(fields);
    if (isRef(fields) && isArray(list)) increment.put(fields.num, appendItem(list, added));
    else changes['Fields'] = isArray(list) ? appendItem(list, added) : `[${added}]`;
  }
  return Object.keys(changes).length > 0 ? rewriteDict(dict, changes) : undefined;
}

function permissions(view: PdfView, catalog: PdfDict, signatureNumber: number): Buffer {
  const perms = view.dict(catalog.entries.get('Perms'));
  const entry = { DocMDP: `${signatureNumber} 0 R` };
  return perms ? rewriteDict(perms, entry) : Buffer.from(`<</DocMDP ${entry.DocMDP}>>`);
}
