/**
 * Who may act for an organisation. Duties are separated: who watches (auditor) never does, and never runs the system (operator).
 */
import type { Clock } from '#ports/clock.ts';
import type { Database } from '#storage/database.ts';

export const ROLES = ['counter', 'issuer', 'seal-admin', 'approver', 'operator', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

export interface Staff {
  id: string;
  personId: string;
  organisationId: string;
  roles: Role[];
  appointedAt: Date;
}

export interface AccessDeps {
  db: Database;
  clock: Clock;
}

/** How staff appear in the audit. */
export const staffActor = (staff: Pick<Staff, 'id'>) => `staff:${staff.id}`;

export function staffOf(row: NonNullable<Awaited<ReturnType<Database['staff']['findUnique']>>>): Staff {
  const { id, personId, organisationId, roles, appointedAt } = row;
  return { id, personId, organisationId, roles: roles as Role[], appointedAt };
}

/**
 * Whether one person may hold these positions at the same time: an auditor is no operator anywhere, and holds no other role in the
 * organisation they audit.
 */
export function areRolesCompatible(positions: readonly Pick<Staff, 'organisationId' | 'roles'>[]): boolean {
  const everywhere = new Set(positions.flatMap(({ roles }) => roles));
  if (everywhere.has('auditor') && everywhere.has('operator')) return false;
  return positions.every(({ roles }) => !roles.includes('auditor') || roles.length === 1);
}
