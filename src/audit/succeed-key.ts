/** A new generation of a signing key: made in the key store, recorded, and from then on the one that every process signs with. */
import type { Suite } from '#crypto/suite.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyPurpose, KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { type Database, isUniqueViolation, type Transaction } from '#storage/database.ts';
import { forgetKeyNames } from '#storage/key-generations.ts';
import { recordEvent } from './record-event.ts';

export interface KeyLine {
  /** Name of its first generation. */
  base: string;
  suite: Suite;
  purpose: KeyPurpose;
  /** Readers keep published keys this long: so much sooner a successor is published than it signs. Default: it signs at once. */
  leadSeconds?: number;
}

/**
 * Other processes follow within half a minute. With `compromised` there is no lead, and what the key before signed proves nothing from
 * now on. Throws Problem `key-succession-running` when another was faster or a successor is waiting for its hour, and what the key
 * store throws.
 */
export async function succeedKey(
  deps: { db: Database; clock: Clock; keys: KeyStore },
  { base, suite, purpose, leadSeconds = 0 }: KeyLine,
  by: string,
  { compromised = false }: { compromised?: boolean } = {},
): Promise<{ before: string; after: StoredKey; signsFrom: Date }> {
  const { db, clock, keys } = deps;
  const newest = await db.keyGeneration.findFirst({ where: { base }, orderBy: { generation: 'desc' } });
  if (newest?.signsFrom && newest.signsFrom > clock.now()) {
    if (!compromised) throw new Problem('key-succession-running');
    return takeOver(deps, newest, by);
  }
  const generation = (newest?.generation ?? 1) + 1;
  const keyName = `${base}-${generation}`;
  const after = await findOrCreate(keys, keyName, suite, purpose);
  const at = clock.now();
  const before = newest?.keyName ?? base;
  const signsFrom = new Date(at.getTime() + (compromised ? 0 : leadSeconds * 1000));
  try {
    await db.$transaction(async (tx) => {
      await tx.keyGeneration.create({
        data: { keyName, base, generation, createdAt: at, createdBy: by, ...(signsFrom > at ? { signsFrom } : {}) },
      });
      if (compromised) await noteCompromise(tx, { keyName: before, base, at, by });
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
  return { before, after, signsFrom };
}

/** The successor that waits for its hour signs from now on. */
async function takeOver(
  { db, clock, keys }: { db: Database; clock: Clock; keys: KeyStore },
  waiting: { keyName: string; base: string; generation: number },
  by: string,
): Promise<{ before: string; after: StoredKey; signsFrom: Date }> {
  const { keyName, base, generation } = waiting;
  const at = clock.now();
  const previous = await db.keyGeneration.findFirst({ where: { base, generation: { lt: generation } }, orderBy: { generation: 'desc' } });
  const before = previous?.keyName ?? base;
  const after = await keys.find(keyName);
  if (!after) throw new Problem('key-not-found');
  await db.$transaction(async (tx) => {
    await tx.keyGeneration.update({ where: { keyName }, data: { signsFrom: at } });
    await noteCompromise(tx, { keyName: before, base, at, by });
  });
  forgetKeyNames(db);
  return { before, after, signsFrom: at };
}

async function noteCompromise(tx: Transaction, { keyName, base, at, by }: { keyName: string; base: string; at: Date; by: string }) {
  await tx.keyGeneration.upsert({
    where: { keyName },
    // The first generation has no row of its own until now.
    create: { keyName, base, generation: 1, createdAt: at, createdBy: by, compromisedAt: at },
    update: { compromisedAt: at },
  });
  await recordEvent(tx, { kind: 'key-compromised', actor: by, subject: `key:${keyName}`, detail: { base }, at });
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
