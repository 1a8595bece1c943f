/**
 * Unified social credit codes, GB 32100-2015: registering authority, kind, six digits of division, the nine-character
 * organisation code (GB 11714), and a check character over all.
 */
import { halfWidth } from './half-width.ts';
import { isOrganisationCode } from './organisation-code.ts';

/** 31 characters, value = index: no I, O, S, V, Z. */
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/** One code in 31 has the remainder 0, whose check value 31 is written as 0. */
export function usccCheckCharacter(first17: string): string {
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * ALPHABET.indexOf(first17[index] as string), 0);
  return ALPHABET[(31 - (sum % 31)) % 31] as string;
}

/** Upper case, blanks and full-width characters forgiven; undefined when either check character is wrong. */
export function normaliseUscc(text: string): string | undefined {
  if (text.length > 64) return undefined;
  const code = halfWidth(text).replace(/[\s-]/g, '').toUpperCase();
  if (!/^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(code)) return undefined;
  return usccCheckCharacter(code) === code[17] && isOrganisationCode(code.slice(8, 17)) ? code : undefined;
}

export function isUscc(text: string): boolean {
  return normaliseUscc(text) !== undefined;
}

const AUTHORITIES: Record<string, string> = {
  '1': 'staffing-office',
  '2': 'foreign-affairs',
  '3': 'justice',
  '4': 'culture',
  '5': 'civil-affairs',
  '6': 'tourism',
  '7': 'religion',
  '8': 'trade-union',
  '9': 'market-regulation',
  A: 'military',
  N: 'agriculture',
  Y: 'other',
};

/** Who registered the body, by the first character. */
export function registeringAuthorityOf(code: string): string {
  return AUTHORITIES[code[0] ?? ''] ?? 'other';
}
