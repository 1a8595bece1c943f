/**
 * Short-lived state: sign-in attempts, interactions, authorization codes, PAR, replay marks, rate limits.
 * Every operation is atomic. Two adapters: Redis, and in-process for a single process.
 */
export interface EphemeralStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** True for the one caller who set it. */
  setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Reads and removes: at most one caller gets the value. */
  take(key: string): Promise<string | undefined>;
  remove(key: string): Promise<void>;
  /** Adds one and returns the count; the time to live starts with the first. */
  increment(key: string, ttlSeconds: number): Promise<number>;
  /** True when the value still was `expected` and now is `next`; keeps the time to live. `expected` undefined means absent. */
  replace(key: string, expected: string | undefined, next: string, ttlSeconds: number): Promise<boolean>;
  /** True when the store answers. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}
