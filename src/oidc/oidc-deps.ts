import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { Clock } from '#ports/clock.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import type { Outbound } from '#ports/outbound.ts';
import type { Database } from '#storage/database.ts';

/** What the room needs from outside. Most of its functions need less and say so with `Pick`. */
export interface OidcDeps {
  db: Database;
  clock: Clock;
  fields: FieldCipher;
  ephemeral: EphemeralStore;
  outbound: Outbound;
}
