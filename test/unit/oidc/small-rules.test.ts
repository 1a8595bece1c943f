import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLAIMS, claimsOfScopes, SCOPES } from '#oidc/claims.ts';
import { MAX_ATTEMPTS, waitAfter } from '#oidc/deliver-logouts.ts';
import { pairwiseSubject } from '#oidc/pairwise-subject.ts';
import { sessionSeconds } from '#oidc/provider-configuration.ts';
import { testFields } from '#test/fakes/test-fields.ts';

test('a subject is the same for one person at one sector, and shared by no other pair', () => {
  const fields = testFields();
  expect(pairwiseSubject(fields, 'a.example', 'p1')).toBe(pairwiseSubject(testFields(), 'a.example', 'p1'));
  const subjects = ['a.example', 'b.example'].flatMap((sector) => ['p1', 'p2'].map((person) => pairwiseSubject(fields, sector, person)));
  expect(new Set(subjects).size).toBe(4);
});

test('every claim belongs to a scope and has words in both languages', () => {
  expect(claimsOfScopes(SCOPES)).toEqual(Object.keys(CLAIMS));
  for (const { zh, en } of Object.values(CLAIMS)) expect([zh.length > 1, en.length > 1]).toEqual([true, true]);
});

test('waits between deliveries grow from two seconds to an hour and cover more than half an hour in all', () => {
  const waits = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => waitAfter(index + 1, () => 0.5));
  expect(waits[0]).toBe(2_000);
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(1_000_000);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempt, random) => waitAfter(attempt, () => random) <= 3_960_000,
    ),
  );
});

test.each([
  ['right after the sign-in', 0, 8 * 3600],
  ['five hours later', 5 * 3600, 7 * 3600],
  ['a second before the limit', 12 * 3600 - 1, 1],
  ['after the limit', 13 * 3600, 1],
])('a session renewed %s lives on for what the day allows', (_when, passed, expected) => {
  expect(sessionSeconds(1_000_000, 1_000_000 + passed)).toBe(expected);
});
