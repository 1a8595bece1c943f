import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembleCode, codeToBeSigned, protectedHeader } from '#codes/code-envelope.ts';
import { decimalFromBytes } from '#codes/decimal-text.ts';
import { DIGITS, hybridCheckCharacter } from '#codes/hybrid-check.ts';
import { readCode } from '#codes/read-code.ts';
import { formatShortNumber, isShortNumber, shortNumberOf } from '#codes/short-number.ts';
import { generateKeyPair, importPrivateKey, signMessage } from '#crypto/suite.ts';

const key = importPrivateKey(generateKeyPair('es256').pkcs8);
const header = protectedHeader('es256', 1);
const toBeSigned = codeToBeSigned(header, {
  codeType: 'licence',
  codeId: randomBytes(16),
  issuedAtSeconds: 1_780_000_000,
  expiresAtSeconds: 1_780_000_060,
  licenceTypeNumber: 2,
  statusIndex: 5,
});
const digits = decimalFromBytes(assembleCode(header, toBeSigned, signMessage(key, toBeSigned)));
const fullWidth = (text: string) => text.replace(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));

describe('what scanners add is forgiven', () => {
  test.each([
    ['a line end', `${digits}\r\n`],
    ['a tab and blanks', `\t ${digits} `],
    ['a blank after every fourth digit', digits.replace(/(.{4})/g, '$1 ')],
    ['full-width digits of an input method', fullWidth(digits)],
    ['ideographic blanks', `\u3000${digits}\u3000`],
    ['an AIM prefix', `]Q1${digits}`],
    ['a byte order mark', `\uFEFF${digits}`],
  ])('%s', (_what, text) => {
    expect(readCode(text)).toMatchObject({ kind: 'code', digits });
  });

  test('and so it is in the twin', () => {
    const shortNumber = shortNumberOf(randomBytes(16));
    for (const text of [
      formatShortNumber(shortNumber),
      fullWidth(shortNumber),
      `${shortNumber}\r`,
      shortNumber.replace(/(\d{4})(?=\d)/g, '$1-'),
    ]) {
      expect(readCode(text)).toEqual({ kind: 'short-number', shortNumber });
    }
  });
});

describe('all else is malformed, with a reason', () => {
  test.each([
    ['nothing', '', 'empty'],
    ['blanks only', ' \r\n', 'empty'],
    ['letters', 'https://example.com/v/abc', 'not-a-number'],
    ['a letter inside', `${digits.slice(0, 100)}O${digits.slice(101)}`, 'not-a-number'],
    ['Arabic digits', '١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠', 'not-a-number'],
    ['too few digits', '1'.repeat(19), 'wrong-length'],
    ['too many digits', '1'.repeat(500), 'too-long'],
    ['a very long text', '1'.repeat(100_000), 'too-long'],
    ['a leading zero', `0${digits}`, 'not-a-number'],
    ['a missing last digit', digits.slice(0, -1), undefined],
  ])('%s', (_what, text, reason) => {
    const read = readCode(text);
    expect(read.kind).toBe('malformed');
    if (reason && read.kind === 'malformed') expect(read.reason).toBe(reason);
  });

  test('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 400 }), fc.stringMatching(/^[0-9]{0,360}$/)), (text) => {
        expect(['code', 'short-number', 'malformed']).toContain(readCode(text).kind);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });
});

describe('the twin', () => {
  test('is twenty digits, does not begin with 0, and carries a check digit that verifies', () => {
    for (let index = 0; index < 500; index++) {
      const shortNumber = shortNumberOf(randomBytes(16));
      expect(shortNumber).toMatch(/^[1-9][0-9]{19}$/);
      expect(isShortNumber(shortNumber)).toBe(true);
    }
  });

  test('every single wrong digit is found', () => {
    const shortNumber = shortNumberOf(randomBytes(16));
    for (let at = 1; at < 20; at++) {
      for (const digit of DIGITS) {
        const changed = shortNumber.slice(0, at) + digit + shortNumber.slice(at + 1);
        expect(isShortNumber(changed)).toBe(changed === shortNumber);
      }
    }
  });

  test('at least 95 of 100 swaps of neighbours are found', () => {
    let found = 0;
    let tried = 0;
    for (let index = 0; index < 200; index++) {
      const shortNumber = shortNumberOf(randomBytes(16));
      for (let at = 1; at < 19; at++) {
        const swapped = `${shortNumber.slice(0, at)}${shortNumber[at + 1]}${shortNumber[at]}${shortNumber.slice(at + 2)}`;
        if (swapped === shortNumber) continue;
        tried++;
        if (!isShortNumber(swapped)) found++;
      }
    }
    expect(found / tried).toBeGreaterThan(0.95);
  });

  test('the example of ISO/IEC 7064 MOD 11,10: 0794 has the check digit 5', () => {
    expect(hybridCheckCharacter(DIGITS, '0794')).toBe('5');
  });

  test('neighbouring code ids give numbers with nothing in common', () => {
    const one = new Uint8Array(16);
    const two = Uint8Array.from(one);
    two[15] = 1;
    expect(shortNumberOf(one)).not.toBe(shortNumberOf(two));
    expect(shortNumberOf(one).slice(0, 6)).not.toBe(shortNumberOf(two).slice(0, 6));
  });
});
