/** Published revocation lists: what is known of the newest without reading it, and its bytes, piece by piece. */
import type { CertificateDeps } from './certificate-deps.ts';

/** Lists that are complete for what they are about. `part-3`: what a quarter, or a hundredth, of the certificates name instead. */
export type CompleteScope = 'complete' | `part-${number}`;
export type DeltaScope = 'delta' | `part-${number}-delta`;
export type CrlScope = CompleteScope | DeltaScope;

/** Of the list with what changed since a complete one. */
export function deltaScope(scope: CompleteScope): DeltaScope {
  return scope === 'complete' ? 'delta' : `${scope}-delta`;
}

export interface PublishedCrl {
  issuerKey: string;
  number: bigint;
  thisUpdate: Date;
  nextUpdate: Date;
}

export interface CrlFacts extends PublishedCrl {
  entries: number;
  /** How many of the issuer's certificates were revoked when it was made. */
  total: number;
  /** Of the signed list, octets. */
  size: number;
  /** SHA-256 of the signed list, hexadecimal. */
  digest: string;
  /** Another list of the same second exists, so that `thisUpdate` does not tell the two apart. */
  sharesSecond: boolean;
}

type Reading = Pick<CertificateDeps, 'db'>;

/** The newest signed list of an authority as a whole. For serving it there is `readCrlPieces`. */
export async function findCrl(
  deps: Reading,
  keyName: string,
  scope: CrlScope = 'complete',
): Promise<(PublishedCrl & { der: Uint8Array }) | undefined> {
  const facts = await findCrlFacts(deps, keyName, scope);
  if (!facts) return undefined;
  const { number, thisUpdate, nextUpdate } = facts;
  return { issuerKey: keyName, der: await readCrl(deps, facts, scope), number, thisUpdate, nextUpdate };
}

/** The bytes of one list whose facts are known. */
export async function readCrl(deps: Reading, facts: CrlFacts, scope: CrlScope): Promise<Uint8Array> {
  const der = Buffer.alloc(facts.size);
  let place = 0;
  for await (const piece of readCrlPieces(deps, facts, scope)) {
    der.set(piece, place);
    place += piece.length;
  }
  return der;
}

interface FactsRow extends Omit<CrlFacts, 'digest' | 'issuerKey'> {
  digest: Uint8Array;
}

/** The same without the list itself, which may be large. */
export async function findCrlFacts({ db }: Reading, keyName: string, scope: CrlScope): Promise<CrlFacts | undefined> {
  const [row] = await db.$queryRaw<FactsRow[]>`
    SELECT l.number, l.this_update AS "thisUpdate", l.next_update AS "nextUpdate", l.entries, l.total,
      coalesce(l.size, octet_length(l.der)) AS size, coalesce(l.digest, sha256(l.der)) AS digest,
      EXISTS (SELECT 1 FROM revocation_list o WHERE o.issuer_key = l.issuer_key AND o.scope = l.scope AND o.number < l.number
        AND o.this_update >= l.this_update) AS "sharesSecond"
    FROM revocation_list l
    WHERE l.issuer_key = ${keyName} AND l.scope = ${scope} AND (l.digest IS NOT NULL OR l.der IS NOT NULL)
    ORDER BY l.number DESC LIMIT 1`;
  return row && { ...row, issuerKey: keyName, digest: Buffer.from(row.digest).toString('hex') };
}

/** What the newest signed list of each of these is; one question, however many. Those that have none are left out. */
export function findNewestLists({ db }: Reading, wanted: readonly { issuerKey: string; scope: CrlScope }[]): Promise<NewestList[]> {
  return db.$queryRaw<NewestList[]>`
    SELECT w.issuer_key AS "issuerKey", w.scope, l.* FROM unnest(${wanted.map(({ issuerKey }) => issuerKey)}::text[],
      ${wanted.map(({ scope }) => scope)}::text[]) AS w(issuer_key, scope)
    CROSS JOIN LATERAL (
      SELECT number, this_update AS "thisUpdate", next_update AS "nextUpdate", entries, total, coalesce(size, octet_length(der)) AS size
      FROM revocation_list WHERE issuer_key = w.issuer_key AND scope = w.scope AND (digest IS NOT NULL OR der IS NOT NULL)
      ORDER BY number DESC LIMIT 1) AS l`;
}

export type NewestList = Omit<CrlFacts, 'digest' | 'sharesSecond'> & { scope: CrlScope };

/** Octets of one piece, and how many are asked for at once: a small list comes with one question. */
export const PIECE_BYTES = 256 * 1024;
const PIECES_AT_ONCE = 4;

/**
 * The bytes of one signed list, piece by piece from the store: a list of a million entries never stands in memory for one reader.
 * Throws when the list is no longer there or shorter than was told: what was sent so far must not pass for the whole.
 */
export async function* readCrlPieces(
  { db }: Reading,
  { issuerKey, number, size }: Pick<CrlFacts, 'issuerKey' | 'number' | 'size'>,
  scope: CrlScope,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for (let place = 0; sent < size; place += PIECES_AT_ONCE) {
    const pieces = await db.$queryRaw<{ piece: Uint8Array }[]>`
      SELECT bytes AS piece FROM revocation_list_piece
      WHERE issuer_key = ${issuerKey} AND scope = ${scope} AND number = ${number}
        AND place >= ${place}::int AND place < ${place + PIECES_AT_ONCE}::int
      ORDER BY place`;
    if (pieces.length === 0 && place === 0) return yield* readOldList({ db }, { issuerKey, number, size }, scope);
    if (pieces.length === 0) throw cutOff(issuerKey, number, sent, size);
    for (const { piece } of pieces) {
      yield piece;
      sent += piece.length;
    }
  }
}

/** A list that was stored in one row, before there were pieces. */
async function* readOldList(
  { db }: Reading,
  { issuerKey, number, size }: Pick<CrlFacts, 'issuerKey' | 'number' | 'size'>,
  scope: CrlScope,
): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; ) {
    const [row] = await db.$queryRaw<{ piece: Uint8Array | null }[]>`
      SELECT substring(der FROM ${sent + 1}::int FOR ${PIECE_BYTES * PIECES_AT_ONCE}::int) AS piece FROM revocation_list
      WHERE issuer_key = ${issuerKey} AND scope = ${scope} AND number = ${number}`;
    if (!row?.piece?.length) throw cutOff(issuerKey, number, sent, size);
    yield row.piece;
    sent += row.piece.length;
  }
}

function cutOff(issuerKey: string, number: bigint, sent: number, size: number): Error {
  return new Error(`list ${number} of ${issuerKey} ends at ${sent} of ${size}`);
}
