/**
 * Old revocation lists go. Each revocation of a small authority makes a list, and each list is whole: kept for ever they would be
 * most of the database. Served is only the newest of each kind; the others are evidence of what was said when.
 *
 * Always kept whole: the newest complete list and the newest delta of each authority and each of its parts, every list in force, whatever a delta in force
 * begins from, and of the lists that ended the last of each day. Of the others number, times and digest stay and the bytes go. Thirty
 * days after its end a list goes altogether. Numbers do not go back by this: they follow the newest lists, which stay.
 */
import { recordEvents } from '#audit/record-event.ts';
import { Prisma, type Transaction } from '#storage/database.ts';
import type { CertificateDeps } from './certificate-deps.ts';

const DAY_MS = 86_400_000;
/** Lists stay this long after their nextUpdate. */
const KEEP_ENDED_DAYS = 30;
/** Lists in one transaction; one of a million entries has some two hundred pieces. */
const BATCH = 50;
/** One sweep at a time in all processes: two would take the same lists in different orders and wait for each other. */
const SWEEP_LOCK = 0x73776570;

interface Swept {
  issuerKey: string;
  scope: string;
  number: bigint;
}

/**
 * One batch. Answers how many lists went or were emptied, so that the caller knows whether to come back at once; nothing while another
 * process sweeps.
 */
export async function sweepCrls({ db, clock }: Pick<CertificateDeps, 'db' | 'clock'>): Promise<number> {
  const now = clock.now();
  return db.$transaction(async (tx) => {
    const [lock] = await tx.$queryRaw<{ mine: boolean }[]>`SELECT pg_try_advisory_xact_lock(${SWEEP_LOCK}::bigint) AS mine`;
    if (!lock?.mine) return 0;
    const removed = await removeEnded(tx, now);
    const emptied = await emptyEnded(tx, now);
    await recordEvents(tx, [...eventsOf(removed, 'crls-removed', now), ...eventsOf(emptied, 'crls-emptied', now)]);
    return removed.length + emptied.length;
  });
}

const SIGNED = Prisma.sql`(o.digest IS NOT NULL OR o.der IS NOT NULL)`;

/** Nobody may need the bytes of list l: a later one is served, and no delta that holds begins from it. */
const isPassed = (now: Date) => Prisma.sql`
  EXISTS (SELECT 1 FROM revocation_list o WHERE o.issuer_key = l.issuer_key AND o.scope = l.scope AND o.number > l.number AND ${SIGNED})
  AND NOT EXISTS (SELECT 1 FROM revocation_list d WHERE d.issuer_key = l.issuer_key AND d.base = l.number
    AND d.scope = CASE l.scope WHEN 'complete' THEN 'delta' ELSE l.scope || '-delta' END AND d.next_update > ${now})`;

function removeEnded(tx: Transaction, now: Date): Promise<Swept[]> {
  return tx.$queryRaw<Swept[]>`
    DELETE FROM revocation_list g USING (
      SELECT l.issuer_key, l.scope, l.number FROM revocation_list l
      WHERE l.next_update < ${new Date(now.getTime() - KEEP_ENDED_DAYS * DAY_MS)} AND ${isPassed(now)}
      ORDER BY l.next_update LIMIT ${BATCH}) AS old
    WHERE g.issuer_key = old.issuer_key AND g.scope = old.scope AND g.number = old.number
    RETURNING g.issuer_key AS "issuerKey", g.scope, g.number`;
}

/** A list that was never signed is no evidence of anything: it is emptied even as the last of its day. */
async function emptyEnded(tx: Transaction, now: Date): Promise<Swept[]> {
  const lists = await tx.$queryRaw<Swept[]>`
    SELECT l.issuer_key AS "issuerKey", l.scope, l.number FROM revocation_list l
    WHERE (l.der IS NOT NULL OR octet_length(l.tbs) > 0 OR EXISTS (SELECT 1 FROM revocation_list_piece p
        WHERE p.issuer_key = l.issuer_key AND p.scope = l.scope AND p.number = l.number))
      AND l.next_update < ${now} AND ${isPassed(now)}
      AND ((l.digest IS NULL AND l.der IS NULL)
        OR EXISTS (SELECT 1 FROM revocation_list o WHERE o.issuer_key = l.issuer_key AND o.scope = l.scope AND o.number > l.number AND ${SIGNED}
          AND date_trunc('day', o.this_update AT TIME ZONE 'UTC') = date_trunc('day', l.this_update AT TIME ZONE 'UTC')))
    ORDER BY l.this_update LIMIT ${BATCH}`;
  for (const { issuerKey, scope, number } of lists) {
    await tx.$executeRaw`DELETE FROM revocation_list_piece WHERE issuer_key = ${issuerKey} AND scope = ${scope} AND number = ${number}`;
    await tx.$executeRaw`
      UPDATE revocation_list SET digest = coalesce(digest, sha256(der)), size = coalesce(size, octet_length(der)), der = NULL, tbs = ''
      WHERE issuer_key = ${issuerKey} AND scope = ${scope} AND number = ${number}`;
  }
  return lists;
}

/** One event for each authority and kind of list. */
function eventsOf(swept: readonly Swept[], kind: 'crls-removed' | 'crls-emptied', at: Date) {
  const groups = Map.groupBy(swept, ({ issuerKey, scope }) => `${issuerKey} ${scope}`);
  return [...groups.values()].map((lists) => {
    const numbers = lists.map(({ number }) => number).sort((a, b) => (a < b ? -1 : 1));
    const { issuerKey, scope } = lists[0] as Swept;
    const detail = { scope, lists: lists.length, from: String(numbers[0]), to: String(numbers.at(-1)) };
    return { kind, actor: 'system:authority', subject: `crl:${issuerKey}`, detail, at };
  });
}
