/** What the use-cases on licences need from outside, and who may act in them. */

import { findStaffPositions } from '#access/find-staff.ts';
import { requireRole } from '#access/require-role.ts';
import { type Role, staffActor } from '#access/staff.ts';
import type { CodeKeyRing } from '#codes/code-key-ring.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { Clock } from '#ports/clock.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import type { FileStore } from '#ports/file-store.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';

export interface LicenceDeps {
  db: Database;
  clock: Clock;
  keys: KeyStore;
  fields: FieldCipher;
  files: FileStore;
  ephemeral: EphemeralStore;
  codes: CodeKeyRing;
  /** Origin of the public pages, without slash at the end. */
  publicOrigin: string;
}

/** A signed-in member of staff, or a system of an organisation whose token's scope was checked where it came in. */
export type ActingParty = { personId: string; organisationId?: string | undefined } | { clientId: string; organisationId: string };

export interface Acting {
  /** As the audit names them. */
  actor: string;
  organisationId: string;
}

/** Who acts for the organisation, with the role it takes. Throws Problem `not-allowed`. */
export async function requireActing(
  deps: Pick<LicenceDeps, 'db'>,
  by: ActingParty,
  need: { organisationId?: string | undefined; role: Role | readonly Role[] },
): Promise<Acting> {
  if ('clientId' in by) {
    if (need.organisationId !== undefined && need.organisationId !== by.organisationId) throw new Problem('not-allowed');
    return { actor: `client:${by.clientId}`, organisationId: by.organisationId };
  }
  const staff = await requireRole(deps, {
    personId: by.personId,
    organisationId: need.organisationId ?? by.organisationId,
    role: need.role,
  });
  return { actor: staffActor(staff), organisationId: staff.organisationId };
}

/** Whether the person holds the licence: it is theirs, or their organisation's. */
export async function isHolder(
  deps: Pick<LicenceDeps, 'db'>,
  licence: { holderKind: string; holderId: string },
  personId: string,
): Promise<boolean> {
  if (licence.holderKind === 'natural') return licence.holderId === personId;
  const positions = await findStaffPositions(deps, personId);
  return positions.some(({ organisationId }) => organisationId === licence.holderId);
}
