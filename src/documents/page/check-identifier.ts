/** Whether a number on a licence can be one. Stricter rules, on who exists, are for `people/`. */
import { citizenCheckCharacter, hasUsccCheck } from '#documents/check-characters.ts';

/** GB 11643-1999: 18 characters, a real birth date, ISO 7064 MOD 11-2. */
export function isCitizenNumber(text: string): boolean {
  if (!/^[1-9]\d{16}[\dX]$/.test(text)) return false;
  if (!isCalendarDate(`${text.slice(6, 10)}-${text.slice(10, 12)}-${text.slice(12, 14)}`)) return false;
  return citizenCheckCharacter(text) === text[17];
}

/** GB 32100-2015: 18 characters with their check. */
export function isUscc(text: string): boolean {
  return hasUsccCheck(text);
}

/** `YYYY-MM-DD` that exists. */
export function isCalendarDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
