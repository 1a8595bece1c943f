/** What anyone may learn: by the printed address, status and masked fields; by the identifier in a file, the status alone. */
import { publicTokenIndexes } from './licence-content.ts';
import type { LicenceDeps } from './licence-deps.ts';
import { parseIdentifier } from './licence-identifier.ts';
import { type LicenceStatus, statusAt } from './licence-status.ts';
import { type MaskedLicence, maskedLicenceOf } from './licence-view.ts';

/** By the token in `/v/…`. Undefined for any other token. */
export async function findPublicLicence(
  deps: Pick<LicenceDeps, 'db' | 'fields' | 'clock' | 'publicOrigin'>,
  token: string,
): Promise<MaskedLicence | undefined> {
  if (!/^[A-Za-z0-9_-]{22}$/.test(token)) return undefined;
  const row = await deps.db.licence.findFirst({ where: { publicTokenIndex: { in: publicTokenIndexes(deps.fields, token) } } });
  return row && row.status !== 'preparing' ? maskedLicenceOf(deps, row) : undefined;
}

/** `licence` in the JSON of CONTRACT.md. */
export interface KnownLicenceStatus {
  identifier: string;
  type: string;
  status: LicenceStatus;
  asOf: string;
  source: 'register';
}

/** By the identifier that a file names. Undefined when it is none of ours. */
export async function findLicenceStatus(
  { db, clock }: Pick<LicenceDeps, 'db' | 'clock'>,
  identifier: string,
): Promise<KnownLicenceStatus | undefined> {
  if (!parseIdentifier(identifier)) return undefined;
  const row = await db.licence.findUnique({ where: { identifier: identifier.trim().toUpperCase() } });
  if (!row || row.status === 'preparing') return undefined;
  const at = clock.now();
  return { identifier: row.identifier, type: row.typeCode, status: statusAt(row, at), asOf: at.toISOString(), source: 'register' };
}
