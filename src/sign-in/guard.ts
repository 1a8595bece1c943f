/**
 * Lockout. A try is counted before it is judged and forgiven when it was right, so that tries made at the same instant cannot slip
 * past the limit. Counts live in PostgreSQL: no restart forgives them. Keys are keyed HMACs: the table names nobody.
 */
import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { Clock } from '#ports/clock.ts';
import { lockIndexes } from '#storage/admit-index-writer.ts';
import { type Database, Prisma, type Transaction } from '#storage/database.ts';
import { networkOfAddress } from './network-of-address.ts';

export interface GuardRule {
  /** So many tries are free; the one that reaches the number locks. */
  tries: number;
  /** For how long the first, second, … lock holds; the last repeats. */
  lockSeconds: readonly [number, ...number[]];
  /** After so long without a try, counting starts anew. */
  forgetSeconds: number;
}

/** GB/T 22239-2019 8.1.4.1 wants tries limited; five, then 5, 15, 30 minutes. */
export const ACCOUNT_RULE: GuardRule = { tries: 5, lockSeconds: [300, 900, 1800], forgetSeconds: 86_400 };
/** Behind one address may sit a whole service hall. */
export const ADDRESS_RULE: GuardRule = { tries: 50, lockSeconds: [300, 900, 1800], forgetSeconds: 3_600 };

type GuardDeps = { db: Database; clock: Clock; fields: FieldCipher };

/** Under every version of the blind-index key that counts: the first is counted under, what stands under the others is taken along. */
export type GuardKey = ReturnType<FieldCipher['blindIndexes']>;
export const guardKey = (fields: FieldCipher, kind: 'account' | 'device' | 'login' | 'address', value: string): GuardKey =>
  fields.blindIndexes(`sign-in-guard-${kind}`, value);
export const addressKey = (fields: FieldCipher, ip: string) => guardKey(fields, 'address', networkOfAddress(ip));

export type Admission = { admitted: true; lockedBy: boolean } | { admitted: false; retryAfterSeconds: number };

/** Counts one try, or refuses it while locked. `lockedBy`: this very try, should it be wrong, leaves the key locked. */
export async function admitTry({ db, clock }: GuardDeps, keys: GuardKey, rule: GuardRule): Promise<Admission> {
  const [key, ...older] = keys;
  if (!older.length) return countTry(db, key, rule, clock.now());
  // Somebody may count under another version at this moment: one after the other.
  return db.$transaction(async (tx) => {
    await lockIndexes(tx, keys);
    await takeAlong(tx, key, older);
    return countTry(tx, key, rule, clock.now());
  });
}

async function countTry(db: Transaction, key: GuardKey[0], rule: GuardRule, at: Date): Promise<Admission> {
  const forgetBefore = new Date(at.getTime() - rule.forgetSeconds * 1000);
  const rows = await db.$queryRaw<{ tries: number }[]>`
    INSERT INTO "sign_in_guard" AS g ("key", "tries", "last_try_at", "locked_until") VALUES (${key}, 1, ${at}, NULL)
    ON CONFLICT ("key") DO UPDATE SET
      "tries" = CASE WHEN g."last_try_at" <= ${forgetBefore} THEN 1 ELSE g."tries" + 1 END,
      "last_try_at" = ${at},
      "locked_until" = CASE
        WHEN g."last_try_at" > ${forgetBefore} AND g."tries" + 1 >= ${rule.tries}::int
        THEN ${at}::timestamptz + make_interval(secs =>
          (${[...rule.lockSeconds]}::int[])[LEAST(g."tries" + 2 - ${rule.tries}::int, ${rule.lockSeconds.length}::int)])
        END
    WHERE g."locked_until" IS NULL OR g."locked_until" <= ${at}
    RETURNING "tries"`;
  const row = rows[0];
  if (row) return { admitted: true, lockedBy: row.tries >= rule.tries };
  const lockedUntil = (await db.signInGuard.findUnique({ where: { key } }))?.lockedUntil;
  const remaining = lockedUntil ? lockedUntil.getTime() - at.getTime() : 0;
  return { admitted: false, retryAfterSeconds: Math.max(1, Math.ceil(remaining / 1000)) };
}

/** A change of the key forgives nothing: counts and locks move to the version counted under now. */
async function takeAlong(db: Transaction, key: GuardKey[0], older: readonly GuardKey[0][]): Promise<void> {
  const stored = await db.signInGuard.count({ where: { key: { in: [...older] } } });
  if (stored === 0) return;
  await db.$executeRaw`
    WITH old AS (DELETE FROM "sign_in_guard" WHERE "key" IN (${Prisma.join(older)}) RETURNING "tries", "last_try_at", "locked_until")
    INSERT INTO "sign_in_guard" AS g ("key", "tries", "last_try_at", "locked_until")
      SELECT ${key}::bytea, max("tries"), max("last_try_at"), max("locked_until") FROM old HAVING count(*) > 0
    ON CONFLICT ("key") DO UPDATE SET
      "tries" = GREATEST(g."tries", EXCLUDED."tries"),
      "last_try_at" = GREATEST(g."last_try_at", EXCLUDED."last_try_at"),
      "locked_until" = GREATEST(g."locked_until", EXCLUDED."locked_until")`;
}

/** The person proved themselves: the count starts anew. */
export async function forgiveAll({ db }: Pick<GuardDeps, 'db'>, keys: GuardKey): Promise<void> {
  await db.signInGuard.deleteMany({ where: { key: { in: keys } } });
}

/** Takes back one counted try. An address is not forgiven whole: an attacker with one account of their own could wash it. */
export async function forgiveOne({ db }: Pick<GuardDeps, 'db'>, keys: GuardKey, rule: GuardRule): Promise<void> {
  await db.$executeRaw`
    UPDATE "sign_in_guard" SET "tries" = GREATEST("tries" - 1, 0),
      "locked_until" = CASE WHEN "tries" - 1 >= ${rule.tries}::int THEN "locked_until" END
    WHERE "key" IN (${Prisma.join(keys)})`;
}

/** Removes counts that no rule remembers. Returns how many. */
export async function sweepGuards({ db, clock }: Pick<GuardDeps, 'db' | 'clock'>): Promise<number> {
  const before = new Date(clock.now().getTime() - 2 * 86_400_000);
  return (await db.signInGuard.deleteMany({ where: { lastTryAt: { lt: before } } })).count;
}
