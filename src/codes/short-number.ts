/**
 * The twin of a code: 20 digits for reading aloud, typing, or a bar code. Nineteen come from SHA-256 over the code id
 * (128 random bits), the last is the check digit of ISO/IEC 7064 MOD 11,10. So nobody can guess one (9·10^18 numbers, of
 * which those alive are a few thousand), nobody can go back from it to the code, and code and twin share one use because
 * the store leads from the number to the same code id. The first digit is never 0: spreadsheets and scanners drop it.
 */
import { createHash } from 'node:crypto';
import { DIGITS, hybridCheckCharacter, isHybridChecked } from './hybrid-check.ts';

export const SHORT_NUMBER_DIGITS = 20;
const SMALLEST = 10n ** 18n;
const COUNT = 9n * SMALLEST;

export function shortNumberOf(codeId: Uint8Array): string {
  const hash = createHash('sha256').update('tongren short number\0').update(codeId).digest('hex');
  // 128 bits against a range of 63: the remainder favours no number by more than 2^-64.
  const body = (SMALLEST + (BigInt(`0x${hash.slice(0, 32)}`) % COUNT)).toString();
  return body + hybridCheckCharacter(DIGITS, body);
}

/** Whether these are twenty digits with the right check digit. Says nothing about a code being there. */
export function isShortNumber(digits: string): boolean {
  return /^[1-9][0-9]{19}$/.test(digits) && isHybridChecked(DIGITS, digits);
}

/** In groups of four, for people. */
export function formatShortNumber(shortNumber: string): string {
  return shortNumber.replace(/(\d{4})(?=\d)/g, '$1 ');
}
