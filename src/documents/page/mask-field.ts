/** What the public status page shows of a licence: enough to compare with the paper, not enough to learn anything. */
import { displayValue } from './display-value.ts';
import type { LicenceField, LicenceType } from './licence-type.ts';

export interface ShownField {
  key: string;
  label: { zh: string; en: string };
  value: string;
}

/** In the order of the type; empty fields are left out. */
export function maskedFieldsOf(type: LicenceType, fields: Readonly<Record<string, string>>): ShownField[] {
  return type.fields.flatMap((field) => {
    const value = fields[field.key];
    if (!value) return [];
    const shown = displayValue(field, value);
    return [{ key: field.key, label: field.label, value: field.masked ? maskedValue(field, shown) : shown }];
  });
}

/** Keeps the first character of a word and the ends of a number; a date keeps its year. */
function maskedValue(field: LicenceField, shown: string): string {
  const characters = Array.from(shown);
  if (field.kind === 'date') return `${shown.slice(0, 4)}年**月**日`;
  if (field.kind === 'citizen-number' || field.kind === 'uscc') return `${shown.slice(0, 4)}${'*'.repeat(10)}${shown.slice(-4)}`;
  if (characters.length <= 4) return `${characters[0] ?? ''}${'*'.repeat(Math.max(1, characters.length - 1))}`;
  return `${characters.slice(0, 3).join('')}***`;
}
