/** How a stored value reads on the page. */
import type { LicenceField } from './licence-type.ts';

/** `2026-01-05` → `2026年01月05日`, a choice → its Chinese name. */
export function displayValue(field: LicenceField, value: string): string {
  if (field.kind === 'date') return displayDate(value);
  if (field.kind === 'choice') return field.choices?.find((choice) => choice.value === value)?.zh ?? value;
  return value;
}

export function displayDate(isoDate: string): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(isoDate);
  return match ? `${match[1]}年${match[2]}月${match[3]}日` : isoDate;
}
