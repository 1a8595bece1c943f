import type { Clock } from '#ports/clock.ts';

export interface TestClock extends Clock {
  set(time: string | Date): void;
  advance(milliseconds: number): void;
}

/** A clock that stands still until told, and is its own reference: it is never in doubt. */
export function testClock(start: string | Date = '2026-06-01T08:00:00.000Z'): TestClock {
  let now = new Date(start);
  return {
    now: () => new Date(now),
    reference: async () => new Date(now),
    set: (time) => {
      now = new Date(time);
    },
    advance: (milliseconds) => {
      now = new Date(now.getTime() + milliseconds);
    },
  };
}
