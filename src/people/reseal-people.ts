/** Key rotation: seals what older keys sealed with the newest one, a batch at a time, while the system runs. */
import { type PeopleDeps, placeOf } from './person.ts';

/**
 * Goes through people in the order of their ids. Returns the last id looked at, to be given as `after`, or undefined when done.
 * A row somebody changes meanwhile is left to them: their write already used the newest key.
 */
export async function resealPeople(
  { db, fields }: PeopleDeps,
  input: { after?: string | undefined; limit: number },
): Promise<{ last: string | undefined; resealed: number }> {
  const rows = await db.person.findMany({
    where: input.after === undefined ? {} : { id: { gt: input.after } },
    orderBy: { id: 'asc' },
    take: input.limit,
  });
  let resealed = 0;
  for (const row of rows) {
    const again = (field: 'name' | 'citizen-number' | 'phone', sealed: Uint8Array | null) =>
      sealed ? fields.seal(placeOf(field, row.id), fields.open(placeOf(field, row.id), sealed)) : null;
    const { count } = await db.person.updateMany({
      where: { id: row.id, name: row.name, citizenNumber: row.citizenNumber, phone: row.phone },
      data: { name: again('name', row.name), citizenNumber: again('citizen-number', row.citizenNumber), phone: again('phone', row.phone) },
    });
    resealed += count;
  }
  return { last: rows.length < input.limit ? undefined : rows.at(-1)?.id, resealed };
}
