/** What a cut-off or an absent signer left behind is finished by the worker: approved requests are issued, stored certificates signed. */
import { recordEvent } from '#audit/record-event.ts';
import { CATALOGUE, Problem } from '#problem.ts';
import { type EnrolDeps, type RequestRow, requestSubject } from './enrolment.ts';
import { findIssued, issueRequested } from './issue-requested.ts';

const BATCH = 50;

/** Returns how many requests moved. A request that cannot be issued now is left for the next time. */
export async function settleCertificateRequests(deps: EnrolDeps): Promise<number> {
  return (await issueApproved(deps)) + (await signStored(deps)) + (await expireUndecided(deps));
}

async function issueApproved(deps: EnrolDeps): Promise<number> {
  const rows = await deps.db.certificateRequest.findMany({
    where: { status: 'approved', expiresAt: { gt: deps.clock.now() } },
    orderBy: { requestedAt: 'asc' },
    take: BATCH,
  });
  let moved = 0;
  for (const row of rows) if (await issueOrReject(deps, row)) moved += 1;
  return moved;
}

/** What the rules for certificates refuse would be refused for ever; what is away comes back. Returns whether the request moved. */
async function issueOrReject(deps: EnrolDeps, row: RequestRow): Promise<boolean> {
  try {
    await issueRequested(deps, row, 'system:enrolment');
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status >= 500 || error.code === 'certificate-request-settled' || error.code === 'signing-too-fast') return false;
    return reject(deps, row, error);
  }
}

async function reject({ db, clock }: EnrolDeps, { id }: RequestRow, { code, detailZh, errors }: Problem): Promise<boolean> {
  const at = clock.now();
  const reason = `${detailZh ?? CATALOGUE[code][2]}${errors.map(({ detail }) => ` ${detail}.`).join('')}`.slice(0, 200);
  return db.$transaction(async (tx) => {
    const data = { status: 'rejected', reason, decidedBy: 'system:enrolment', decidedAt: at };
    const { count } = await tx.certificateRequest.updateMany({ where: { id, status: 'approved' }, data });
    const subject = requestSubject(id);
    if (count > 0)
      await recordEvent(tx, { kind: 'certificate-request-rejected', actor: 'system:enrolment', subject, at, detail: { code } });
    return count > 0;
  });
}

async function signStored(deps: EnrolDeps): Promise<number> {
  const rows = await deps.db.$queryRaw<{ serialHex: string }[]>`
    SELECT c.serial_hex AS "serialHex" FROM issued_certificate c JOIN certificate_request r ON r.serial_hex = c.serial_hex
    WHERE c.der IS NULL ORDER BY c.id LIMIT ${BATCH}`;
  let moved = 0;
  for (const { serialHex } of rows) if (await works(findIssued(deps, serialHex))) moved += 1;
  return moved;
}

async function expireUndecided({ db, clock }: EnrolDeps): Promise<number> {
  const at = clock.now();
  const where = { status: { in: ['requested', 'approved'] }, expiresAt: { lte: at } };
  const rows = await db.certificateRequest.findMany({ where, select: { id: true }, take: BATCH });
  let moved = 0;
  for (const { id } of rows) {
    await db.$transaction(async (tx) => {
      const { count } = await tx.certificateRequest.updateMany({ where: { ...where, id }, data: { status: 'expired' } });
      if (count === 0) return;
      moved += 1;
      await recordEvent(tx, { kind: 'certificate-request-expired', actor: 'system:enrolment', subject: requestSubject(id), at });
    });
  }
  return moved;
}

async function works(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}
