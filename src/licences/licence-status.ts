/**
 * The states of a licence: a closed list, whatever lists the departments keep. A licence ends once and for good, and each
 * way to end means something else: 注销 ended normally, 吊销 taken away as a punishment, 撤销 granted wrongly, 换发 replaced.
 * 失效 (expired) is never written down: it is what the clock says of a licence in force.
 */
export const LICENCE_STATUSES = ['in-force', 'suspended', 'revoked', 'punitively-revoked', 'cancelled', 'expired', 'superseded'] as const;
export type LicenceStatus = (typeof LICENCE_STATUSES)[number];
/** As stored: `preparing` is seen by nobody, `expired` by the clock only. */
export type StoredStatus = 'preparing' | Exclude<LicenceStatus, 'expired'>;

export const LICENCE_STATUS_NAMES: Record<LicenceStatus, { zh: string; en: string }> = {
  'in-force': { zh: '有效', en: 'In force' },
  suspended: { zh: '暂扣', en: 'Suspended' },
  revoked: { zh: '撤销', en: 'Revoked (granted wrongly)' },
  'punitively-revoked': { zh: '吊销', en: 'Revoked as a penalty' },
  cancelled: { zh: '注销', en: 'Cancelled' },
  expired: { zh: '失效', en: 'Expired' },
  superseded: { zh: '已换发', en: 'Superseded' },
};

/** From each stored state, what a clerk may turn it into. Superseding happens by re-issue only. */
const TRANSITIONS: Record<StoredStatus, readonly StoredStatus[]> = {
  preparing: [],
  'in-force': ['suspended', 'revoked', 'punitively-revoked', 'cancelled'],
  suspended: ['in-force', 'revoked', 'punitively-revoked', 'cancelled'],
  revoked: [],
  'punitively-revoked': [],
  cancelled: [],
  superseded: [],
};

export function isTransitionAllowed(from: StoredStatus, to: StoredStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** A licence in force or suspended may be replaced by its next version; an expired one too (renewal). */
export function isReplaceable(status: StoredStatus): boolean {
  return status === 'in-force' || status === 'suspended';
}

/** The state at a time. `validTo` is the first instant at which the licence no longer holds. A suspended one that ran out is expired. */
export function statusAt(row: { status: string; validTo: Date | null }, at: Date): LicenceStatus {
  const stored = row.status as StoredStatus;
  if (stored === 'preparing') throw new Error('a licence in preparation has no status yet');
  const ranOut = row.validTo !== null && at >= row.validTo;
  return ranOut && (stored === 'in-force' || stored === 'suspended') ? 'expired' : stored;
}
