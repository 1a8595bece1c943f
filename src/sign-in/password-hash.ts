/** Argon2id, off the event loop. The work waiting at any time is bounded: a flood is told to come back instead of queueing for minutes. */
import { type Algorithm, hash, parseOptions, verify } from '@node-rs/argon2';
import { Problem } from '#problem.ts';

/** OWASP's first choice for Argon2id: 19 MiB, two passes, one lane. Raising it rehashes each password at its next use. */
export const ARGON2 = { algorithm: 2 as Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

const MOST_WAITING = 256;
let waiting = 0;

export function hashPassword(password: string): Promise<string> {
  return bounded(() => hash(normalise(password), ARGON2));
}

export function isPasswordOf(hashed: string, password: string): Promise<boolean> {
  return bounded(() => verify(hashed, normalise(password)));
}

export function needsRehash(hashed: string): boolean {
  const made = parseOptions(hashed);
  return (
    made.algorithm !== ARGON2.algorithm ||
    made.memoryCost !== ARGON2.memoryCost ||
    made.timeCost !== ARGON2.timeCost ||
    made.parallelism !== ARGON2.parallelism
  );
}

let decoy: Promise<string> | undefined;

/** The hash of a password nobody has: where there is no account, the same work is done, so that time tells nothing. */
export function decoyHash(): Promise<string> {
  decoy ??= hash(crypto.getRandomValues(new Uint8Array(32)), ARGON2);
  return decoy;
}

/** One typed password, one form, whatever the input method composed it from. */
function normalise(password: string): string {
  return password.normalize('NFKC');
}

async function bounded<T>(work: () => Promise<T>): Promise<T> {
  if (waiting >= MOST_WAITING) throw new Problem('unavailable', { retryAfterSeconds: 5 });
  waiting++;
  try {
    return await work();
  } finally {
    waiting--;
  }
}
