/** A new generation of a signing key: made in the key store, recorded, and from then on the one that every process signs with. */
import type { Suite } from '#crypto/suite.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyPurpose, KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { type Database, isUniqueViolation } from '#storage/database.ts';
import { forgetKeyNames } from '#storage/key-generations.ts';
import { recordEvent } from './record-event.ts';

export interface KeyLine {
  /** Name of its first generation. */
  base: string;
  suite: Suite;
  purpose: KeyPurpose;
}

/** Other processes follow within half a minute. Throws Problem `key-succession-running` when another was faster, and what the key store throws. */
export async function succeedKey(
  deps: { db: Database; clock: Clock; keys: KeyStore },
  { base, suite, purpose }: KeyLine,
  by: string,
): Promise<{ before: string; after: StoredKey }> {
  const { db, clock, keys } = deps;
  const newest = await db.keyGeneration.findFirst({ where: { base }, orderBy: { generation: 'desc' } });
  const generation = (newest?.generation ?? 1) + 1;
  const keyName = `${base}-${generation}`;
  const after = await findOrCreate(keys, keyName, suite, purpose);
  const at = clock.now();
  try {
    await db.$transaction(async (tx) => {
      await tx.keyGeneration.create({ data: { keyName, base, generation, createdAt: at, createdBy: by } });
      await recordEvent(tx, {
        kind: 'key-succeeded',
        actor: by,
        subject: `key:${keyName}`,
        detail: { base, generation, suite, purpose },
        at,
      });
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('key-succession-running', { cause: error });
    throw error;
  }
  forgetKeyNames(db);
  return { before: newest?.keyName ?? base, after };
}

/** A try that was cut off may have left the key without its row. */
async function findOrCreate(keys: KeyStore, name: string, suite: Suite, purpose: KeyPurpose): Promise<StoredKey> {
  const found = await keys.find(name);
  if (found) return found;
  try {
    return await keys.create(name, suite, [purpose]);
  } catch (error) {
    const other = error instanceof Problem && error.code === 'key-exists' ? await keys.find(name) : undefined;
    if (!other) throw error;
    return other;
  }
}
