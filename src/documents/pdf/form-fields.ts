/** The interactive form's field tree (ISO 32000-1 §12.7.3): terminal fields with full names, inherited types and their widgets. */

import type { PdfView } from './pdf-file.ts';
import { isArray, isDict, isRef, isStream, nameOf, type PdfArray, type PdfDict, PdfError, type PdfValue, textOf } from './pdf-values.ts';

const MAX_DEPTH = 32;
const MAX_FIELDS = 50_000;

export interface FieldNode {
  /** Partial names joined with dots. */
  readonly name: string;
  readonly dict: PdfDict;
  readonly num: number | undefined;
  /** `Sig`, `Tx`, `Btn`, `Ch`, inherited where left out; undefined when nobody says it. */
  readonly type: string | undefined;
  /** Has no name of its own: only a widget of the field above. */
  readonly widgetOnly: boolean;
  readonly parent: FieldNode | undefined;
  readonly children: readonly FieldNode[];
}

export interface FormTree {
  readonly dict: PdfDict | undefined;
  readonly roots: readonly FieldNode[];
  /** All nodes, parents first. */
  readonly nodes: readonly FieldNode[];
  readonly byNumber: ReadonlyMap<number, FieldNode>;
}

/** Reads the form of a view. Loops are cut, not refused: a field seen before is passed over. Throws PdfError beyond limits. */
export function readForm(view: PdfView): FormTree {
  const dict = view.dict(view.catalog.entries.get('AcroForm'));
  const nodes: FieldNode[] = [];
  const byNumber = new Map<number, FieldNode>();
  const visit = (value: PdfValue, parent: FieldNode | undefined, depth: number): FieldNode | undefined => {
    if (depth > MAX_DEPTH || nodes.length > MAX_FIELDS) throw new PdfError('form-too-large');
    const num = isRef(value) ? value.num : undefined;
    if (num !== undefined && byNumber.has(num)) return undefined;
    const field = view.dict(value);
    if (!field) return undefined;
    const partial = textOf(view.get(field, 'T'));
    const children: FieldNode[] = [];
    const node: FieldNode = {
      name: [parent?.name, partial].filter((part) => part !== undefined && part !== '').join('.'),
      dict: field,
      num,
      type: nameOf(view.get(field, 'FT')) ?? parent?.type,
      widgetOnly: partial === undefined && parent !== undefined,
      parent,
      children,
    };
    nodes.push(node);
    if (num !== undefined) byNumber.set(num, node);
    for (const kid of itemsOf(view, field.entries.get('Kids'))) {
      const child = visit(kid, node, depth + 1);
      if (child) children.push(child);
    }
    return node;
  };
  const roots: FieldNode[] = [];
  for (const item of itemsOf(view, dict?.entries.get('Fields'))) {
    const root = visit(item, undefined, 0);
    if (root) roots.push(root);
  }
  return { dict, roots, nodes, byNumber };
}

/** The items of an array, or none when it is no array. */
export function itemsOf(view: PdfView, value: PdfValue | undefined): readonly PdfValue[] {
  const array = view.resolve(value);
  return isArray(array) ? (array as PdfArray).items : [];
}

/** The dictionaries that draw a field: itself when merged with its widget, and its nameless kids. */
export function widgetsOf(view: PdfView, node: FieldNode): FieldNode[] {
  const kids = node.children.filter(({ widgetOnly }) => widgetOnly);
  return nameOf(view.get(node.dict, 'Subtype')) === 'Widget' || kids.length === 0 ? [node, ...kids] : kids;
}

/** No page is larger (ISO 32000-1 annex C); numbers beyond are read in many ways. */
const MAX_COORDINATE = 1_000_000;

/**
 * Whether anything of the field can be seen: a rectangle with an area, or one that readers might make something of. A widget
 * without any is drawn as large as its appearance by some (MuPDF), one without height or width as a line (PDFium).
 */
export function isVisible(view: PdfView, node: FieldNode): boolean {
  return widgetsOf(view, node).some(({ dict }) => {
    if (view.get(dict, 'Rect') === null) return dict.entries.has('AP') || dict.entries.has('Subtype');
    const corners = itemsOf(view, dict.entries.get('Rect')).map((item) => view.resolve(item));
    const isPlain = corners.length === 4 && corners.every((one) => typeof one === 'number' && Math.abs(one) <= MAX_COORDINATE);
    const [x0, y0, x1, y1] = corners;
    return !isPlain || (x0 !== x1 && y0 !== y1) || ((x0 !== x1 || y0 !== y1) && dict.entries.has('AP')) || isBoundless(view, dict);
  });
}

/** Whether an appearance has no box by which readers could make it as small as the rectangle. */
function isBoundless(view: PdfView, widget: PdfDict): boolean {
  const normal = view.get(view.dict(widget.entries.get('AP')) ?? widget, 'N');
  const drawn = isDict(normal) ? [...normal.entries.values()].map((state) => view.resolve(state)) : [normal];
  return drawn.some((one) => isStream(one) && itemsOf(view, one.dict.entries.get('BBox')).length !== 4);
}

/** The value dictionary of a signature field, if it is signed. */
export function signatureValueOf(view: PdfView, node: FieldNode): PdfDict | undefined {
  if (node.type !== 'Sig' || node.widgetOnly) return undefined;
  const value = view.get(node.dict, 'V');
  return isDict(value) ? value : undefined;
}
