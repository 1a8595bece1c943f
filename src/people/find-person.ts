/** Finding people by id, citizen number or phone. The clear view is for callers that need it; the rest take the masked one. */
import { Problem } from '#problem.ts';
import { normaliseCitizenNumber } from './citizen-number.ts';
import { isUuid } from './is-uuid.ts';
import {
  citizenNumberIndexes,
  type MaskedPerson,
  maskPerson,
  openPerson,
  type PeopleDeps,
  type PersonView,
  phoneIndexes,
} from './person.ts';
import { normalisePhone } from './phone.ts';

export async function findPerson({ db, clock, fields }: PeopleDeps, id: string): Promise<PersonView | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await db.person.findUnique({ where: { id }, include: { evidence: true } });
  return row ? openPerson(fields, row, clock.now()) : undefined;
}

/** Throws Problem `person-not-found`. */
export async function requirePerson(deps: PeopleDeps, id: string): Promise<PersonView> {
  const person = await findPerson(deps, id);
  if (!person) throw new Problem('person-not-found');
  return person;
}

/** Throws Problem `person-not-found`. */
export async function requireMaskedPerson(deps: PeopleDeps, id: string): Promise<MaskedPerson> {
  return maskPerson(await requirePerson(deps, id));
}

/** `text` as typed; undefined also when it is no citizen number. */
export async function findPersonByCitizenNumber(deps: PeopleDeps, text: string): Promise<PersonView | undefined> {
  const id = await findPersonIdByCitizenNumber(deps, text);
  return id === undefined ? undefined : findPerson(deps, id);
}

export async function findPersonByPhone(deps: PeopleDeps, text: string): Promise<PersonView | undefined> {
  const id = await findPersonIdByPhone(deps, text);
  return id === undefined ? undefined : findPerson(deps, id);
}

/** Opens nothing: for callers that only need to know whom. */
export async function findPersonIdByCitizenNumber(
  { db, fields }: Pick<PeopleDeps, 'db' | 'fields'>,
  text: string,
): Promise<string | undefined> {
  const number = normaliseCitizenNumber(text);
  if (!number) return undefined;
  const where = { citizenNumberIndex: { in: citizenNumberIndexes(fields, number) } };
  return (await db.person.findFirst({ where, select: { id: true } }))?.id;
}

export async function findPersonIdByPhone({ db, fields }: Pick<PeopleDeps, 'db' | 'fields'>, text: string): Promise<string | undefined> {
  const phone = normalisePhone(text);
  if (!phone) return undefined;
  return (await db.person.findFirst({ where: { phoneIndex: { in: phoneIndexes(fields, phone) } }, select: { id: true } }))?.id;
}
