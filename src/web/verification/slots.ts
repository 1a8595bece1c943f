/** How many uploads may be held in memory at once; the next one is told to come back rather than to wait with its bytes. */
import { Problem } from '#problem.ts';

const RETRY_SECONDS = 5;

export function slots(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let taken = 0;
  return async (work) => {
    if (taken >= count) throw new Problem('unavailable', { retryAfterSeconds: RETRY_SECONDS });
    taken++;
    try {
      return await work();
    } finally {
      taken--;
    }
  };
}
