/** What a signature forbids later revisions to do: DocMDP and FieldMDP (ISO 32000-2 §12.8.2.2 and 12.8.2.4). */
import type { Change } from './compare-revisions.ts';
import { itemsOf } from './form-fields.ts';
import type { PdfView } from './pdf-file.ts';
import { integerOf, nameOf, type PdfDict, textOf } from './pdf-values.ts';

export interface SignatureRules {
  /** Level of a certification: 1 nothing, 2 forms and signatures, 3 annotations too. */
  readonly certification: 1 | 2 | 3 | undefined;
  readonly locks: readonly { readonly action: string; readonly fields: readonly string[] }[];
}

/** The rules a signature dictionary carries. Unknown transform methods are no rules. */
export function rulesOf(view: PdfView, dict: PdfDict): SignatureRules {
  let certification: 1 | 2 | 3 | undefined;
  const locks: { action: string; fields: string[] }[] = [];
  for (const item of itemsOf(view, dict.entries.get('Reference'))) {
    const reference = view.dict(item);
    if (!reference) continue;
    const method = nameOf(view.get(reference, 'TransformMethod'));
    const parameters = view.dict(reference.entries.get('TransformParams'));
    if (method === 'DocMDP') {
      const level = integerOf(parameters ? view.get(parameters, 'P') : null) ?? 2;
      certification = level <= 1 ? 1 : level === 2 ? 2 : 3;
    } else if (method === 'FieldMDP' && parameters) {
      const fields = itemsOf(view, parameters.entries.get('Fields')).map((field) => textOf(view.resolve(field)) ?? '');
      locks.push({ action: nameOf(view.get(parameters, 'Action')) ?? 'All', fields });
    }
  }
  return { certification, locks };
}

/** Names are compared part by part: a lock on `a` covers `a.b`, a lock on `Sig1` does not cover `Sig10`. */
function isNamed(field: string, names: readonly string[]): boolean {
  return names.some((name) => field === name || field.startsWith(`${name}.`));
}

function isLocked(field: string, { locks }: SignatureRules): boolean {
  return locks.some(({ action, fields }) => {
    if (action === 'Include') return isNamed(field, fields);
    if (action === 'Exclude') return !isNamed(field, fields);
    return true;
  });
}

export type Ruling = 'allowed' | 'shown-unsigned' | 'forbidden';

/**
 * What a later change means for a signature with these rules.
 * @param isCertified whether any signature before the change certified the document.
 */
export function ruleOn(change: Change, rules: SignatureRules, isCertified: boolean): Ruling {
  switch (change.level) {
    case 'validation-data':
      return 'allowed';
    case 'annotation':
      if (isCertified && change.newVisibleField) return 'forbidden';
      if (change.drawn && isLocked(change.field ?? '', rules)) return 'forbidden';
      return rules.certification === undefined || rules.certification === 3 ? 'shown-unsigned' : 'forbidden';
    case 'forbidden':
      return 'forbidden';
    case 'form':
      if (rules.certification === 1) return 'forbidden';
      if (isCertified && change.newVisibleField) return 'forbidden';
      if (change.what === 'field-filled' && isLocked(change.field ?? '', rules)) return 'forbidden';
      // Signing a reserved field that was locked is filling it; a new field is none the lock could mean.
      if (change.what === 'signature-added' && !change.newField && isLocked(change.field ?? '', rules)) return 'forbidden';
      return change.what === 'field-filled' ? 'shown-unsigned' : 'allowed';
  }
}
