/**
 * Each use of a seal is written down in the transaction that makes it count: on what, by whom, over which bytes. There the rules
 * decide for the last time. The seal's row is held meanwhile, so a seal that is suspended, destroyed or given other rules is so for
 * every use that had not counted yet; and of two that want the last use of the day one gets it.
 */
import { digest } from '#crypto/suite.ts';
import { Prisma, type Transaction } from '#storage/database.ts';
import { sealDayOf, startOfSealDay } from './seal-day.ts';
import { dailyLimitReached, type RuledSeal, requireAllowedUse } from './seal-rules.ts';

export interface NewSealUse {
  sealId: string;
  /** `licence:<id>`, `seal-job:<id>` */
  subject: string;
  /** Short name, when it is a licence. */
  licenceType?: string | undefined;
  files: readonly SealedFile[];
  actor: string;
  at: Date;
}

/** A sealed file as the log remembers it; digests in hexadecimal. */
export interface SealedFile {
  format: 'ofd' | 'pdf';
  /** SHA-256. */
  digest: string;
  sm3: string;
}

/** To be had before the transaction begins: a large file takes a while. */
export function describeSealedFile(format: SealedFile['format'], bytes: Uint8Array): SealedFile {
  return { format, digest: hex(digest('sha256', bytes)), sm3: hex(digest('sm3', bytes)) };
}

/** Throws Problem `seal-not-usable`, `seal-use-not-allowed`, `seal-daily-limit`; the caller's transaction must end with it. */
export async function recordSealUse(tx: Transaction, { sealId, subject, licenceType, files, actor, at }: NewSealUse): Promise<void> {
  const rows = await tx.$queryRaw<RuledSeal[]>(Prisma.sql`
    SELECT status, valid_from AS "validFrom", valid_to AS "validTo", coalesce(licence_types, '{}') AS "licenceTypes",
      coalesce(users, '{}') AS users, daily_limit AS "dailyLimit"
    FROM seal WHERE id = ${sealId}::uuid FOR SHARE`);
  const seal = rows[0];
  if (!seal) throw new Error(`seal ${sealId} is used but is not there`);
  requireAllowedUse(seal, { actor, licenceType, at });
  if (seal.dailyLimit !== null) await countUses(tx, { sealId, limit: seal.dailyLimit, uses: files.length, at });
  await tx.sealUse.createMany({
    data: files.map((file) => ({ sealId, subject, licenceType: licenceType ?? null, ...file, actor, at })),
  });
}

/** The day's first use also counts what the log has of that day from before there was a limit. */
async function countUses(tx: Transaction, day: { sealId: string; limit: number; uses: number; at: Date }): Promise<void> {
  const { sealId, limit, uses, at } = day;
  const counted = await tx.$queryRaw<{ uses: number }[]>(Prisma.sql`
    INSERT INTO seal_day (seal_id, day, uses)
    VALUES (${sealId}::uuid, ${sealDayOf(at)},
      ${uses}::int + (SELECT count(*)::int FROM seal_use WHERE seal_id = ${sealId}::uuid AND at >= ${startOfSealDay(at)}))
    ON CONFLICT (seal_id, day) DO UPDATE SET uses = seal_day.uses + ${uses}::int
    RETURNING uses`);
  // Over the limit: the transaction ends, and with it this count.
  if ((counted[0]?.uses ?? 0) > limit) throw dailyLimitReached(at);
}

/** Files sealed on that day of China's calendar. */
export async function countSealUses(tx: Transaction, sealId: string, at: Date): Promise<number> {
  const row = await tx.sealDay.findUnique({ where: { sealId_day: { sealId, day: sealDayOf(at) } } });
  return row?.uses ?? tx.sealUse.count({ where: { sealId, at: { gte: startOfSealDay(at) } } });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
