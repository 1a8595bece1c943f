/** What is due of a complete list and its delta, moment by moment. */
import { expect, test } from 'vitest';
import { decideDue, LARGE_LIST_ENTRIES } from '#certificates/due-crls.ts';

const HOUR_MS = 3_600_000;
const made = new Date('2026-06-01T08:00:00Z');
const after = (hours: number) => new Date(made.getTime() + hours * HOUR_MS);
const list = (number: bigint, hours: number, at = 0, entries = 2) => ({
  ...{ number, thisUpdate: after(at), nextUpdate: after(at + hours) },
  ...{ entries, total: entries },
});
const complete = list(5n, 168);
const delta = list(5n, 24);
const change = { total: 2, changedAt: made };
const good = { complete, delta, change, hasDeltas: true };
const large = list(5n, 168, 0, LARGE_LIST_ENTRIES + 1);
const sum = large.total;

test.each<[string, Partial<Parameters<typeof decideDue>[0]>, number, string]>([
  ['nothing while both are young and nothing changed', {}, 11.9, 'none'],
  ['the delta at half its life', {}, 12, 'delta'],
  ['the complete list at half its life, whatever the delta', { delta: list(9n, 24, 80) }, 84, 'complete'],
  ['the complete list where there is none', { complete: undefined }, 0, 'complete'],
  ['the delta where there is none', { delta: undefined }, 0, 'delta'],
  ['no delta of a root', { delta: undefined, hasDeltas: false }, 80, 'none'],
  ['the complete list of a root at half its life', { delta: undefined, hasDeltas: false }, 84, 'complete'],
  ['both after a change', { change: { total: 3, changedAt: after(1) } }, 1, 'complete'],
  ['both after a release that leaves as many as there were', { change: { total: 2, changedAt: after(1) } }, 1, 'complete'],
  ['both where a revocation of an earlier moment came late', { change: { total: 3, changedAt: made } }, 1, 'complete'],
  [
    'the delta alone after a change of a large list',
    { complete: large, delta: { ...delta, total: sum }, change: { total: sum + 1, changedAt: after(1) } },
    1,
    'delta',
  ],
  [
    'nothing where the newer delta has the change',
    { complete: large, delta: list(6n, 24, 1, sum + 1), change: { total: sum + 1, changedAt: after(1) } },
    2,
    'none',
  ],
  [
    'the whole list of a large root',
    { complete: large, delta: undefined, hasDeltas: false, change: { total: sum + 1, changedAt: after(1) } },
    1,
    'complete',
  ],
  ['the delta where that of the complete list was not signed', { delta: list(4n, 24) }, 0, 'delta'],
])('%s', (_what, state, hours, due) => {
  expect(decideDue({ ...good, ...state }, after(hours))).toBe(due);
});
