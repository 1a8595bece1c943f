/** Living positions only; ended ones are history. */
import { isUuid } from '#people/is-uuid.ts';
import type { Transaction } from '#storage/database.ts';
import { type AccessDeps, type Staff, staffOf } from './staff.ts';

type Reading = Pick<AccessDeps, 'db'>;

export async function findStaffPositions({ db }: Reading, personId: string): Promise<Staff[]> {
  const rows = await db.staff.findMany({ where: { personId, endedAt: null }, orderBy: { appointedAt: 'asc' } });
  return rows.map(staffOf);
}

export async function findStaff({ db }: { db: Transaction }, staffId: string): Promise<Staff | undefined> {
  const row = isUuid(staffId) ? await db.staff.findUnique({ where: { id: staffId } }) : null;
  return row && row.endedAt === null ? staffOf(row) : undefined;
}

export async function listStaff({ db }: Reading, input: { organisationId: string; after?: string; limit?: number }): Promise<Staff[]> {
  const rows = await db.staff.findMany({
    where: { organisationId: input.organisationId, endedAt: null, ...(input.after ? { id: { gt: input.after } } : {}) },
    orderBy: { id: 'asc' },
    take: Math.min(input.limit ?? 100, 500),
  });
  return rows.map(staffOf);
}
