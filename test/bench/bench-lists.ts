/** Revocation lists of 10^4, 10^5 and 10^6 entries: written alone, and published whole, read from the database, signed and stored. */
import { findCrlFacts, readCrlPieces } from '#certificates/find-crl.ts';
import { publishCrl } from '#certificates/publish-crls.ts';
import { CrlEntries, encodeTbsCrl } from '#pki/encode-crl.ts';
import type { BenchApp } from './bench-app.ts';
import type { Row } from './measure.ts';

const SIZES = [10_000, 100_000, 1_000_000];
const KEY = 'ca-devices-p256';
const MEBIBYTE = 1024 * 1024;

export async function benchLists({ app: { context } }: BenchApp): Promise<Row[]> {
  const rows: Row[] = [];
  let first = { writing: 1, publishing: 1 };
  let present = 0;
  for (const size of SIZES) {
    await fill(context, present, size);
    present = size;
    const writing = seconds(() => write(size));
    const publishing = await secondsOf(() => publishCrl(context, KEY));
    const facts = await findCrlFacts(context, KEY, 'complete');
    let bytes = 0;
    const serving = await secondsOf(async () => {
      if (facts) for await (const piece of readCrlPieces(context, facts, 'complete')) bytes += piece.length;
    });
    if (size === SIZES[0]) first = { writing, publishing };
    const baseline = 'the same with 10,000 entries';
    const label = `list of ${size.toLocaleString('en')} entries`;
    rows.push(
      { name: `${label}, written`, value: writing, unit: 's', baseline, baselineValue: first.writing, ratio: writing / first.writing },
      {
        name: `${label}, published`,
        value: publishing,
        unit: 's',
        baseline,
        baselineValue: first.publishing,
        ratio: publishing / first.publishing,
      },
      {
        name: `${label}, read in pieces`,
        value: serving,
        unit: 's',
        baseline: 'publishing it',
        baselineValue: publishing,
        ratio: serving / publishing,
      },
      {
        name: `${label}, peak memory so far`,
        value: process.resourceUsage().maxRSS / 1024,
        unit: 'MiB',
        baseline: 'the list itself',
        baselineValue: bytes / MEBIBYTE,
        ratio: (process.resourceUsage().maxRSS * 1024) / bytes,
      },
    );
  }
  return rows;
}

function write(size: number): Uint8Array {
  const entries = new CrlEntries();
  const revokedAt = new Date('2026-01-01T00:00:00Z');
  for (let n = 0; n < size; n++) {
    entries.add({ serialHex: `4d${n.toString(16).padStart(30, '0')}`, revokedAt, reason: n % 3 ? 'superseded' : 'unspecified' });
  }
  const name = Uint8Array.of(0x30, 0);
  const thisUpdate = new Date('2026-06-01T00:00:00Z');
  const nextUpdate = new Date('2026-06-08T00:00:00Z');
  return encodeTbsCrl({
    suite: 'es256',
    issuer: name,
    issuerKeyIdentifier: new Uint8Array(20),
    number: 1n,
    thisUpdate,
    nextUpdate,
    entries,
  });
}

/** Rows as a revoked certificate leaves them, but without the certificate, which lists do not look at. */
async function fill({ db }: BenchApp['app']['context'], from: number, to: number): Promise<void> {
  await db.$executeRaw`
    INSERT INTO issued_certificate
      (id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, tbs, issued_at, issued_by, revoked_at, revocation_reason)
    SELECT gen_random_uuid(), '4d' || lpad(to_hex(n), 30, '0'), ${KEY}, 'device', 'es256', '', now(), now(), '\\x30'::bytea, now(), 'system:bench',
      now() - interval '60 days', CASE WHEN n % 3 = 0 THEN 'unspecified' ELSE 'superseded' END
    FROM generate_series(${from + 1}::int, ${to}::int) AS n`;
}

function seconds(work: () => unknown): number {
  const began = performance.now();
  work();
  return (performance.now() - began) / 1_000;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}
