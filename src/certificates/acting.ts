/** Certificates of people who bind an organisation: its legal representative, and agents under a mandate. They end with the authority. */
import { listWithdrawnMandates, requireMandate } from '#people/mandates.ts';
import { listChangedRepresentatives, requireRepresentative } from '#people/representatives.ts';
import type { Mandate as CertifiedMandate } from '#pki/holder-extensions.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import type { EnrolDeps, RequestRow } from './enrolment.ts';
import { revokeCertificate } from './revoke-certificate.ts';

/** For whom a person acts; with a mandate they are its agent, without one its legal representative. */
export interface Acting {
  organisationId: string;
  mandateId?: string;
}

export const ACTING_PROFILES: readonly ProfileName[] = ['legal-representative', 'agent'];
/** A change that was not acted upon within this (the worker was away so long) is found by nobody any more. */
const LOOK_BACK_DAYS = 30;
const DAY_MS = 86_400_000;
const BATCH = 500;

export function actingOf({ actsForId, mandateId }: Pick<RequestRow, 'actsForId' | 'mandateId'>): Acting | undefined {
  return actsForId ? { organisationId: actsForId, ...(mandateId ? { mandateId } : {}) } : undefined;
}

/**
 * The authority is there, and stays until the transaction ends. Returns the mandate as it stands in the certificate. Throws Problem
 * `not-representative`, `mandate-not-found`, `mandate-not-in-force`.
 */
export async function requireActing(
  tx: Transaction,
  { acting, personId, at }: { acting: Acting; personId: string; at: Date },
): Promise<CertifiedMandate | undefined> {
  const { organisationId, mandateId } = acting;
  if (mandateId === undefined) {
    await requireRepresentative(tx, { organisationId, personId });
    return undefined;
  }
  const mandate = await requireMandate(tx, { id: mandateId, agentId: personId, at });
  if (mandate.organisationId !== organisationId) throw new Problem('mandate-not-found');
  return { reference: mandate.reference, validUntil: mandate.validUntil };
}

/** Revokes what has lost its ground: another representative, a mandate withdrawn. Returns how many. Doing it again changes nothing. */
export async function revokeEndedAuthority(deps: EnrolDeps): Promise<number> {
  const since = new Date(deps.clock.now().getTime() - LOOK_BACK_DAYS * DAY_MS);
  const [changed, withdrawn] = await Promise.all([listChangedRepresentatives(deps, since), listWithdrawnMandates(deps, since)]);
  let revoked = 0;
  for (const { organisationId, personId } of changed) {
    const where = { actsForId: organisationId, mandateId: null, ...(personId ? { personId: { not: personId } } : {}) };
    revoked += await revokeThose(deps, where, 'affiliation-changed');
  }
  for (let start = 0; start < withdrawn.length; start += BATCH) {
    revoked += await revokeThose(deps, { mandateId: { in: withdrawn.slice(start, start + BATCH) } }, 'privilege-withdrawn');
  }
  return revoked;
}

async function revokeThose(deps: EnrolDeps, where: object, reason: 'affiliation-changed' | 'privilege-withdrawn'): Promise<number> {
  const asked = await deps.db.certificateRequest.findMany({ where: { ...where, status: 'issued' }, select: { serialHex: true } });
  const serials = asked.flatMap(({ serialHex }) => (serialHex ? [serialHex] : []));
  const at = deps.clock.now();
  const held = await deps.db.issuedCertificate.findMany({
    where: {
      ...{ serialHex: { in: serials }, der: { not: null }, notAfter: { gt: at } },
      OR: [{ revokedAt: null }, { revocationReason: 'certificate-hold' }],
    },
    select: { serialHex: true },
  });
  for (const { serialHex } of held) {
    try {
      await revokeCertificate(deps, { serialHex, reason, by: 'system:enrolment' });
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'certificate-already-revoked') throw error;
    }
  }
  return held.length;
}
