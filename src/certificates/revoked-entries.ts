/** Entries of revocation lists, read page by page and encoded as they come. */
import type { RevocationReason } from '#pki/crl.ts';
import { CrlEntries } from '#pki/encode-crl.ts';
import { Prisma, type Transaction } from '#storage/database.ts';

const PAGE = 20_000;
const PAGES_AT_ONCE = 2;
const KEY_NAME = /^[a-z0-9-]+$/;
/** An entry as a line of text. */
const LINE = `concat_ws(' ', serial_hex, extract(epoch FROM revoked_at)::bigint, coalesce(revocation_reason, 'unspecified'),
  extract(epoch FROM invalidity_date)::bigint)`;
/** A revocation whose transaction began before a list was made and ended after it: no transaction of ours takes so long. */
const OVERLAP_MS = 10 * 60_000;

/**
 * Everything ever revoked stays on the list, expired or not: seals outlive the certificates that made them. The rows come in the order in
 * which they lie, some pages at a time: in any other order a million of them would be fetched from all over the disk.
 * @param partition only what names this part.
 */
export async function readRevoked(tx: Transaction, issuerKey: string, partition?: number): Promise<CrlEntries> {
  // A cursor takes no parameters.
  if (!KEY_NAME.test(issuerKey) || !Number.isSafeInteger(partition ?? 0)) throw new RangeError('not the name of an authority');
  const which = `issuer_key = '${issuerKey}' AND revoked_at IS NOT NULL${partition === undefined ? '' : ` AND crl_partition = ${partition}`}`;
  await tx.$executeRawUnsafe(`
    DECLARE revoked_pages NO SCROLL CURSOR FOR SELECT string_agg(line, E'\\n') AS text FROM (
      SELECT ${LINE} AS line, (row_number() OVER ()) / ${PAGE} AS page FROM issued_certificate WHERE ${which}) AS lines GROUP BY page`);
  const entries = new CrlEntries();
  for (;;) {
    const pages = await tx.$queryRawUnsafe<{ text: string }[]>(`FETCH ${PAGES_AT_ONCE} FROM revoked_pages`);
    for (const { text } of pages) for (const line of text.split('\n')) entries.add(entryOf(line));
    if (pages.length < PAGES_AT_ONCE) break;
  }
  await tx.$executeRawUnsafe('CLOSE revoked_pages');
  return entries;
}

/**
 * What was revoked, held, released or made final since (RFC 5280 §5.2.4: also an entry whose reason changed): once too often is no harm in a delta, once too seldom is.
 * @param partition only of what names this part.
 */
export async function readChanges(tx: Transaction, issuerKey: string, since: Date, partition?: number): Promise<CrlEntries> {
  const from = new Date(since.getTime() - OVERLAP_MS);
  // That it is revoked follows from the dates; said, the index of what is revoked in a part serves.
  const inPart = partition === undefined ? Prisma.empty : Prisma.sql`AND crl_partition = ${partition}::int`;
  const which = partition === undefined ? Prisma.empty : Prisma.sql`${inPart} AND revoked_at IS NOT NULL`;
  const entries = await readPages(tx, Prisma.sql`issuer_key = ${issuerKey} AND (revoked_at >= ${from} OR final_at >= ${from}) ${which}`);
  const released = await tx.$queryRaw<{ serialHex: string; releasedAt: Date }[]>`
    SELECT DISTINCT ON (r.serial_hex) r.serial_hex AS "serialHex", r.released_at AS "releasedAt"
    FROM certificate_release r JOIN issued_certificate c ON c.serial_hex = r.serial_hex AND c.revoked_at IS NULL ${inPart}
    WHERE r.issuer_key = ${issuerKey} AND r.released_at >= ${from}
    ORDER BY r.serial_hex, r.released_at DESC`;
  for (const { serialHex, releasedAt } of released) entries.add({ serialHex, revokedAt: releasedAt, reason: 'remove-from-crl' });
  return entries;
}

/** A page comes as one text, not as thousands of rows: a list of a million is read in seconds. */
async function readPages(tx: Transaction, which: Prisma.Sql): Promise<CrlEntries> {
  const entries = new CrlEntries();
  for (let after = ''; ; ) {
    const [page] = await tx.$queryRaw<{ text: string | null; last: string | null; count: number }[]>`
      SELECT string_agg(${Prisma.raw(LINE)}, E'\n') AS text,
        max(serial_hex) AS last, count(*)::int AS count
      FROM (SELECT serial_hex, revoked_at, revocation_reason, invalidity_date FROM issued_certificate
        WHERE ${which} AND serial_hex > ${after} ORDER BY serial_hex LIMIT ${PAGE}) AS page`;
    for (const line of page?.text?.split('\n') ?? []) entries.add(entryOf(line));
    if (!page?.last || page.count < PAGE) return entries;
    after = page.last;
  }
}

function entryOf(line: string) {
  const [serialHex = '', revokedAt, reason = 'unspecified', invalidity] = line.split(' ');
  return {
    serialHex,
    revokedAt: new Date(Number(revokedAt) * 1_000),
    reason: reason as RevocationReason,
    ...(invalidity ? { invalidityDate: new Date(Number(invalidity) * 1_000) } : {}),
  };
}
