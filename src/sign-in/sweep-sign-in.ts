import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';
import { sweepGuards } from './guard.ts';
import { sweepSessions } from './sessions.ts';

/** Removes what sign-in no longer needs: forgotten counts, sessions dead for a week, expired devices. For the worker, now and then. Returns how many rows went. */
export async function sweepSignIn(deps: { db: Database; clock: Clock }): Promise<number> {
  const devices = await deps.db.knownDevice.deleteMany({ where: { expiresAt: { lt: deps.clock.now() } } });
  return devices.count + (await sweepGuards(deps)) + (await sweepSessions(deps));
}
