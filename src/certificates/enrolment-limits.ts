/** How many certificates somebody may hold and ask for, how long they live, and when they may be renewed. */
import type { ProfileName } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import type { Holder } from './enrolment.ts';

export interface HolderLimits {
  /** Good certificates and open requests of one profile at the same time. */
  live: number;
  perDay: number;
}

export const LIMITS: Readonly<Record<Holder['kind'], HolderLimits>> = {
  // A phone, a computer at home and at work, a spare, and one being replaced. A script that has a session cannot fill the log.
  person: { live: 5, perDay: 10 },
  // Departments of a body each with a system of their own; a batch of twenty in a day and as many corrections.
  organisation: { live: 20, perDay: 50 },
  // The present one and the one that follows it; a device that loops is stopped the same day.
  device: { live: 2, perDay: 20 },
};

/** Renewing may begin so long before the end; the first notice goes out on the same day. */
export const RENEWAL_WINDOW_DAYS = 60;
/** Who asks for a certificate must have proved themselves this recently: an unlocked screen is no person. */
export const FRESH_SIGN_IN_SECONDS = 600;
/** From this assurance level on the name is certain: it matched the population register. */
export const MIN_PERSON_LEVEL = 3;
/** An undecided request is forgotten after this. */
export const REQUEST_LIFE_DAYS = 30;
/** Life by profile, below the profile's own bound; what is not named lives a year. */
const LIFE_DAYS: Partial<Record<string, number>> = {
  // A browser's store is lost with the browser: three years are longer than most are kept.
  person: 1_095,
  'document-signer': 1_095,
  organisation: 1_095,
  // A mandate is looked at again each year.
  agent: 365,
  'legal-representative': 365,
  device: 397,
};
const DAY_MS = 86_400_000;

export function lifeDaysOf(profile: ProfileName): number {
  return LIFE_DAYS[profile] ?? 365;
}

export function holderKey(holder: Holder): string {
  if (holder.kind === 'person') return `person:${holder.personId}`;
  return holder.kind === 'device' ? `device:${holder.deviceId}` : `organisation:${holder.organisationId}`;
}

/** Requests of one holder are judged one after the other, so that two at once cannot both be the last one allowed. */
export async function lockHolder(tx: Transaction, holder: Holder): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`enrol:${holderKey(holder)}`}, 0))`;
}

/**
 * Under the holder's lock. Throws Problem `too-many-requests` or `certificate-limit`.
 * @param renewal replaces what is there already, once: only the number of a day counts.
 */
export async function requireWithinLimits(
  tx: Transaction,
  input: { holder: Holder; profile: ProfileName; renewal: boolean; at: Date },
): Promise<void> {
  const { holder, profile, at } = input;
  const limits = LIMITS[holder.kind];
  const since = new Date(at.getTime() - DAY_MS);
  const where = holderColumns(holder);
  const ofDay = await tx.certificateRequest.findMany({
    where: { ...where, requestedAt: { gt: since } },
    select: { requestedAt: true },
    orderBy: { requestedAt: 'asc' },
    take: limits.perDay,
  });
  if (ofDay.length >= limits.perDay) {
    const first = ofDay[0]?.requestedAt.getTime() ?? at.getTime();
    throw new Problem('too-many-requests', { retryAfterSeconds: Math.max(1, Math.ceil((first + DAY_MS - at.getTime()) / 1000)) });
  }
  if (input.renewal) return;
  const open = await tx.certificateRequest.count({
    where: { ...where, profile, status: { in: ['requested', 'approved'] }, expiresAt: { gt: at } },
  });
  const issued = await tx.certificateRequest.findMany({ where: { ...where, profile, status: 'issued' }, select: { serialHex: true } });
  const serials = issued.flatMap(({ serialHex }) => (serialHex ? [serialHex] : []));
  const live = await tx.issuedCertificate.count({ where: { serialHex: { in: serials }, revokedAt: null, notAfter: { gt: at } } });
  if (open + live >= limits.live) throw new Problem('certificate-limit');
}

/** The columns of a request that name this holder. */
export function holderColumns(holder: Holder): { personId: string | null; organisationId: string | null; deviceId: string | null } {
  if (holder.kind === 'person') return { personId: holder.personId, organisationId: null, deviceId: null };
  const deviceId = holder.kind === 'device' ? holder.deviceId : null;
  return { personId: null, organisationId: holder.organisationId, deviceId };
}
