/**
 * Proof that who asks for a certificate of a web server controls its names: for each a random token, and under a path of that name a
 * text of the token and the key of the request, so that nobody can use another's proof for a key of his own. Certificates name only
 * what was proven, and nothing is issued on a proof older than the request itself.
 */
import { randomBytes } from 'node:crypto';
import { Problem } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import type { RequestRow } from './enrolment.ts';

export async function createDomainProofs(tx: Transaction, requestId: string, dnsNames: readonly string[]): Promise<void> {
  await tx.domainControl.createMany({
    data: dnsNames.map((name) => ({ requestId, name, token: randomBytes(24).toString('base64url') })),
  });
}

/** What must stand under the path. */
export function contentOf(token: string, { keyDigest }: Pick<RequestRow, 'keyDigest'>): string {
  return `${token}.${Buffer.from(keyDigest).toString('base64url')}`;
}

/** Throws Problem `domain-not-proven`. */
export async function requireProvenDomains(
  tx: Pick<Transaction, 'domainControl'>,
  row: Pick<RequestRow, 'id' | 'dnsNames'>,
): Promise<void> {
  if (row.dnsNames.length === 0) return;
  const proven = await tx.domainControl.count({ where: { requestId: row.id, name: { in: row.dnsNames }, provenAt: { not: null } } });
  if (proven !== row.dnsNames.length) throw new Problem('domain-not-proven');
}
