/** The app's own sessions, in memory: as in any relying app, they are its business, and a logout token must find them. */
import { randomBytes } from 'node:crypto';

export interface AppSession {
  subject: string;
  sid: string | undefined;
  idToken: string;
  claims: Record<string, unknown>;
  signedInAt: Date;
}

/** A sign-in under way in one browser. */
export interface PendingSignIn {
  codeVerifier: string;
  nonce: string;
  silent: boolean;
}

const MAX_ENTRIES = 10_000;

/** A map that forgets its oldest entry when full. */
export function boundedMap<V>() {
  const entries = new Map<string, V>();
  return {
    get: (key: string) => entries.get(key),
    set(key: string, value: V) {
      entries.delete(key);
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
    },
    take(key: string) {
      const value = entries.get(key);
      entries.delete(key);
      return value;
    },
    removeWhere(matches: (value: V) => boolean) {
      let removed = 0;
      for (const [key, value] of entries) if (matches(value) && entries.delete(key)) removed++;
      return removed;
    },
  };
}

export function randomToken(): string {
  return randomBytes(24).toString('base64url');
}
