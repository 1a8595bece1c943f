/**
 * Putting a seal to use, stopping it for a while, ending it. Ending revokes both certificates, so that verifiers elsewhere
 * learn it from the CRL; what was sealed before stays genuine.
 */
import { requireRole } from '#access/require-role.ts';
import { type Role, staffActor } from '#access/staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { requireSealRow } from './find-seals.ts';
import { isSealTransitionAllowed, type StoredSealStatus, sealStatusAt } from './seal-status.ts';
import { type SealDeps, type SealRow, type SealView, sealViewOf } from './seal-view.ts';

export interface SealChange {
  sealId: string;
  /** With the role `seal-admin`; an approver may suspend too. */
  by: { personId: string };
  /** 2–200 characters; needed for suspending and cancelling. */
  reason?: string | undefined;
}

/** made → active. The seal it replaces ends in the same instant. Throws Problem `seal-transition-not-allowed`, `not-allowed`. */
export async function activateSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  const replaced = (await requireSealRow(deps, input.sealId)).replacesId;
  const view = await change(deps, input, { to: 'active', kind: 'seal-activated', role: 'seal-admin' }, async (tx, actor, at) => {
    if (replaced === null) return;
    const { count } = await tx.seal.updateMany({
      where: { id: replaced, status: { in: ['active', 'suspended'] } },
      data: { status: 'replaced' },
    });
    if (count > 0) await recordEvent(tx, { kind: 'seal-replaced', actor, subject: `seal:${replaced}`, detail: { by: input.sealId }, at });
  });
  if (replaced !== null) await revokeCertificatesOf(deps, await requireSealRow(deps, replaced), 'superseded');
  return view;
}

/** active → suspended. */
export function suspendSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  return change(deps, requireReason(input), { to: 'suspended', kind: 'seal-suspended', role: ['seal-admin', 'approver'] });
}

/** suspended → active. */
export function resumeSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  return change(deps, input, { to: 'active', kind: 'seal-resumed', role: 'seal-admin', from: 'suspended' });
}

/** The end, from any state that is none. */
export async function cancelSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  const view = await change(deps, requireReason(input), { to: 'cancelled', kind: 'seal-cancelled', role: 'seal-admin' });
  await revokeCertificatesOf(deps, await requireSealRow(deps, input.sealId), 'cessation-of-operation');
  return view;
}

interface Transition {
  to: StoredSealStatus;
  kind: string;
  role: Role | readonly Role[];
  from?: StoredSealStatus;
}

/** The guard is in the WHERE clause, so of two at once one is refused. */
async function change(
  deps: SealDeps,
  input: SealChange,
  transition: Transition,
  also?: (tx: Transaction, actor: string, at: Date) => Promise<void>,
): Promise<SealView> {
  const { db, clock } = deps;
  const row = await requireSealRow(deps, input.sealId);
  const staff = await requireRole(deps, { personId: input.by.personId, organisationId: row.organisationId, role: transition.role });
  const at = clock.now();
  const from = row.status as StoredSealStatus;
  const wrongStart = transition.from !== undefined && transition.from !== from;
  const tooLate = transition.to === 'active' && sealStatusAt(row, at) === 'expired';
  if (wrongStart || tooLate || !isSealTransitionAllowed(from, transition.to)) throw new Problem('seal-transition-not-allowed');
  const actor = staffActor(staff);
  await db.$transaction(async (tx) => {
    const { count } = await tx.seal.updateMany({ where: { id: row.id, status: from }, data: { status: transition.to } });
    if (count === 0) throw new Problem('seal-transition-not-allowed');
    await also?.(tx, actor, at);
    await recordEvent(tx, {
      kind: transition.kind,
      actor,
      subject: `seal:${row.id}`,
      detail: input.reason === undefined ? {} : { reason: input.reason },
      at,
    });
  });
  return sealViewOf(deps, await requireSealRow(deps, row.id));
}

async function revokeCertificatesOf(deps: SealDeps, row: SealRow, reason: 'superseded' | 'cessation-of-operation'): Promise<void> {
  for (const serialHex of [row.certificateSerial, row.pdfCertificateSerial]) {
    if (serialHex === null) continue;
    try {
      await revokeCertificate(deps, { serialHex, reason, by: 'system:seals' });
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'certificate-already-revoked')) throw error;
    }
  }
}

function requireReason(input: SealChange): SealChange {
  const reason = input.reason?.normalize('NFC').trim() ?? '';
  if ([...reason].length < 2 || [...reason].length > 200)
    throw faultyField('/reason', 'A reason of 2 to 200 characters is needed.', '请填写 2 至 200 个字的原因。');
  return { ...input, reason };
}
