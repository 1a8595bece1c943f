import { inProcessStore } from '#adapters/in-process-store.ts';
import type { Clock } from '#ports/clock.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';

/** Short-lived state under the test's clock. */
export const memoryEphemeralStore = (clock: Clock): EphemeralStore => inProcessStore({ clock });
