/**
 * What a verifier keeps as proof of a look-up: a JWS over the facts, without personal data. The row is stored first, then
 * signed; a request that comes again gets the same receipt.
 */
import { RECEIPT_KEY } from '#codes/code-key-ring.ts';
import { signJws } from '#codes/jws.ts';
import type { Database } from '#storage/database.ts';
import { currentKeyName } from '#storage/key-generations.ts';
import type { LicenceDeps } from './licence-deps.ts';

export const RECEIPT_TYPE = 'tongren-receipt+jwt';
export type LookUpRow = NonNullable<Awaited<ReturnType<Database['lookUp']['findUnique']>>>;

/** The receipt of a look-up; signed and kept at the first call. */
export async function receiptOf(
  deps: Pick<LicenceDeps, 'db' | 'clock' | 'keys' | 'publicOrigin'>,
  row: LookUpRow,
  identifier: string,
): Promise<string> {
  if (row.receipt !== null) return row.receipt;
  const key = { ...RECEIPT_KEY, name: await currentKeyName(deps.db, RECEIPT_KEY.name, deps.clock.now()) };
  const receipt = await signJws(deps.keys, key, RECEIPT_TYPE, {
    iss: deps.publicOrigin,
    jti: row.id,
    iat: Math.floor(row.at.getTime() / 1000),
    licence: identifier,
    verdict: row.verdict,
    status: row.licenceStatus,
    as_of: row.at.toISOString(),
    code_id: row.codeId ? Buffer.from(row.codeId).toString('hex') : undefined,
    organisation: row.organisationId,
    by: row.actor,
    purpose: row.purpose,
    request_id: row.requestId,
  });
  const { count } = await deps.db.lookUp.updateMany({ where: { id: row.id, receipt: null }, data: { receipt } });
  if (count === 1) return receipt;
  // The same request runs twice at this moment and the other was faster: its receipt is the one that counts.
  const stored = await deps.db.lookUp.findUniqueOrThrow({ where: { id: row.id }, select: { receipt: true } });
  return stored.receipt ?? receipt;
}
