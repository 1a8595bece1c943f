/** What of people is sealed. */
import type { SealedColumn } from '#storage/sealed-places.ts';
import { placeOf } from './person.ts';

const columnOf = (column: string, field: Parameters<typeof placeOf>[0]): SealedColumn => ({
  ...{ table: 'person', column, idColumn: 'id', idType: 'uuid' },
  place: (id) => placeOf(field, id),
});

export const SEALED_OF_PEOPLE: readonly SealedColumn[] = [
  columnOf('name', 'name'),
  columnOf('citizen_number', 'citizen-number'),
  columnOf('phone', 'phone'),
];
