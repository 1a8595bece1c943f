/** Appointing and dismissing. All positions of one person are judged together, under a lock on that person, so that two clerks cannot appoint around the rule. */
import { recordEvent } from '#audit/record-event.ts';
import { faultyField, Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import { findStaff } from './find-staff.ts';
import { type AccessDeps, areRolesCompatible, ROLES, type Role, type Staff, staffOf } from './staff.ts';

/** One position per person and organisation: appointing again replaces its roles. Throws Problem `own-position` (nobody appoints themselves, not even an operator), `roles-conflict`, `invalid-input` at `/roles`. */
export async function appointStaff(
  { db, clock }: AccessDeps,
  input: { personId: string; organisationId: string; roles: readonly Role[]; by: string },
): Promise<Staff> {
  const { personId, organisationId, by } = input;
  const roles = ROLES.filter((role) => input.roles.includes(role));
  if (roles.length === 0 || input.roles.some((role) => !ROLES.includes(role))) {
    throw faultyField('/roles', 'Choose at least one known role.', '请至少选择一个岗位。');
  }
  const at = clock.now();
  return db.$transaction(async (tx) => {
    await lockPerson(tx, personId);
    if (await isOwnPosition(tx, by, personId)) throw new Problem('own-position');
    const positions = await tx.staff.findMany({ where: { personId, endedAt: null } });
    const others = positions.filter((position) => position.organisationId !== organisationId).map(staffOf);
    if (!areRolesCompatible([...others, { organisationId, roles }])) throw new Problem('roles-conflict');
    const existing = positions.find((position) => position.organisationId === organisationId);
    const row = existing
      ? await tx.staff.update({ where: { id: existing.id }, data: { roles } })
      : await tx.staff.create({ data: { personId, organisationId, roles, appointedAt: at } });
    await recordEvent(tx, {
      kind: 'staff-appointed',
      actor: by,
      subject: `staff:${row.id}`,
      at,
      detail: { personId, organisationId, roles, before: existing?.roles ?? [] },
    });
    return staffOf(row);
  });
}

async function isOwnPosition(tx: Transaction, by: string, personId: string): Promise<boolean> {
  const [kind, id] = by.split(':', 2);
  if (kind === 'person') return id === personId;
  return kind === 'staff' && (await findStaff({ db: tx }, id ?? ''))?.personId === personId;
}

/** Ends the position; its rows stay for the record. Throws Problem `not-found`. */
export async function dismissStaff({ db, clock }: AccessDeps, input: { staffId: string; by: string }): Promise<void> {
  const at = clock.now();
  await db.$transaction(async (tx) => {
    const { count } = await tx.staff.updateMany({ where: { id: input.staffId, endedAt: null }, data: { endedAt: at } });
    if (count === 0) throw new Problem('not-found');
    await recordEvent(tx, { kind: 'staff-dismissed', actor: input.by, subject: `staff:${input.staffId}`, at });
  });
}

/** Held until the transaction ends; persons are another room's table, so the lock is on the id, not on the row. */
async function lockPerson(tx: Transaction, personId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`staff:${personId}`}, 0))`;
}
