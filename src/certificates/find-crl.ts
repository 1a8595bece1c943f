/** Published revocation lists: what is known of the newest without reading it, and its bytes, piece by piece. */
import type { CertificateDeps } from './certificate-deps.ts';

export type CrlScope = 'complete' | 'delta';

export interface PublishedCrl {
  issuerKey: string;
  der: Uint8Array;
  number: bigint;
  thisUpdate: Date;
  nextUpdate: Date;
}

export interface CrlFacts extends Omit<PublishedCrl, 'der'> {
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
export async function findCrl(deps: Reading, keyName: string, scope: CrlScope = 'complete'): Promise<PublishedCrl | undefined> {
  const facts = await findCrlFacts(deps, keyName, scope);
  if (!facts) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of readCrlPieces(deps, facts, scope)) pieces.push(piece);
  const { number, thisUpdate, nextUpdate } = facts;
  return { issuerKey: keyName, der: Buffer.concat(pieces), number, thisUpdate, nextUpdate };
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
    WHERE l.issuer_key = ${keyName} AND l.scope = ${scope} AND l.der IS NOT NULL
    ORDER BY l.number DESC LIMIT 1`;
  return row && { ...row, issuerKey: keyName, digest: Buffer.from(row.digest).toString('hex') };
}

const PIECE_BYTES = 512 * 1024;

/**
 * The bytes of one signed list, piece by piece from the store: a list of a million entries never stands in memory for one reader.
 * Throws when the list is no longer there or shorter than was told: what was sent so far must not pass for the whole.
 */
export async function* readCrlPieces(
  { db }: Reading,
  { issuerKey, number, size }: Pick<CrlFacts, 'issuerKey' | 'number' | 'size'>,
  scope: CrlScope,
): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; ) {
    const [row] = await db.$queryRaw<{ piece: Uint8Array }[]>`
      SELECT substring(der FROM ${sent + 1}::int FOR ${PIECE_BYTES}::int) AS piece FROM revocation_list
      WHERE issuer_key = ${issuerKey} AND scope = ${scope} AND number = ${number}`;
    if (!row || row.piece.length === 0) throw new Error(`list ${number} of ${issuerKey} ends at ${sent} of ${size}`);
    yield row.piece;
    sent += row.piece.length;
  }
}
