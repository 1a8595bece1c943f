/** Change of the blind-index key: people are found under the newest version, a batch at a time, while the system runs. */
import { type FieldCipher, FieldCipherError } from '#crypto/field-cipher.ts';
import type { IndexTarget } from '#storage/index-pass.ts';
import { type PeopleDeps, placeOf } from './person.ts';

/** A row whose number or phone somebody changes meanwhile is left to them: their write used the newest version. */
export function peopleByIndex({ fields }: Pick<PeopleDeps, 'fields'>): IndexTarget {
  return {
    name: 'person',
    async move(tx, { after, limit }) {
      const rows = await tx.person.findMany({
        where: after === undefined ? {} : { id: { gt: after } },
        orderBy: { id: 'asc' },
        take: limit,
        select: { id: true, citizenNumber: true, citizenNumberIndex: true, phone: true, phoneIndex: true },
      });
      const wanted = rows.map((row) => {
        const number = indexAnew(fields, 'citizen-number', row.id, row.citizenNumber, row.citizenNumberIndex);
        const phone = indexAnew(fields, 'phone', row.id, row.phone, row.phoneIndex);
        return { id: row.id, number, phone, isOld: number.isOld || phone.isOld, isFaulty: number.isFaulty || phone.isFaulty };
      });
      const old = wanted.filter(({ isOld }) => isOld);
      const column = (of: (row: (typeof old)[number]) => string | null) => old.map(of);
      const ids = column(({ id }) => id);
      // A value that another row has under the newest version already would be a person twice: that is for people to look at.
      const moved = await tx.$executeRaw`
        UPDATE person p SET citizen_number_index = decode(v.new_number, 'hex'), phone_index = decode(v.new_phone, 'hex')
        FROM unnest(${ids}::text[], ${column(({ number }) => number.before)}::text[], ${column(({ number }) => number.after)}::text[],
          ${column(({ phone }) => phone.before)}::text[], ${column(({ phone }) => phone.after)}::text[])
          AS v(id, old_number, new_number, old_phone, new_phone)
        WHERE p.id = v.id::uuid
          AND p.citizen_number_index IS NOT DISTINCT FROM decode(v.old_number, 'hex')
          AND p.phone_index IS NOT DISTINCT FROM decode(v.old_phone, 'hex')
          AND NOT EXISTS (SELECT 1 FROM person q WHERE q.id <> p.id AND q.citizen_number_index = decode(v.new_number, 'hex'))
          AND NOT EXISTS (SELECT 1 FROM person q WHERE q.id <> p.id AND q.phone_index = decode(v.new_phone, 'hex'))`;
      const faulty = wanted.filter(({ isFaulty }) => isFaulty).length;
      const taken = moved === old.length ? 0 : await countUnmoved(tx, old);
      return { looked: rows.length, moved, left: faulty + taken, last: rows.length < limit ? undefined : rows.at(-1)?.id };
    },
  };
}

interface Indexed {
  /** In hex. */
  before: string | null;
  after: string | null;
  isOld: boolean;
  /** Does not open: stays as it is. */
  isFaulty: boolean;
}

function indexAnew(
  fields: FieldCipher,
  field: 'citizen-number' | 'phone',
  id: string,
  sealed: Uint8Array | null,
  index: Uint8Array | null,
): Indexed {
  const before = index && Buffer.from(index).toString('hex');
  if (!sealed || !before) return { before, after: before, isOld: false, isFaulty: false };
  try {
    const after = Buffer.from(fields.blindIndex(field, fields.openText(placeOf(field, id), sealed))).toString('hex');
    return { before, after, isOld: before !== after, isFaulty: false };
  } catch (error) {
    if (!(error instanceof FieldCipherError)) throw error;
    return { before, after: before, isOld: false, isFaulty: true };
  }
}

/** Of those that did not move: the ones that stand where they stood, and not because somebody changed them. */
async function countUnmoved(
  tx: Parameters<IndexTarget['move']>[0],
  old: readonly { id: string; number: Indexed; phone: Indexed }[],
): Promise<number> {
  const now = await tx.person.findMany({
    where: { id: { in: old.map(({ id }) => id) } },
    select: { id: true, citizenNumberIndex: true, phoneIndex: true },
  });
  const hex = (index: Uint8Array | null) => index && Buffer.from(index).toString('hex');
  const byId = new Map(now.map((row) => [row.id, row]));
  return old.filter(({ id, number, phone }) => {
    const row = byId.get(id);
    return row && hex(row.citizenNumberIndex) === number.before && hex(row.phoneIndex) === phone.before;
  }).length;
}
