/**
 * Shamir's secret sharing over GF(2^8) (Shamir 1979, the field of FIPS 197): any `threshold` shares give the secret back, fewer
 * say nothing about it. Shares are text that people can keep on paper: each finds its own typing errors and knows its set.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const MAX_SHARES = 32;
const PREFIX = 'TRS1';
/** Crockford's Base32: no letters that look like digits. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHECK_OCTETS = 4;
const SET_OCTETS = 4;

export class SecretShareError extends Error {
  override name = 'SecretShareError';
}

export interface SecretShare {
  /** Which splitting it belongs to, eight hexadecimal digits. */
  set: string;
  threshold: number;
  /** 1 to 32; the place at which the polynomials were evaluated. */
  index: number;
  bytes: Uint8Array;
}

/** Logarithms of the generator 3. */
const { EXP, LOG } = makeTables();

/** Splits a secret. Throws SecretShareError for numbers that make no sense. */
export function splitSecret(secret: Uint8Array, { shares, threshold }: { shares: number; threshold: number }): SecretShare[] {
  const isSane = Number.isInteger(shares) && Number.isInteger(threshold) && threshold >= 2 && threshold <= shares && shares <= MAX_SHARES;
  if (!isSane)
    throw new SecretShareError(
      `2 to ${MAX_SHARES} shares, and a threshold from 2 to their number. / 份额总数为 2 至 ${MAX_SHARES}，门限为 2 至份额总数。`,
    );
  const set = randomBytes(SET_OCTETS).toString('hex');
  const coefficients = Array.from({ length: threshold - 1 }, () => randomBytes(secret.length));
  const made = Array.from({ length: shares }, (_, at): SecretShare => {
    const index = at + 1;
    const bytes = secret.map((octet, place) => {
      // Horner, the highest coefficient first.
      let value = 0;
      for (const row of coefficients) value = multiply(value ^ (row[place] ?? 0), index);
      return value ^ octet;
    });
    return { set, threshold, index, bytes };
  });
  for (const row of coefficients) row.fill(0);
  return made;
}

/** The secret. Throws SecretShareError when shares are too few, of two sets, or the same one twice. Wrong shares give a wrong secret. */
export function combineShares(shares: readonly SecretShare[]): Uint8Array {
  const [first] = shares;
  if (!first) throw new SecretShareError('No share was given. / 未提供份额。');
  if (
    shares.some(({ set, threshold, bytes }) => set !== first.set || threshold !== first.threshold || bytes.length !== first.bytes.length)
  ) {
    throw new SecretShareError('These shares do not belong together. / 这些份额不属于同一组。');
  }
  if (new Set(shares.map(({ index }) => index)).size !== shares.length)
    throw new SecretShareError('One share was given twice. / 同一份额重复提供。');
  if (shares.length < first.threshold)
    throw new SecretShareError(
      `${first.threshold} shares are needed, ${shares.length} were given. / 需要 ${first.threshold} 份，仅提供了 ${shares.length} 份。`,
    );
  const used = shares.slice(0, first.threshold);
  return first.bytes.map((_, place) => {
    let value = 0;
    for (const { index, bytes } of used) {
      // Lagrange at zero; in this field subtraction is addition.
      let weight = 1;
      for (const other of used) if (other.index !== index) weight = multiply(weight, divide(other.index, other.index ^ index));
      value ^= multiply(bytes[place] ?? 0, weight);
    }
    return value;
  });
}

/** `TRS1-<set>-<threshold>-<index>-<groups of five>`; the end checks the whole. */
export function formatShare(share: SecretShare): string {
  const body = base32(Buffer.concat([share.bytes, checkOf(share)]));
  return [PREFIX, share.set.toUpperCase(), share.threshold, share.index, ...(body.match(/.{1,5}/g) ?? [])].join('-');
}

/** Reads what `formatShare` wrote, in any case, with any blanks. Throws SecretShareError naming what is wrong. */
export function parseShare(text: string): SecretShare {
  const plain = text.toUpperCase().replace(/\s+/g, '');
  const found = /^TRS1-([0-9A-F]{8})-(\d{1,2})-(\d{1,2})-([0-9A-Z-]+)$/.exec(plain);
  if (!found) throw new SecretShareError('This is no share: it begins with TRS1. / 不是份额：份额以 TRS1 开头。');
  const [, set = '', threshold, index, body = ''] = found;
  const octets = unbase32(body.replaceAll('-', '').replaceAll('O', '0').replace(/[IL]/g, '1'));
  if (octets.length <= CHECK_OCTETS) throw new SecretShareError('The share is cut short. / 份额不完整。');
  const bytes = octets.subarray(0, -CHECK_OCTETS);
  const share = { set: set.toLowerCase(), threshold: Number(threshold), index: Number(index), bytes };
  if (share.index < 1 || share.index > MAX_SHARES || share.threshold < 2)
    throw new SecretShareError('The share’s numbers make no sense. / 份额编号有误。');
  if (!timingSafeEqual(checkOf(share), octets.subarray(-CHECK_OCTETS)))
    throw new SecretShareError('The share has a typing error. / 份额有录入错误。');
  return share;
}

function checkOf({ set, threshold, index, bytes }: SecretShare): Uint8Array {
  const hash = createHash('sha256').update(`tongren share ${set} ${threshold} ${index} `).update(bytes).digest();
  return Uint8Array.from(hash.subarray(0, CHECK_OCTETS));
}

function base32(bytes: Uint8Array): string {
  let [text, bits, held] = ['', 0, 0];
  for (const octet of bytes) {
    held = (held << 8) | octet;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

function unbase32(text: string): Uint8Array {
  const octets: number[] = [];
  let [bits, held] = [0, 0];
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new SecretShareError(`The share has a character that none has: ${character} / 份额含有无效字符：${character}`);
    held = (held << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets.push((held >> bits) & 255);
    held &= (1 << bits) - 1;
  }
  return Uint8Array.from(octets);
}

function makeTables() {
  const EXP = new Uint8Array(510);
  const LOG = new Uint8Array(256);
  let value = 1;
  for (let power = 0; power < 255; power++) {
    EXP[power] = value;
    EXP[power + 255] = value;
    LOG[value] = power;
    value ^= value << 1;
    if (value > 255) value ^= 0x11b;
  }
  return { EXP, LOG };
}

function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : (EXP[(LOG[a] ?? 0) + (LOG[b] ?? 0)] ?? 0);
}

/** `b` is not zero. */
function divide(a: number, b: number): number {
  return a === 0 ? 0 : (EXP[(LOG[a] ?? 0) + 255 - (LOG[b] ?? 0)] ?? 0);
}
