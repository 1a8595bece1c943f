/** One citizen number and one phone belong to at most one person, also while the key of the blind indexes changes. */
import { Problem } from '#problem.ts';
import { admitIndexWriter, IndexKeyUnknown } from '#storage/admit-index-writer.ts';
import type { Transaction } from '#storage/database.ts';
import { citizenNumberIndexes, type PeopleDeps, phoneIndexes } from './person.ts';

const LOOK_AGAIN_SECONDS = 30;

export interface Identifiers {
  /** As `parseCitizenNumber` gives it. */
  number?: string | undefined;
  /** E.164 */
  phone?: string | undefined;
}

/**
 * For the transaction that writes them: nobody else can take these values before it ends. Answers the indexes to write.
 * @param personId whose they are to be; a value that is theirs already is not taken.
 * Throws Problem `citizen-number-taken`, `phone-taken`, and `unavailable` in a process that has yet to learn of a new key.
 */
export async function claimIdentifiers(
  tx: Transaction,
  { fields }: Pick<PeopleDeps, 'fields'>,
  { number, phone }: Identifiers,
  { personId, at }: { personId: string; at: Date },
) {
  const versions = fields.indexVersions;
  const numbers = number === undefined ? [] : citizenNumberIndexes(fields, number);
  const phones = phone === undefined ? [] : phoneIndexes(fields, phone);
  try {
    await admitIndexWriter(tx, { versions, indexes: [...numbers, ...phones], at });
  } catch (cause) {
    if (!(cause instanceof IndexKeyUnknown)) throw cause;
    throw new Problem('unavailable', { retryAfterSeconds: LOOK_AGAIN_SECONDS, cause });
  }
  // Under one version alone the unique columns decide.
  if (versions.length > 1) {
    const holders = await tx.person.findMany({
      where: { id: { not: personId }, OR: [{ citizenNumberIndex: { in: numbers } }, { phoneIndex: { in: phones } }] },
      select: { citizenNumberIndex: true },
    });
    const isOf = (index: Uint8Array | null) => index !== null && numbers.some((one) => Buffer.compare(one, index) === 0);
    if (holders.some(({ citizenNumberIndex }) => isOf(citizenNumberIndex))) throw new Problem('citizen-number-taken');
    if (holders.length) throw new Problem('phone-taken');
  }
  return { citizenNumberIndex: numbers[0] ?? null, phoneIndex: phones[0] ?? null };
}
