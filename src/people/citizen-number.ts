/**
 * Citizen identification numbers, GB 11643: six digits of area, eight of birth date, three of sequence, one check character.
 * Check-valid is not existence: whether the number is a person's own is for a register to say.
 */
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { faultyField } from '#problem.ts';
import { halfWidth } from './half-width.ts';

const EARLIEST_BIRTH_YEAR = 1800;

/**
 * First two digits of the area. The other four name the place of first registration, which may long be dissolved, so they are
 * not compared with a list. 81 82 83: residence permits of Hong Kong, Macao and Taiwan residents; 9: foreign permanent residents.
 */
const PROVINCES = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83'.split(' '),
);

export interface CitizenNumber {
  /** 18 characters, X upper case. */
  number: string;
  area: string;
  /** YYYY-MM-DD */
  birthDate: string;
  sex: 'male' | 'female';
}

/**
 * The 18-character form of what a person typed: full-width characters, blanks and a small x are forgiven, a number of the old
 * 15-digit form gets its century (19) and check character. Undefined when it is no citizen number.
 * @param at when given, a birth date after it is refused.
 */
export function normaliseCitizenNumber(text: string, at?: Date): string | undefined {
  if (text.length > 64) return undefined;
  const compact = halfWidth(text).replace(/[\s-]/g, '').toUpperCase();
  const number = /^\d{15}$/.test(compact) ? upgrade(compact) : compact;
  if (!/^\d{17}[\dX]$/.test(number)) return undefined;
  if (!number.startsWith('9') && !PROVINCES.has(number.slice(0, 2))) return undefined;
  if (!isBirthDate(number.slice(6, 14), at)) return undefined;
  return citizenCheckCharacter(number) === number[17] ? number : undefined;
}

export function isCitizenNumber(text: string, at?: Date): boolean {
  return normaliseCitizenNumber(text, at) !== undefined;
}

/** Throws Problem `invalid-input` at `/citizenNumber`. */
export function parseCitizenNumber(text: string, at?: Date): CitizenNumber {
  const number = normaliseCitizenNumber(text, at);
  if (!number) throw faultyField('/citizenNumber', 'This is not a citizen number.', '公民身份号码不正确。');
  return {
    number,
    area: number.slice(0, 6),
    birthDate: `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`,
    sex: Number(number[16]) % 2 === 1 ? 'male' : 'female',
  };
}

function upgrade(number15: string): string {
  const first17 = `${number15.slice(0, 6)}19${number15.slice(6)}`;
  return first17 + citizenCheckCharacter(first17);
}

function isBirthDate(digits: string, at: Date | undefined): boolean {
  const [year, month, day] = [Number(digits.slice(0, 4)), Number(digits.slice(4, 6)), Number(digits.slice(6))];
  if (year < EARLIEST_BIRTH_YEAR) return false;
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  // China is eight hours ahead of UTC: a child born today there is not born tomorrow.
  return exists && (at === undefined || date.getTime() <= at.getTime() + 8 * 3_600_000);
}
