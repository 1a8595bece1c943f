import { expect, test } from 'vitest';
import { chinaDateOf, endOfChinaDay, startOfChinaDay } from '#licences/china-date.ts';
import { isTransitionAllowed, type StoredStatus, statusAt } from '#licences/licence-status.ts';
import { parsePurpose } from '#licences/purposes.ts';
import { Problem } from '#problem.ts';

test.each([
  ['in-force', 'suspended', true],
  ['suspended', 'in-force', true],
  ['in-force', 'revoked', true],
  ['suspended', 'punitively-revoked', true],
  ['revoked', 'in-force', false],
  ['cancelled', 'in-force', false],
  ['punitively-revoked', 'suspended', false],
  ['superseded', 'in-force', false],
  ['in-force', 'superseded', false],
  ['in-force', 'in-force', false],
  ['preparing', 'in-force', false],
] as [StoredStatus, StoredStatus, boolean][])('a clerk may turn %s into %s: %s', (from, to, allowed) => {
  expect(isTransitionAllowed(from, to)).toBe(allowed);
});

test.each([
  ['in-force', '2026-06-30T15:59:59.999Z', 'in-force'],
  ['in-force', '2026-06-30T16:00:00.000Z', 'expired'],
  ['suspended', '2026-06-30T16:00:00.000Z', 'expired'],
  ['revoked', '2026-07-30T16:00:00.000Z', 'revoked'],
])('%s until the end of 30 June in China is at %s: %s', (status, at, expected) => {
  expect(statusAt({ status, validTo: endOfChinaDay('2026-06-30') }, new Date(at))).toBe(expected);
});

test('a long-term licence does not expire', () => {
  expect(statusAt({ status: 'in-force', validTo: null }, new Date('2126-01-01T00:00:00Z'))).toBe('in-force');
});

test('a licence in preparation has no status to show', () => {
  expect(() => statusAt({ status: 'preparing', validTo: null }, new Date())).toThrow();
});

test('days are China’s: 16:00 UTC is the next day there', () => {
  expect(chinaDateOf(new Date('2026-06-30T15:59:59.999Z'))).toBe('2026-06-30');
  expect(chinaDateOf(new Date('2026-06-30T16:00:00.000Z'))).toBe('2026-07-01');
  expect(startOfChinaDay('2026-07-01').toISOString()).toBe('2026-06-30T16:00:00.000Z');
});

test.each(['', ' ', '查', 'x'.repeat(201), 'a\u0000b'])('the purpose "%.10s" is refused', (text) => {
  expect(() => parsePurpose(text)).toThrow(Problem);
});

test('two characters are a purpose, and so are two hundred', () => {
  expect(parsePurpose(' 入学 ')).toBe('入学');
  expect(parsePurpose('用'.repeat(200)).length).toBe(200);
});
