/** Revocation lists of many pieces: whole, signed, in order; and what an interrupted signing leaves behind. */
import { beforeAll, expect, test } from 'vitest';
import { findAuthority } from '#certificates/find-authority.ts';
import { findCrl, findCrlFacts, PIECE_BYTES, readCrlPieces } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { publishCrl } from '#certificates/publish-crls.ts';
import { readRevoked } from '#certificates/revoked-entries.ts';
import { digest } from '#crypto/suite.ts';
import type { Certificate } from '#pki/certificate.ts';
import { isCrlSignedBy, parseCrl } from '#pki/crl.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { testDatabase } from '../../test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const keys = guardedKeyStore(memoryKeyStore(), { clock });
const deps = { db, clock, keys, publicOrigin: 'https://id.example.cn' };
const KEY = 'ca-devices-p256';
/** Two pages of rows, and pieces enough for two questions. */
const ENTRIES = 30_000;
const REASONS = ['unspecified', 'key-compromise', 'superseded', 'certificate-hold'];
/** Serial numbers of all lengths, and with leading octets that need care in DER. */
const serialOf = (n: number) => `${['01', '7f', '80', 'ff', '10'][n % 5]}${n.toString(16).padStart(n % 2 ? 8 : 30, '0')}`;

beforeAll(async () => {
  await initialiseAuthorities(deps);
  const rows = Array.from({ length: ENTRIES }, (_, n) => ({ serial: serialOf(n), reason: REASONS[n % REASONS.length], days: n % 900 }));
  await db.$executeRaw`
    INSERT INTO issued_certificate (id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, tbs, issued_at, issued_by,
      revoked_at, revocation_reason, invalidity_date)
    SELECT gen_random_uuid(), serial, ${KEY}, 'device', 'es256', '', ${clock.now()}, ${clock.now()}, '\\x30'::bytea, ${clock.now()}, 'system:test',
      ${clock.now()}::timestamptz - days * interval '1 day 1 second', reason,
      CASE WHEN days % 100 = 0 THEN ${clock.now()}::timestamptz - interval '1000 days' END
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (serial text, reason text, days int)`;
  await publishCrl(deps, KEY);
}, 120_000);

async function piecesOf(): Promise<Uint8Array[]> {
  const facts = await findCrlFacts(deps, KEY, 'complete');
  const pieces: Uint8Array[] = [];
  if (facts) for await (const piece of readCrlPieces(deps, facts, 'complete')) pieces.push(piece);
  return pieces;
}

test('a list of many pieces is one list, signed, with every entry as it was recorded', async () => {
  const pieces = await piecesOf();
  expect(pieces.length).toBeGreaterThan(5);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(PIECE_BYTES);
  const der = Buffer.concat(pieces);
  const crl = parseCrl(der);
  expect(isCrlSignedBy(crl, (await findAuthority(deps, KEY)) as Certificate)).toBe(true);
  expect(crl.count).toBe(ENTRIES);
  const facts = await findCrlFacts(deps, KEY, 'complete');
  expect(facts).toMatchObject({ entries: ENTRIES, total: ENTRIES, size: der.length });
  expect(facts?.digest).toBe(Buffer.from(digest('sha256', der)).toString('hex'));
  for (let n = 0; n < ENTRIES; n += 7) {
    const entry = crl.find(serialOf(n).replace(/^0(?=.$)/, ''));
    expect(entry?.reason, serialOf(n)).toBe(REASONS[n % REASONS.length]);
    expect(entry?.revokedAt).toEqual(new Date(clock.now().getTime() - (n % 900) * 86_401_000));
    expect(entry?.invalidityDate !== undefined).toBe((n % 900) % 100 === 0);
  }
  expect(crl.find('0badc0de')).toBeUndefined();
});

test('while a list waits for its signature the one before is served; its number is not given again', async () => {
  const before = await findCrlFacts(deps, KEY, 'complete');
  clock.advance(2_000);
  const away = { ...deps, keys: { ...keys, sign: () => Promise.reject(new Error('signer away')) } };
  await expect(publishCrl(away, KEY)).rejects.toThrow('signer away');
  const waiting = await db.revocationList.findFirstOrThrow({ where: { issuerKey: KEY, scope: 'complete', digest: null } });
  // What was to be signed is on record, though it never was.
  expect(await db.revocationListPiece.count({ where: { issuerKey: KEY, scope: 'complete', number: waiting.number } })).toBeGreaterThan(3);
  expect((await findCrlFacts(deps, KEY, 'complete'))?.number).toBe(before?.number);
  expect(parseCrl(Buffer.concat(await piecesOf())).number).toBe(before?.number);
  clock.advance(2_000);
  const { number } = await publishCrl(deps, KEY);
  expect(number).toBeGreaterThan(waiting.number);
  expect((await findCrl(deps, KEY))?.number).toBe(number);
}, 60_000);

test('rows are read whole on one connection again and again, by lists of all sizes, and by none but an authority’s name', async () => {
  const read = (key: string, part?: number) => db.$transaction(async (tx) => (await readRevoked(tx, key, part)).count, { timeout: 60_000 });
  for (let round = 0; round < 4; round++) {
    expect(await read(KEY)).toBe(ENTRIES);
    expect(await read('ca-seals-p256')).toBe(0);
    expect(await read(KEY, 3)).toBe(0);
  }
  const both = await db.$transaction(async (tx) => [(await readRevoked(tx, KEY)).count, (await readRevoked(tx, KEY)).count], {
    timeout: 60_000,
  });
  expect(both).toEqual([ENTRIES, ENTRIES]);
  await expect(read("x' OR '1'='1")).rejects.toThrow(RangeError);
  await expect(read(KEY, Number.NaN)).rejects.toThrow(RangeError);
}, 120_000);

test('a piece that is gone ends the reading, it does not shorten the list', async () => {
  const facts = await findCrlFacts(deps, KEY, 'complete');
  await db.revocationListPiece.deleteMany({ where: { issuerKey: KEY, scope: 'complete', number: facts?.number ?? 0n, place: 4 } });
  await expect(piecesOf()).rejects.toThrow(/ends at/);
});
