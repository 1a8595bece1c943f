/**
 * The life of a seal: applied → approved → made → active ↔ suspended → replaced or destroyed. Expiry is the clock's. What was not
 * made yet is cancelled. Nothing comes back from an end; a new seal is applied for instead.
 */
export const SEAL_STATUSES = [
  'applied',
  'approved',
  'rejected',
  'made',
  'active',
  'suspended',
  'expired',
  'replaced',
  'destroyed',
  'cancelled',
] as const;
export type SealStatus = (typeof SEAL_STATUSES)[number];
export type StoredSealStatus = Exclude<SealStatus, 'expired'>;

const TRANSITIONS: Record<StoredSealStatus, readonly StoredSealStatus[]> = {
  applied: ['approved', 'rejected', 'cancelled'],
  approved: ['made', 'cancelled'],
  rejected: [],
  made: ['active', 'destroyed'],
  active: ['suspended', 'destroyed', 'replaced'],
  suspended: ['active', 'destroyed', 'replaced'],
  replaced: [],
  destroyed: [],
  cancelled: [],
};

export function isSealTransitionAllowed(from: StoredSealStatus, to: StoredSealStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Usable from `validFrom` until `validTo`, exclusive. */
export function sealStatusAt(row: { status: string; validTo: Date | null }, at: Date): SealStatus {
  const stored = row.status as StoredSealStatus;
  const living = stored === 'made' || stored === 'active' || stored === 'suspended';
  return living && row.validTo !== null && at >= row.validTo ? 'expired' : stored;
}
