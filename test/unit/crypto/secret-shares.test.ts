import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { combineShares, formatShare, parseShare, SecretShareError, splitSecret } from '#crypto/secret-shares.ts';

const secret = Uint8Array.from(randomBytes(32));

function* subsets<T>(items: readonly T[], size: number): Generator<T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let at = 0; at <= items.length - size; at++) {
    for (const rest of subsets(items.slice(at + 1), size - 1)) yield [items[at] as T, ...rest];
  }
}

describe.each([
  [2, 3],
  [3, 5],
  [4, 7],
  [2, 32],
  [5, 5],
])('%i of %i', (threshold, shares) => {
  const made = splitSecret(secret, { shares, threshold });

  test('every choice of enough shares gives the secret', () => {
    let tried = 0;
    for (const chosen of subsets(made, threshold)) {
      if (++tried > 500) break;
      expect(combineShares(chosen.toReversed())).toEqual(secret);
    }
    expect(combineShares(made)).toEqual(secret);
  });

  test('one fewer is refused, and would give something else', () => {
    const few = made.slice(0, threshold - 1);
    expect(() => combineShares(few)).toThrow(SecretShareError);
    if (threshold > 2) expect(combineShares(few.map((share) => ({ ...share, threshold: threshold - 1 })))).not.toEqual(secret);
  });
});

test('known points of a known polynomial over the field of AES', () => {
  // f(x) = 0x53 + 0xca·x: 0x53 · 0xca = 1 in this field, so f(0x53) = 0x53 ^ 1.
  const share = (index: number, value: number) => ({ set: '00000000', threshold: 2, index, bytes: Uint8Array.of(value) });
  expect(combineShares([share(0x53, 0x53 ^ 0x01), share(1, 0x53 ^ 0xca)])).toEqual(Uint8Array.of(0x53));
});

test('fewer shares than needed say nothing: each octet of a share takes every value', () => {
  const seen = new Set<number>();
  for (let n = 0; n < 4_000; n++) seen.add(splitSecret(Uint8Array.of(7), { shares: 2, threshold: 2 })[0]?.bytes[0] ?? -1);
  expect(seen.size).toBeGreaterThan(250);
});

test('a share is text that survives paper, lower case and blanks', () => {
  for (const share of splitSecret(secret, { shares: 5, threshold: 3 })) {
    const text = formatShare(share);
    expect(text).toMatch(/^TRS1-[0-9A-F]{8}-3-[1-5](-[0-9A-HJKMNP-TV-Z]{1,5})+$/);
    expect(parseShare(text)).toEqual(share);
    expect(parseShare(` ${text.toLowerCase().replaceAll('-', '-\n')} `)).toEqual(share);
    expect(parseShare(text.slice(0, 18) + text.slice(18).replaceAll('0', 'o').replaceAll('1', 'l'))).toEqual(share);
  }
});

test('every single wrong character of a share is found', () => {
  const text = formatShare(splitSecret(secret, { shares: 2, threshold: 2 })[0] as never);
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '-') continue;
    const wrong = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`;
    // The last character may hold padding bits that nobody reads.
    if (at < text.length - 1) expect(() => parseShare(wrong), wrong).toThrow(SecretShareError);
  }
});

test.each([
  ['one share twice', (a: never[]) => [a[0], a[0]], /twice/],
  ['none', () => [], /No share/],
])('%s is refused', (_what, choose, words) => {
  const made = splitSecret(secret, { shares: 3, threshold: 2 }) as never[];
  expect(() => combineShares(choose(made) as never)).toThrow(words);
});

test('shares of two sets are refused', () => {
  const [a] = splitSecret(secret, { shares: 2, threshold: 2 });
  const [, b] = splitSecret(secret, { shares: 2, threshold: 2 });
  expect(() => combineShares([a, b] as never)).toThrow(/belong together/);
});

test.each([
  [1, 1],
  [1, 3],
  [4, 3],
  [2, 33],
  [2.5, 3],
])('a threshold of %d among %d makes no sense', (threshold, shares) => {
  expect(() => splitSecret(secret, { shares, threshold })).toThrow(SecretShareError);
});
