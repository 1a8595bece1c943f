import { recordEvent } from '#audit/record-event.ts';
import { DOMAIN_CONTROL_PATH, type DomainControl, type DomainFault } from '#ports/domain-control.ts';
import { Problem } from '#problem.ts';
import { contentOf } from './domain-proofs.ts';
import { type EnrolDeps, requestSubject, statusAt } from './enrolment.ts';
import { requireRequestRow } from './find-certificate-request.ts';
import { type OrganisationParty, requireOrganisationParty } from './request-organisation-certificate.ts';

/** One look at all the names of a request in so long. */
const LOOK_EVERY_MS = 10_000;

export interface DomainProof {
  name: string;
  /** Where the text must stand, and the text. */
  url: string;
  content: string;
  provenAt?: Date;
  checkedAt?: Date;
  fault?: DomainFault;
}

/** In the order in which the names were asked for. */
export async function listDomainProofs({ db }: Pick<EnrolDeps, 'db'>, id: string): Promise<DomainProof[]> {
  const row = await requireRequestRow({ db }, id);
  const proofs = await db.domainControl.findMany({ where: { requestId: id } });
  return row.dnsNames.flatMap((name) => {
    const proof = proofs.find((one) => one.name === name);
    if (!proof) return [];
    const { token, provenAt, checkedAt, fault } = proof;
    return {
      ...{ name, url: `http://${name}${DOMAIN_CONTROL_PATH}${token}`, content: contentOf(token, row) },
      ...(provenAt ? { provenAt } : {}),
      ...(checkedAt ? { checkedAt } : {}),
      ...(fault && !provenAt ? { fault: fault as DomainFault } : {}),
    };
  });
}

/**
 * Looks at every name that is not proven yet. Answers how all of them stand. Throws Problem `certificate-request-not-found` (also for
 * those of others), `certificate-request-settled`, `certificate-request-expired`, `not-allowed`, `too-many-requests` within ten seconds.
 */
export async function checkDomains(
  deps: EnrolDeps & { domains?: DomainControl },
  input: { id: string; by: OrganisationParty },
): Promise<DomainProof[]> {
  const row = await requireRequestRow(deps, input.id);
  if (row.organisationId !== input.by.organisationId) throw new Problem('certificate-request-not-found');
  const { actor } = await requireOrganisationParty(deps, input.by);
  const at = deps.clock.now();
  const status = statusAt(row, at);
  if (status === 'expired') throw new Problem('certificate-request-expired');
  if (status !== 'requested') throw new Problem('certificate-request-settled');
  const { domains } = deps;
  if (!domains) throw new Problem('unavailable');
  const open = await deps.db.domainControl.findMany({ where: { requestId: row.id, provenAt: null } });
  if (open.length === 0) return listDomainProofs(deps, row.id);
  const before = new Date(at.getTime() - LOOK_EVERY_MS);
  const { count } = await deps.db.domainControl.updateMany({
    where: { requestId: row.id, provenAt: null, OR: [{ checkedAt: null }, { checkedAt: { lte: before } }] },
    data: { checkedAt: at },
  });
  if (count === 0) throw new Problem('too-many-requests', { retryAfterSeconds: LOOK_EVERY_MS / 1000 });
  await Promise.all(
    open.map(async ({ name, token }) => {
      const fault = await domains.check({ name, token, expected: contentOf(token, row) });
      await deps.db.$transaction(async (tx) => {
        const where = { requestId: row.id, name, provenAt: null };
        const proven = await tx.domainControl.updateMany({ where, data: fault ? { fault } : { provenAt: deps.clock.now(), fault: null } });
        if (fault || proven.count === 0) return;
        await recordEvent(tx, {
          kind: 'domain-control-proven',
          actor,
          subject: requestSubject(row.id),
          detail: { name },
          at: deps.clock.now(),
        });
      });
    }),
  );
  return listDomainProofs(deps, row.id);
}
