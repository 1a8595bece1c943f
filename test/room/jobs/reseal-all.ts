/** Goes through a pass to its end. It waits for transactions of the whole cluster, and tests of other databases have theirs. */
import { setTimeout as pause } from 'node:timers/promises';
import { resealSome } from '#jobs/reseal-pass.ts';
import { findResealing } from '#storage/find-resealing.ts';

const LONGEST_MS = 90_000;

/** @param said after each batch. What has not ended after a minute and a half is left as it stands. */
export async function resealAll(deps: Parameters<typeof resealSome>[0], said: () => void = () => {}): Promise<void> {
  const until = Date.now() + LONGEST_MS;
  while (Date.now() < until) {
    if ((await resealSome(deps)) > 0) {
      said();
      continue;
    }
    const state = (await findResealing(deps.db))?.state;
    if (state !== 'waiting' && state !== 'running') return;
    await pause(50);
  }
}
