/** The form's part of comparing revisions: filling and signing is told apart from everything else (ISO 32000-2 §12.8.2.2, 12.8.2.4). */
import type { Change, Step } from './compare-revisions.ts';
import { differingKeys, sameReference } from './compare-values.ts';
import { type FieldNode, isVisible, itemsOf, signatureValueOf, widgetsOf } from './form-fields.ts';
import { pagesOf } from './pages.ts';
import { isArray, isDict, isRef, nameOf, type PdfDict, type PdfValue } from './pdf-values.ts';

/** What filling in a field may touch. */
const FILLING = new Set(['V', 'AP', 'AS', 'I', 'RV', 'M', 'MK', 'DA', 'Q', 'Type', 'Kids', 'Parent']);
/** What signing an empty, reserved field may touch. */
const SIGNING = new Set(['V', 'AP', 'AS', 'F', 'M', 'Type', 'Kids', 'Parent', 'DA', 'Q', 'P', 'MK']);
const STRUCTURE = new Set(['Kids', 'Parent']);
const FORM_RULED = new Set(['Fields', 'SigFlags', 'NeedAppearances', 'DR', 'DA', 'Q']);
/** Set by the field's owner to close it after filling. */
const READ_ONLY = 1;

export function compareForms(step: Step): void {
  const { oldForm, newForm, before, after, comparison, report } = step;
  const forbid = (what: string) => report({ level: 'forbidden', what });
  if (!oldForm.dict && !newForm.dict) return;
  if (oldForm.dict && newForm.dict) {
    for (const key of differingKeys(comparison, oldForm.dict, newForm.dict, FORM_RULED)) forbid(`form-changed:${key}`);
  } else if (newForm.dict) {
    for (const key of newForm.dict.entries.keys()) if (!FORM_RULED.has(key) && key !== 'Type') forbid(`form-changed:${key}`);
  }
  const needs = (dict: PdfDict | undefined, view: typeof before) => dict !== undefined && view.get(dict, 'NeedAppearances') === true;
  if (needs(newForm.dict, after) && !needs(oldForm.dict, before)) forbid('need-appearances-set');
  compareDefaults(step, forbid);
  compareFields(step, oldForm.roots, newForm.roots);
}

/** Resources and defaults of the form may grow, unless something on a page is drawn from them; what was there stays. */
function compareDefaults(step: Step, forbid: (what: string) => void): void {
  const { oldForm, newForm, before, after, comparison } = step;
  if (!oldForm.dict || !newForm.dict) return;
  const { entries: was } = oldForm.dict;
  const { entries: is } = newForm.dict;
  const touched = ['DR', 'DA', 'Q'].filter((key) => !comparison.same(was.get(key), is.get(key), key));
  if (touched.length > 0 && isDrawnFromDefaults(step)) for (const key of touched) forbid(`form-changed:${key}`);
  for (const key of ['DA', 'Q']) {
    const old = oldForm.dict.entries.get(key);
    if (old !== undefined && !comparison.same(old, newForm.dict.entries.get(key), key)) forbid(`form-changed:${key}`);
  }
  const [a, b] = [before.dict(oldForm.dict.entries.get('DR')), after.dict(newForm.dict.entries.get('DR'))];
  if (!a) return;
  for (const [category, value] of a.entries) {
    const [was, is] = [before.resolve(value), b ? after.get(b, category) : null];
    const grown =
      isDict(was) && isDict(is) && [...was.entries].every(([name, entry]) => comparison.same(entry, is.entries.get(name), name));
    const union = isArray(was) && isArray(is);
    if (!grown && !union && !comparison.same(value, b?.entries.get(category), category)) forbid(`form-changed:DR`);
  }
}

/** Whether readers draw a field or free text themselves, for want of an appearance: in the form's fonts, colour and size. */
function isDrawnFromDefaults({ before, oldForm }: Step): boolean {
  return pagesOf(before).some((page) =>
    itemsOf(before, page.dict.entries.get('Annots')).some((item) => {
      const dict = before.dict(item);
      const subtype = dict && nameOf(before.get(dict, 'Subtype'));
      if (!dict || (subtype !== 'Widget' && subtype !== 'FreeText') || isDict(before.get(dict, 'AP'))) return false;
      const field = isRef(item) ? oldForm.byNumber.get(item.num) : undefined;
      return field?.type !== 'Sig' && !(field && (field.type === 'Tx' || field.type === 'Ch') && isEmpty(before, field));
    }),
  );
}

function isEmpty(view: Step['before'], field: FieldNode): boolean {
  for (let node: FieldNode | undefined = field; node; node = node.parent) if (view.get(node.dict, 'V') !== null) return false;
  return true;
}

/** Pairs fields by object number, or by name for those written in place. */
function compareFields(step: Step, old: readonly FieldNode[], fresh: readonly FieldNode[]): void {
  const keyOf = ({ num, name }: FieldNode) => (num === undefined ? `in place ${name}` : String(num));
  const rest = new Map(fresh.map((field) => [keyOf(field), field]));
  for (const field of old) {
    const twin = rest.get(keyOf(field));
    if (!twin) {
      step.report({ level: 'forbidden', what: field.type === 'Sig' ? 'signature-field-removed' : 'field-removed', field: field.name });
      continue;
    }
    rest.delete(keyOf(field));
    compareField(step, field, twin);
  }
  for (const field of rest.values()) judgeNewField(step, field);
}

function compareField(step: Step, old: FieldNode, fresh: FieldNode): void {
  const { comparison, report } = step;
  const owner = old.widgetOnly ? (old.parent ?? old) : old;
  if (!sameReference(old.dict.entries.get('Parent'), fresh.dict.entries.get('Parent'))) {
    report({ level: 'forbidden', what: 'field-changed:Parent', field: old.name });
  }
  if (owner.type === 'Sig') {
    compareSignatureField(step, old, fresh, owner);
  } else {
    const touched = differingKeys(comparison, old.dict, fresh.dict, STRUCTURE);
    const wrong = touched.filter((key) => !FILLING.has(key) && !(key === 'Ff' && onlyCloses(step, old, fresh)));
    if (wrong.length > 0) report({ level: 'forbidden', what: `field-changed:${wrong.join('+')}`, field: old.name });
    else if (touched.length > 0) report({ level: 'form', what: 'field-filled', field: old.name });
  }
  compareFields(step, old.children, fresh.children);
}

function onlyCloses({ before, after }: Step, old: FieldNode, fresh: FieldNode): boolean {
  const flags = (value: PdfValue) => (typeof value === 'number' ? value : 0);
  return (flags(before.get(old.dict, 'Ff')) | READ_ONLY) === flags(after.get(fresh.dict, 'Ff'));
}

/** A signed field is frozen whole; an empty one may be signed, and only then gets an appearance. */
function compareSignatureField(step: Step, old: FieldNode, fresh: FieldNode, owner: FieldNode): void {
  const { comparison, before, after, report, newForm } = step;
  const wasSigned = signatureValueOf(before, owner) !== undefined;
  const touched = differingKeys(comparison, old.dict, fresh.dict, STRUCTURE);
  if (touched.length === 0) return;
  const ownerNow = owner.num === undefined ? fresh : (newForm.byNumber.get(owner.num) ?? fresh);
  const value = signatureValueOf(after, ownerNow);
  const wrong = wasSigned ? touched : touched.filter((key) => !SIGNING.has(key));
  if (wrong.length > 0)
    report({ level: 'forbidden', what: `${wasSigned ? 'signed-' : ''}field-changed:${wrong.join('+')}`, field: owner.name });
  else if (!value || !isFresh(step, value)) report({ level: 'forbidden', what: `field-changed:${touched.join('+')}`, field: owner.name });
  else if (old === owner) report(signed(value, owner.name, isVisible(after, fresh) ? { drawn: true } : {}));
}

/** Whether the signature was made in this update: an older one led to by a new field would lend that field its good name. */
function isFresh({ before }: Step, value: PdfDict): boolean {
  return value.source === before.file.bytes && value.start >= before.end;
}

/** A timestamp tells when and not who: anybody gets one, so what its field draws is signed by nobody. */
function isTimestamp(value: PdfDict): boolean {
  return nameOf(value.entries.get('SubFilter')) === 'ETSI.RFC3161';
}

function signed(value: PdfDict, field: string, shown: Pick<Change, 'newVisibleField' | 'drawn'>): Change {
  if (!isTimestamp(value)) return { level: 'form', what: 'signature-added', field, ...shown };
  const isShown = shown.newVisibleField === true || shown.drawn === true;
  return { level: isShown ? 'annotation' : 'validation-data', what: isShown ? 'timestamp-drawn' : 'timestamp-added', field, ...shown };
}

/**
 * Only signature fields may be new, without actions, and an unsigned one only if nothing of it is drawn. So with every field below
 * it: readers draw a kid whatever stands above it.
 */
function judgeNewField(step: Step, field: FieldNode): void {
  judgeOneNewField(step, field);
  for (const child of field.children) {
    // A nameless kid is the field's own widget and was judged with it; below it nothing belongs.
    if (child.widgetOnly && !field.widgetOnly) for (const grandchild of child.children) judgeNewField(step, grandchild);
    else judgeNewField(step, child);
  }
}

function judgeOneNewField(step: Step, field: FieldNode): void {
  const { after, report } = step;
  const owner = field.widgetOnly ? field.parent : field;
  const drawn = widgetsOf(after, field);
  const value = owner && signatureValueOf(after, owner);
  const visible = isVisible(after, field);
  const isTaken = !field.widgetOnly && step.oldNames.has(field.name);
  const isSigned = value !== undefined && isFresh(step, value);
  const fault = isTaken ? 'field-name-taken' : faultOfNewField(owner, field, drawn, isSigned, visible);
  if (fault) report({ level: 'forbidden', what: fault, field: field.name });
  else if (field.widgetOnly) {
    const level = visible && value && isTimestamp(value) ? 'annotation' : 'form';
    report({ level, what: 'widget-added', field: field.name, ...(visible ? { newVisibleField: true } : {}) });
  } else if (value) report({ ...signed(value, field.name, visible ? { newVisibleField: true } : {}), newField: true });
  else report({ level: 'form', what: 'signature-field-added', field: field.name, newField: true });
}

/** Readers climb from a field to what it inherits, in a circle for ever. */
function hasOtherParent({ dict, parent }: FieldNode): boolean {
  const above = dict.entries.get('Parent') ?? null;
  return above !== null && !(isRef(above) && above.num === parent?.num);
}

function faultOfNewField(
  owner: FieldNode | undefined,
  field: FieldNode,
  drawn: readonly FieldNode[],
  isSigned: boolean,
  visible: boolean,
): string | undefined {
  if (owner?.type !== 'Sig') return 'field-added';
  if (drawn.some(({ dict }) => ['A', 'AA', 'Popup'].some((key) => dict.entries.has(key)))) return 'action-added';
  if ([field, ...drawn].some(({ dict }) => dict.duplicates.length > 0)) return 'duplicate-keys';
  if ([field, ...drawn].some(hasOtherParent)) return 'field-added';
  // A widget for a field that was there before is only for the update that signs the field.
  if (field.widgetOnly && !isSigned) return 'widget-added';
  if (!isSigned && field.dict.entries.has('V')) return 'field-of-other-signature';
  return visible && !isSigned ? 'empty-visible-field-added' : undefined;
}
