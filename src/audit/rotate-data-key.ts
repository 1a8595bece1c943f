/** A new key for fields and files: what is written from then on is sealed with it, what was written before stays readable. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '#ports/clock.ts';
import { Problem } from '#problem.ts';
import { type Database, isUniqueViolation } from '#storage/database.ts';
import { DATA_KEY_BYTES, DATA_KEY_LEAD_MS, type KeyWrapping } from '#storage/open-data-keys.ts';
import { recordEvent } from './record-event.ts';

/** The version is one octet of what it seals; 0 marks a file in segments. The rows of erased keys stay, so that no number comes twice. */
const MAX_VERSION = 255;

/**
 * @param compromised the one before is in wrong hands, and noted so.
 * Answers from when it seals: running processes know it by then. Throws Problem `key-succession-running` when another was made at the same moment, `data-keys-used-up` after 255.
 */
export async function rotateDataKey(
  { db, clock, dataKeys }: { db: Database; clock: Clock; dataKeys: KeyWrapping },
  by: string,
  { compromised = false } = {},
): Promise<{ version: number; sealsFrom: Date }> {
  const newest = await db.dataKey.findFirstOrThrow({ where: { purpose: 'field' }, orderBy: { version: 'desc' } });
  const version = newest.version + 1;
  if (version > MAX_VERSION) throw new Problem('data-keys-used-up');
  const wrapped = Uint8Array.from(await dataKeys.wrap(randomBytes(DATA_KEY_BYTES)));
  const at = clock.now();
  try {
    await db.$transaction(async (tx) => {
      await tx.dataKey.create({ data: { purpose: 'field', version, wrapped, createdAt: at } });
      const detail = { version, ...(compromised ? { compromised: newest.version } : {}) };
      if (compromised) await tx.dataKey.updateMany({ where: { purpose: 'field', version: newest.version }, data: { compromisedAt: at } });
      await recordEvent(tx, { kind: 'data-key-made', actor: by, subject: `data-key:${version}`, detail, at });
    });
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('key-succession-running', { cause: error });
    throw error;
  }
  return { version, sealsFrom: new Date(at.getTime() + DATA_KEY_LEAD_MS) };
}
