/** How often one key may sign: a bucket for each key and purpose that refills evenly. A runaway caller is slowed down before it has signed millions. */
import type { Clock } from '#ports/clock.ts';
import type { KeyPurpose } from '#ports/key-store.ts';

/** Signatures a minute. */
export type RateLimits = Partial<Record<KeyPurpose, number>>;

/** Well above what one process can use in earnest, well below what it could do unchecked. */
export const DEFAULT_LIMITS: Readonly<Record<KeyPurpose, number>> = {
  certificate: 12_000,
  // Twice over the lists of 256 parts with their deltas.
  crl: 1_200,
  'seal-info': 6_000,
  'seal-signature': 60_000,
  'cms-attributes': 60_000,
  code: 1_200_000,
  'status-list': 6_000,
  receipt: 600_000,
  'audit-checkpoint': 600,
  'ocsp-response': 120_000,
  timestamp: 600_000,
  'signer-log': 60,
  'tree-head': 6_000,
  'trust-list': 600,
};

/** Answers whether this key may sign once more now, and counts it. */
export function keyRateLimit(clock: Clock, limits: RateLimits = {}): (key: string, purpose: KeyPurpose) => boolean {
  const buckets = new Map<string, { left: number; at: number }>();
  return (key, purpose) => {
    const perMinute = limits[purpose] ?? DEFAULT_LIMITS[purpose] ?? 0;
    const now = clock.now().getTime();
    // A CA key has two purposes: its lists must not use up, or cap, what it may issue.
    const name = `${key} ${purpose}`;
    const bucket = buckets.get(name) ?? { left: perMinute, at: now };
    const refill = (Math.max(0, now - bucket.at) * perMinute) / 60_000;
    bucket.left = Math.min(perMinute, bucket.left + refill);
    bucket.at = now;
    buckets.set(name, bucket);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  };
}
