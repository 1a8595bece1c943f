/** Change of the blind-index key: licences whose printed token was indexed with a key get an index that needs none. */
import { type FieldCipher, FieldCipherError } from '#crypto/field-cipher.ts';
import type { IndexTarget } from '#storage/index-pass.ts';
import { openPublicToken, publicTokenIndexOf } from './licence-content.ts';

export function licencesByIndex({ fields }: { fields: FieldCipher }): IndexTarget {
  return {
    name: 'licence',
    async move(tx, { after, limit }) {
      const rows = await tx.licence.findMany({
        where: after === undefined ? {} : { id: { gt: after } },
        orderBy: { id: 'asc' },
        take: limit,
        select: { id: true, publicToken: true, publicTokenIndex: true },
      });
      const old: { id: string; index: string }[] = [];
      let left = 0;
      for (const row of rows) {
        const index = indexAnew(fields, row);
        if (!index) left += 1;
        else if (Buffer.compare(index, row.publicTokenIndex) !== 0) old.push({ id: row.id, index: index.toString('hex') });
      }
      // A token never changes: there is nothing to compare with, and running twice writes the same.
      const moved = await tx.$executeRaw`
        UPDATE licence l SET public_token_index = decode(v.index, 'hex')
        FROM unnest(${old.map(({ id }) => id)}::text[], ${old.map(({ index }) => index)}::text[]) AS v(id, index)
        WHERE l.id = v.id::uuid`;
      return { looked: rows.length, moved, left, last: rows.length < limit ? undefined : rows.at(-1)?.id };
    },
  };
}

function indexAnew(fields: FieldCipher, row: { id: string; publicToken: Uint8Array }): Buffer | undefined {
  try {
    return Buffer.from(publicTokenIndexOf(openPublicToken(fields, row)));
  } catch (error) {
    if (error instanceof FieldCipherError) return undefined;
    throw error;
  }
}
