/** Certificates of people who bind an organisation: its legal representative, and agents under a mandate. They end with the authority. */
import { listWithdrawnMandates, requireMandate } from '#people/mandates.ts';
import { listChangedRepresentatives, requireRepresentative } from '#people/representatives.ts';
import type { Mandate as CertifiedMandate } from '#pki/holder-extensions.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import type { EnrolDeps, RequestRow } from './enrolment.ts';
import { revokeCertificates } from './revoke-certificate.ts';

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
  const replaced: string[] = [];
  for (const { organisationId, personId } of changed) {
    const where = { actsForId: organisationId, mandateId: null, ...(personId ? { personId: { not: personId } } : {}) };
    replaced.push(...(await findThose(deps, where)));
  }
  const ended: string[] = [];
  for (let start = 0; start < withdrawn.length; start += BATCH) {
    ended.push(...(await findThose(deps, { mandateId: { in: withdrawn.slice(start, start + BATCH) } })));
  }
  const by = 'system:enrolment';
  const revoked = await revokeCertificates(
    deps,
    { serials: replaced, reason: 'affiliation-changed', by },
    { serials: ended, reason: 'privilege-withdrawn', by },
  );
  return revoked.length;
}

async function findThose(deps: EnrolDeps, where: object): Promise<string[]> {
  const asked = await deps.db.certificateRequest.findMany({ where: { ...where, status: 'issued' }, select: { serialHex: true } });
  const serials = asked.flatMap(({ serialHex }) => (serialHex ? [serialHex] : []));
  const held = await deps.db.issuedCertificate.findMany({
    where: {
      ...{ serialHex: { in: serials }, der: { not: null }, notAfter: { gt: deps.clock.now() } },
      OR: [{ revokedAt: null }, { revocationReason: 'certificate-hold' }],
    },
    select: { serialHex: true },
  });
  return held.map(({ serialHex }) => serialHex);
}
