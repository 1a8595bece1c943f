/**
 * Writing blind indexes while their key changes. A unique column decides only among rows of one version of the key; between versions
 * whoever writes an index first locks its value under every version that counts. Two writers always share a version, so one waits.
 */
import type { Transaction } from './database.ts';

/** Shared by everybody who writes an index, alone for who closes a version. */
const WRITERS_LOCK = 0x746f6e67_62696478n;

/** Something this process does not know: it must read the keys again before it writes. */
export class IndexKeyUnknown extends Error {
  override name = 'IndexKeyUnknown';
}

/**
 * To be called in the transaction that writes, before it looks whether a value is taken; holds until it ends.
 * @param versions as `FieldCipher.indexVersions`, the one that is written first.
 * @param indexes of every value to be written, under every version.
 * Throws `IndexKeyUnknown` when others may write under a version that is not among `versions`, or nobody may under the first any more:
 * a process that stood still for longer than the lead.
 */
export async function admitIndexWriter(
  tx: Transaction,
  { versions, indexes, at }: { versions: readonly number[]; indexes: readonly Uint8Array[]; at: Date },
): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock_shared(${WRITERS_LOCK}::bigint)::text`;
  await lockIndexes(tx, indexes);
  const counting = await tx.dataKey.findMany({
    where: { purpose: 'index', retiredAt: null },
    select: { version: true, usedFrom: true, closedAt: true },
  });
  // Without rows the keys are not of this database: somebody else answers for them.
  if (!counting.length) return;
  const isUnknown = counting.some(({ version, usedFrom }) => !versions.includes(version) && (!usedFrom || usedFrom <= at));
  const own = counting.find(({ version }) => version === versions[0]);
  if (isUnknown || !own || own.closedAt) throw new IndexKeyUnknown('The keys of blind indexes have changed.');
}

/** One at a time for each value, whoever knows it under one of these: until the transaction ends. */
export async function lockIndexes(tx: Transaction, indexes: readonly Uint8Array[]): Promise<void> {
  // In one order, so that of two with two values each none waits for the other for ever.
  const locks = [...new Set(indexes.map((index) => Buffer.from(index).readBigInt64BE()))].sort((a, b) => (a < b ? -1 : 1)).map(String);
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(k::bigint)::text FROM unnest(${locks}::text[]) AS k`;
}

/** Nobody writes under these versions once the transaction has ended, and whoever did has finished. */
export async function closeIndexVersions(tx: Transaction, versions: readonly number[], at: Date): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(${WRITERS_LOCK}::bigint)::text`;
  await tx.dataKey.updateMany({ where: { purpose: 'index', version: { in: [...versions] }, closedAt: null }, data: { closedAt: at } });
}
