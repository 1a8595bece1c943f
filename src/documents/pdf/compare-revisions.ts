/**
 * What one update changed of what a reader shows, judged by refusing everything that no rule allows. Every path from the
 * catalog is walked, so an object that an allowed change overrides while a page uses it too is found.
 * Rules after EN 319 142-1 and ISO 32000-2 §12.8.2: updates of validation data; form filling and signing; annotations.
 */
import { compareForms } from './compare-forms.ts';
import { differingKeys, sameReference, ValueComparison } from './compare-values.ts';
import { type FormTree, itemsOf, readForm } from './form-fields.ts';
import { type PageTreeNode, readPageTree } from './pages.ts';
import type { PdfView } from './pdf-file.ts';
import { isDict, isRef, isStream, nameOf, type PdfDict, type PdfValue, textOf } from './pdf-values.ts';
import type { Update } from './read-updates.ts';

/** Worse ones later: `validation-data` is allowed always, `form` unless P=1 or locked, `annotation` at best leaves a file partly covered. */
export type ChangeLevel = 'validation-data' | 'form' | 'annotation' | 'forbidden';

export interface Change {
  readonly level: ChangeLevel;
  /** Stable word, with a name after a colon where one helps: `page-changed:Contents`. */
  readonly what: string;
  /** Full name of the field concerned. */
  readonly field?: string;
  /** The field was not there before. */
  readonly newField?: boolean;
  /** A new signature field that is drawn on a page. */
  readonly newVisibleField?: boolean;
  /** A field that was reserved before is signed, and what the signer put there is drawn on a page. */
  readonly drawn?: boolean;
}

/** Keys under which a reference to a field or widget means the field as such and is judged by the rules for forms. */
const FIELD_KEYS = new Set(['Annots', 'Kids', 'Fields', 'Parent', 'Obj', 'CO', 'Popup', 'IRT', 'T']);
const CATALOG_RULED = new Set(['AcroForm', 'Pages', 'DSS', 'Extensions', 'Version', 'Metadata', 'MarkInfo', 'Type']);
const INFO_FREE = new Set(['ModDate', 'Producer', 'Creator']);

export interface Step {
  readonly comparison: ValueComparison;
  readonly before: PdfView;
  readonly after: PdfView;
  readonly oldForm: FormTree;
  readonly newForm: FormTree;
  /** Full names of the fields there were. */
  readonly oldNames: ReadonlySet<string>;
  readonly report: (change: Change) => void;
}

/** The changes of one update. Throws PdfError when either revision cannot be read. */
export function changesOf({ before, after }: Pick<Update, 'before' | 'after'>): Change[] {
  const changes: Change[] = [];
  const report = (change: Change) => void changes.push(change);
  const forbid = (what: string) => report({ level: 'forbidden', what });
  const [oldRoot, newRoot] = [before.trailer.entries.get('Root'), after.trailer.entries.get('Root')];
  if (!isRef(oldRoot) || !isRef(newRoot) || !sameReference(oldRoot, newRoot)) return [{ level: 'forbidden', what: 'catalog-replaced' }];
  if (before.encrypted !== after.encrypted) forbid('encryption-changed');

  const [oldTree, newTree] = [readPageTree(before), readPageTree(after)];
  const [oldForm, newForm] = [readForm(before), readForm(after)];
  const pageNumbers = new Set(oldTree.flatMap(({ num }) => (num === undefined ? [] : [num])));
  const comparison = new ValueComparison(before, after, (num, key) => {
    if (num === oldRoot.num || pageNumbers.has(num)) return true;
    return FIELD_KEYS.has(key) && oldForm.byNumber.has(num);
  });
  const oldNames = new Set(oldForm.nodes.map(({ name }) => name));
  const step: Step = { comparison, before, after, oldForm, newForm, oldNames, report };

  const [oldCatalog, newCatalog] = [before.catalog, after.catalog];
  for (const key of differingKeys(comparison, oldCatalog, newCatalog, CATALOG_RULED)) forbid(`catalog-changed:${key}`);
  compareValidationData(step, oldCatalog, newCatalog);
  comparePages(step, oldTree, newTree);
  compareForms(step);
  compareInfo(step);
  return changes;
}

function compareValidationData({ comparison, before, after, report }: Step, oldCatalog: PdfDict, newCatalog: PdfDict): void {
  const differs = (key: string) => !comparison.same(oldCatalog.entries.get(key), newCatalog.entries.get(key), key);
  const dss = after.get(newCatalog, 'DSS');
  if (differs('DSS'))
    report(
      isDict(dss) ? { level: 'validation-data', what: 'validation-data-added' } : { level: 'forbidden', what: 'validation-data-removed' },
    );
  if (differs('Extensions') || differs('Version') || differs('MarkInfo')) report({ level: 'validation-data', what: 'extensions-changed' });
  if (differs('Metadata')) {
    const title = (view: PdfView, catalog: PdfDict) => titleOf(view, view.get(catalog, 'Metadata'));
    const same = title(before, oldCatalog) === title(after, newCatalog);
    report(same ? { level: 'validation-data', what: 'metadata-changed' } : { level: 'annotation', what: 'title-changed' });
  }
}

/** What XMP says a reader's title bar shows: all from its first mark of a title to its last, in whatever prefix, comment or attribute. */
function titleOf(view: PdfView, metadata: PdfValue): string {
  if (!isStream(metadata)) return '';
  // Without zeros UTF-16 and UTF-32 have their marks where UTF-8 has them.
  const text = Buffer.from(view.decode(metadata).filter((byte) => byte !== 0)).toString('utf8');
  const marks = Array.from(text.matchAll(/[<:/]title(?=[\s=/>])/g), ({ index }) => index);
  const [first, last] = [marks.at(0), marks.at(-1)];
  if (first === undefined || last === undefined) return '';
  const end = text.indexOf('>', last);
  return text.slice(first, end < 0 ? text.length : end);
}

function compareInfo({ comparison, before, after, report }: Step): void {
  const [oldInfo, newInfo] = [before.trailer.entries.get('Info'), after.trailer.entries.get('Info')];
  const [a, b] = [before.dict(oldInfo), after.dict(newInfo)];
  if (!a && !b) return;
  // An update without /Info leaves readers with the one before or with none: nothing new is shown.
  if (!b) return;
  const fresh = [...b.entries.keys()].filter((key) => !INFO_FREE.has(key) && (textOf(after.get(b, key)) ?? '') !== '');
  const changed = fresh.filter((key) => !a || !comparison.same(a.entries.get(key), b.entries.get(key), key));
  const missing = a ? [...a.entries.keys()].filter((key) => !INFO_FREE.has(key) && !b.entries.has(key)) : [];
  if (changed.length + missing.length > 0) report({ level: 'annotation', what: `info-changed:${[...changed, ...missing].join('+')}` });
}

const NODE_RULED = new Set(['Kids', 'Parent']);
const PAGE_RULED = new Set(['Annots', 'Parent']);

function comparePages(step: Step, oldTree: readonly PageTreeNode[], newTree: readonly PageTreeNode[]): void {
  const forbid = (what: string) => step.report({ level: 'forbidden', what });
  const shape = (tree: readonly PageTreeNode[]) => tree.map(({ kind, num, path }) => `${kind}${num ?? ''}${path}`).join();
  if (shape(oldTree) !== shape(newTree)) {
    forbid('page-tree-changed');
    return;
  }
  oldTree.forEach((before, index) => {
    const after = newTree[index] as PageTreeNode;
    if (before.kind === 'node') {
      for (const key of differingKeys(step.comparison, before.dict, after.dict, NODE_RULED)) forbid(`page-tree-changed:${key}`);
      return;
    }
    for (const key of differingKeys(step.comparison, before.dict, after.dict, PAGE_RULED)) forbid(`page-changed:${key}`);
    compareParents(before, after, forbid);
    compareAnnotations(step, before.dict, after.dict);
  });
}

/** Where a page looks for what it inherits. */
function compareParents(before: PageTreeNode, after: PageTreeNode, forbid: (what: string) => void): void {
  const [a, b] = [before.dict.entries.get('Parent'), after.dict.entries.get('Parent')];
  if (!sameReference(a, b)) forbid('page-changed:Parent');
}

/** Old annotations must all be there unchanged, in their order; new ones may only be widgets that the form's rules judge. */
function compareAnnotations(step: Step, oldPage: PdfDict, newPage: PdfDict): void {
  const { before, after, comparison, oldForm, newForm, report } = step;
  const fresh = itemsOf(after, newPage.entries.get('Annots'));
  let rest: PdfValue[] = [];
  let at = 0;
  for (const old of itemsOf(before, oldPage.entries.get('Annots'))) {
    const isTwin = (item: PdfValue) => (isRef(old) ? sameReference(old, item) : !isRef(item) && comparison.same(old, item, 'Annots'));
    const from = at;
    while (at < fresh.length && !isTwin(fresh[at] as PdfValue)) at++;
    if (at === fresh.length) {
      report({ level: 'forbidden', what: 'annotation-removed' });
      return;
    }
    if (at > from) rest = rest.concat(fresh.slice(from, at));
    at++;
    const isField = isRef(old) && oldForm.byNumber.has(old.num);
    if (isRef(old) && !isField && !comparison.same(old, old, 'Annots')) report({ level: 'forbidden', what: 'annotation-changed' });
  }
  rest = rest.concat(fresh.slice(at));
  for (const item of rest) {
    const field = isRef(item) ? newForm.byNumber.get(item.num) : undefined;
    const subtype = nameOf(after.get(after.dict(item) ?? newPage, 'Subtype')) ?? '';
    const isNewSignature = field?.type === 'Sig' && (!oldForm.byNumber.has(field.num ?? -1) || isSignedNow(step, field.num));
    // Other kinds are drawn from more than their rectangle, by which the form's rules tell what can be seen.
    if (isNewSignature && subtype === 'Widget') continue;
    report(
      subtype === 'Widget' ? { level: 'forbidden', what: 'widget-added' } : { level: 'annotation', what: `annotation-added:${subtype}` },
    );
  }
}

function isSignedNow({ before, after, oldForm, newForm }: Step, num: number | undefined): boolean {
  const [a, b] = [oldForm.byNumber.get(num ?? -1), newForm.byNumber.get(num ?? -1)];
  return Boolean(a && b && !isDict(before.get(a.dict, 'V')) && isDict(after.get(b.dict, 'V')));
}
