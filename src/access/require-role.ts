import { Problem } from '#problem.ts';
import { findStaffPositions } from './find-staff.ts';
import type { AccessDeps, Role, Staff } from './staff.ts';

/** The living position with which the person may do this; of several roles any suffices. Throws Problem `not-allowed`. */
export async function requireRole(
  deps: Pick<AccessDeps, 'db'>,
  input: { personId: string; organisationId?: string | undefined; role: Role | readonly Role[] },
): Promise<Staff> {
  const wanted: readonly Role[] = typeof input.role === 'string' ? [input.role] : input.role;
  const positions = await findStaffPositions(deps, input.personId);
  const position = positions.find(
    ({ organisationId, roles }) =>
      (input.organisationId === undefined || organisationId === input.organisationId) && roles.some((role) => wanted.includes(role)),
  );
  if (!position) throw new Problem('not-allowed');
  return position;
}
