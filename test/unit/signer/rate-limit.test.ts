import { expect, test } from 'vitest';
import { keyRateLimit } from '#signer/rate-limit.ts';

const at = { time: Date.parse('2026-11-21T08:00:00Z') };
const clock = { now: () => new Date(at.time) };

test('the lists of an authority neither cap nor use up what its key may issue', () => {
  const admit = keyRateLimit(clock, { certificate: 100, crl: 2 });
  const issued = () => admit('ca-people-sm2', 'certificate');
  expect(issued()).toBe(true);
  expect([admit('ca-people-sm2', 'crl'), admit('ca-people-sm2', 'crl'), admit('ca-people-sm2', 'crl')]).toEqual([true, true, false]);
  expect(Array.from({ length: 99 }, issued)).not.toContain(false);
  expect(issued()).toBe(false);
});

test('a bucket refills evenly, and never beyond a minute’s worth', () => {
  const admit = keyRateLimit(clock, { certificate: 60 });
  const issue = () => admit('ca-people-sm2', 'certificate');
  expect(Array.from({ length: 60 }, issue)).not.toContain(false);
  expect(issue()).toBe(false);
  at.time += 1_000;
  expect([issue(), issue()]).toEqual([true, false]);
  at.time += 3_600_000;
  expect(Array.from({ length: 61 }, issue).filter(Boolean)).toHaveLength(60);
});
