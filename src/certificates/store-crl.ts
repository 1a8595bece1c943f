/** How a list is stored: what is to be signed as pieces, before it is signed; then what the signature adds before and after them. */
import { digest, type Suite } from '#crypto/suite.ts';
import { frameCrl } from '#pki/encode-crl.ts';
import type { Transaction } from '#storage/database.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type CrlScope, PIECE_BYTES } from './find-crl.ts';

interface ListName {
  issuerKey: string;
  scope: CrlScope;
  number: bigint;
}

interface ListRow extends ListName {
  thisUpdate: Date;
  nextUpdate: Date;
  entries: number;
  total: number;
  base?: bigint;
}

/** The row of a list that is not signed yet, and its TBSCertList from place 1 on. */
export async function keepList(tx: Transaction, row: ListRow, tbs: Uint8Array): Promise<void> {
  await tx.revocationList.create({ data: { ...row, tbs: new Uint8Array() } });
  const { issuerKey, scope, number } = row;
  for (let place = 1, from = 0; from < tbs.length; place++, from += PIECE_BYTES) {
    const bytes = tbs.subarray(from, from + PIECE_BYTES) as Uint8Array<ArrayBuffer>;
    await tx.revocationListPiece.create({ data: { issuerKey, scope, number, place, bytes } });
  }
}

/** The signature takes its place, once: from now on the list is served. */
export async function finishList(
  { db }: Pick<CertificateDeps, 'db'>,
  { issuerKey, scope, number }: ListName,
  { tbs, suite, signature }: { tbs: Uint8Array; suite: Suite; signature: Uint8Array },
): Promise<void> {
  const { head, tail } = frameCrl(tbs.length, suite, signature);
  const size = head.length + tbs.length + tail.length;
  const list = { issuerKey, scope, number };
  const last = 1 + Math.ceil(tbs.length / PIECE_BYTES);
  await db.$transaction([
    db.revocationListPiece.createMany({
      data: [
        { ...list, place: 0, bytes: Uint8Array.from(head) },
        { ...list, place: last, bytes: Uint8Array.from(tail) },
      ],
    }),
    db.revocationList.update({
      where: { issuerKey_scope_number: list, digest: null },
      data: { size, digest: Uint8Array.from(digest('sha256', head, tbs, tail)) },
    }),
  ]);
}
