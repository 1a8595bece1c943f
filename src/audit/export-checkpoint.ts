/** Writes checkpoints over the chain and gives out the last one. */
import type { Clock } from '#ports/clock.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { type Database, isUniqueViolation, type Prisma } from '#storage/database.ts';
import { currentKeyName, keyNamesOf } from '#storage/key-generations.ts';
import { assembleCheckpoint, CHECKPOINT_KEY, CHECKPOINT_SUITE, type CheckpointDocument, encodeCheckpoint } from './checkpoint.ts';

/** The key of checkpoints, made at the first call; of later generations, the newest. */
export async function ensureCheckpointKey({ db, keys }: { db: Database; keys: KeyStore }): Promise<StoredKey> {
  const name = await currentKeyName(db, CHECKPOINT_KEY);
  const found = await keys.find(name);
  if (found) return found;
  try {
    return await keys.create(name, CHECKPOINT_SUITE, ['audit-checkpoint']);
  } catch (error) {
    const other = error instanceof Problem && error.code === 'key-exists' ? await keys.find(name) : undefined;
    if (!other) throw error;
    return other;
  }
}

/** The keys of all generations: each may have signed a checkpoint that somebody kept. */
export async function findCheckpointKeys({ db, keys }: { db: Database; keys: KeyStore }): Promise<StoredKey[]> {
  const found = await Promise.all((await keyNamesOf(db, CHECKPOINT_KEY)).map((name) => keys.find(name)));
  return found.filter((key) => key !== undefined);
}

/** Signs the end of the chain. Undefined when nothing was chained since the last checkpoint. */
export async function writeCheckpoint(deps: { db: Database; clock: Clock; keys: KeyStore }): Promise<CheckpointDocument | undefined> {
  const { db, clock, keys } = deps;
  const [link, last] = await Promise.all([
    db.auditLink.findFirst({ orderBy: { position: 'desc' } }),
    db.auditCheckpoint.findFirst({ orderBy: { position: 'desc' }, select: { position: true } }),
  ]);
  if (!link || (last && last.position >= link.position)) return undefined;
  const key = await ensureCheckpointKey({ db, keys });
  const at = new Date(Math.floor(clock.now().getTime() / 1000) * 1000);
  const content = { position: link.position, eventId: link.eventId, chainHash: link.chainHash, at };
  const signingInput = encodeCheckpoint(content, key.name);
  const document = assembleCheckpoint(content, signingInput, await keys.sign(key.name, 'audit-checkpoint', signingInput), key);
  try {
    const row = { position: link.position, at, chainHash: link.chainHash, document: document as unknown as Prisma.InputJsonObject };
    await db.auditCheckpoint.create({ data: row });
  } catch (error) {
    // Another process wrote it for the same position: both are true.
    if (!isUniqueViolation(error)) throw error;
  }
  return document;
}

/** The last checkpoint written, for export. */
export async function latestCheckpoint({ db }: { db: Database }): Promise<CheckpointDocument | undefined> {
  const row = await db.auditCheckpoint.findFirst({ orderBy: { position: 'desc' } });
  return row ? (row.document as unknown as CheckpointDocument) : undefined;
}
