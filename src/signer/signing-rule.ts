/** What a rule is: it parses the structure a key is asked to sign, and says why not. */
import type { StoredKey } from '#ports/key-store.ts';

export interface SigningCase {
  key: StoredKey;
  structure: Uint8Array;
  /** What the structure names by digest only, as the caller showed it. */
  evidence?: Uint8Array;
  now: Date;
  /** A key of the same store. */
  findKey: (name: string) => Promise<StoredKey | undefined>;
  /** Absent when the store cannot search by public key. */
  findByPublicKey?: (spki: Uint8Array) => Promise<StoredKey | undefined>;
}

/** A short reason for the log and the caller, without anything from the structure that could be personal; undefined when it may be signed. */
export type SigningRule = (request: SigningCase) => Promise<string | undefined> | string | undefined;

/** Clocks of two machines may differ by this much. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;
