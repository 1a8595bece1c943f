/**
 * What a person, a camera or a scanner gun put into the field: a code, its twin, or neither. Forgives what scanners and
 * input methods add (blanks, line ends, hyphens, full-width digits, an AIM symbology prefix) and nothing else.
 */
import { type ParsedCode, parseCode } from './code-envelope.ts';
import { MalformedCodeError } from './code-types.ts';
import { bytesFromDecimal } from './decimal-text.ts';
import { isShortNumber, SHORT_NUMBER_DIGITS } from './short-number.ts';

export type ReadCode =
  | { kind: 'code'; digits: string; code: ParsedCode }
  | { kind: 'short-number'; shortNumber: string }
  | { kind: 'malformed'; reason: string };

/** Longest input looked at; a code with a blank after each digit still fits. */
const MAX_INPUT_CHARACTERS = 1_000;
/** Shorter than any code, longer than any twin. */
const FEWEST_CODE_DIGITS = 200;

/** Never throws. */
export function readCode(text: string): ReadCode {
  if (text.length > MAX_INPUT_CHARACTERS) return { kind: 'malformed', reason: 'too-long' };
  const digits = normaliseScan(text);
  if (digits === '') return { kind: 'malformed', reason: 'empty' };
  if (!/^[0-9]+$/.test(digits)) return { kind: 'malformed', reason: 'not-a-number' };
  if (digits.length === SHORT_NUMBER_DIGITS) {
    return isShortNumber(digits) ? { kind: 'short-number', shortNumber: digits } : { kind: 'malformed', reason: 'check-digit' };
  }
  if (digits.length < FEWEST_CODE_DIGITS) return { kind: 'malformed', reason: 'wrong-length' };
  try {
    return { kind: 'code', digits, code: parseCode(bytesFromDecimal(digits)) };
  } catch (error) {
    if (error instanceof MalformedCodeError) return { kind: 'malformed', reason: error.reason };
    throw error;
  }
}

/** Without what scanners and input methods add. May still be anything. */
export function normaliseScan(text: string): string {
  return text
    .replace(/[\uFF10-\uFF19]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xff10 + 0x30))
    .replace(/^\s*\][A-Za-z][0-9A-Za-z]/, '')
    .replace(/[\s\u200B-\u200D\u2060\uFEFF\u2010-\u2015\u2212\uFF0D-]/g, '');
}
