/**
 * Putting a seal to use and stopping it for a while: one person, at once. The end takes two (`request-seal-change.ts`), but for an
 * application that came to nothing.
 */
import { requireRole } from '#access/require-role.ts';
import { type Role, staffActor } from '#access/staff.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { requireSealRow } from './find-seals.ts';
import { moveSeal } from './note-seal-change.ts';
import { revokeSealCertificates } from './revoke-seal-certificates.ts';
import { isSealTransitionAllowed, type StoredSealStatus, sealStatusAt } from './seal-status.ts';
import { type SealDeps, type SealView, sealViewOf } from './seal-view.ts';

export interface SealChange {
  sealId: string;
  /** With the role `seal-admin`; an approver may suspend too. */
  by: { personId: string };
  /** 2–200 characters; needed for suspending and cancelling. */
  reason?: string | undefined;
}

/**
 * made → active. The seal it replaces ends in the same instant; that it does was approved with the application.
 * Throws Problem `seal-transition-not-allowed`, `not-allowed`.
 */
export async function activateSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  const next = await requireSealRow(deps, input.sealId);
  const replaced = next.replacesId;
  const view = await change(
    deps,
    input,
    { from: 'made', to: 'active', kind: 'seal-activated', role: 'seal-admin' },
    async (tx, actor, at) => {
      if (replaced === null) return;
      const old = await tx.seal.findUniqueOrThrow({ where: { id: replaced }, select: { status: true } });
      if (old.status !== 'active' && old.status !== 'suspended') return;
      await moveSeal(tx, {
        sealId: replaced,
        from: ['active', 'suspended'],
        to: 'replaced',
        kind: 'seal-replaced',
        actor,
        at,
        reason: `replaced by ${next.esId}`,
        detail: { by: input.sealId },
      });
    },
  );
  if (replaced !== null) await revokeSealCertificates(deps, replaced);
  return view;
}

/** active → suspended. */
export function suspendSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  return change(deps, requireReason(input), {
    from: 'active',
    to: 'suspended',
    kind: 'seal-suspended',
    role: ['seal-admin', 'approver'],
  });
}

/** suspended → active. */
export function resumeSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  return change(deps, input, { from: 'suspended', to: 'active', kind: 'seal-resumed', role: 'seal-admin' });
}

/** An application that is not carried on with; once made, a seal is destroyed instead. */
export function cancelSeal(deps: SealDeps, input: SealChange): Promise<SealView> {
  return change(deps, requireReason(input), { to: 'cancelled', kind: 'seal-cancelled', role: 'seal-admin' });
}

interface Transition {
  from?: StoredSealStatus;
  to: StoredSealStatus;
  kind: string;
  role: Role | readonly Role[];
}

async function change(
  deps: SealDeps,
  input: SealChange,
  { from: wanted, to, kind, role }: Transition,
  also?: (tx: Transaction, actor: string, at: Date) => Promise<void>,
): Promise<SealView> {
  const { db, clock } = deps;
  const row = await requireSealRow(deps, input.sealId);
  const staff = await requireRole(deps, { personId: input.by.personId, organisationId: row.organisationId, role });
  const at = clock.now();
  const from = row.status as StoredSealStatus;
  const tooLate = to === 'active' && sealStatusAt(row, at) === 'expired';
  if ((wanted !== undefined && wanted !== from) || tooLate || !isSealTransitionAllowed(from, to))
    throw new Problem('seal-transition-not-allowed');
  const actor = staffActor(staff);
  await db.$transaction(async (tx) => {
    await moveSeal(tx, { sealId: row.id, from: [from], to, kind, actor, at, reason: input.reason });
    await also?.(tx, actor, at);
  });
  return sealViewOf(deps, await requireSealRow(deps, row.id));
}

/** Throws Problem `invalid-input` (/reason). */
export function requireReason<T extends { reason?: string | undefined }>(input: T): T & { reason: string } {
  const reason = input.reason?.normalize('NFC').trim() ?? '';
  if ([...reason].length < 2 || [...reason].length > 200)
    throw faultyField('/reason', 'A reason of 2 to 200 characters is needed.', '请填写 2 至 200 个字的原因。');
  return { ...input, reason };
}
