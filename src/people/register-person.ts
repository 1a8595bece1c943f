/**
 * Registering a natural person. One citizen number and one phone belong to at most one person; the unique blind indexes decide
 * (and `claim-identifiers.ts` between two versions of their key), so of two registrations at the same instant one is refused.
 */
import { randomUUIDv7 } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { faultyField, Problem } from '#problem.ts';
import { isUniqueViolation, type Transaction } from '#storage/database.ts';
import { type EvidenceMethod, levelOfMethod } from './assurance.ts';
import { parseCitizenNumber } from './citizen-number.ts';
import { claimIdentifiers } from './claim-identifiers.ts';
import { citizenNumberIndexes, openPerson, type PeopleDeps, type PersonView, placeOf } from './person.ts';
import { parsePersonName } from './person-name.ts';
import { normalisePhone } from './phone.ts';

export interface NewPerson {
  name?: string | undefined;
  citizenNumber?: string | undefined;
  phone?: string | undefined;
  evidence?: { method: EvidenceMethod; source: string; expiresAt?: Date | undefined } | undefined;
  /** Actor for the audit. */
  by: string;
}

/** Throws Problem `invalid-input` with pointers, `citizen-number-taken`, `phone-taken`. */
export async function registerPerson(deps: PeopleDeps, input: NewPerson): Promise<PersonView> {
  const { db, clock, fields } = deps;
  const at = clock.now();
  const id = randomUUIDv7();
  const name = input.name === undefined ? undefined : parsePersonName(input.name);
  const number = input.citizenNumber === undefined ? undefined : parseCitizenNumber(input.citizenNumber, at).number;
  const phone = input.phone === undefined ? undefined : parsePhone(input.phone);
  if (number === undefined && phone === undefined) {
    throw faultyField('/phone', 'A citizen number or a phone is needed.', '公民身份号码和手机号至少填写一项。');
  }
  if (number !== undefined && name === undefined) throw faultyField('/name', 'A name is needed.', '请填写姓名。');
  const evidence = input.evidence ?? { method: name === undefined ? 'phone-code' : 'self-declared', source: input.by };
  try {
    const row = await db.$transaction(async (tx) => {
      const indexes = await claimIdentifiers(tx, deps, { number, phone }, { personId: id, at });
      const created = await tx.person.create({
        data: {
          id,
          createdAt: at,
          updatedAt: at,
          name: name === undefined ? null : fields.seal(placeOf('name', id), name),
          citizenNumber: number === undefined ? null : fields.seal(placeOf('citizen-number', id), number),
          phone: phone === undefined ? null : fields.seal(placeOf('phone', id), phone),
          ...indexes,
          evidence: {
            create: {
              level: levelOfMethod(evidence.method),
              method: evidence.method,
              source: evidence.source,
              at,
              expiresAt: evidence.expiresAt ?? null,
            },
          },
        },
        include: { evidence: true },
      });
      await recordEvent(tx, {
        kind: 'person-registered',
        actor: input.by,
        subject: `person:${id}`,
        at,
        detail: { method: evidence.method, level: levelOfMethod(evidence.method) },
      });
      return created;
    });
    return openPerson(fields, row, at);
  } catch (error) {
    throw await takenProblem(deps, error, { number, phone });
  }
}

/** Throws Problem `invalid-input` at `/phone`. */
export function parsePhone(text: string): string {
  const phone = normalisePhone(text);
  if (!phone) throw faultyField('/phone', 'This is not a Chinese mobile number.', '手机号码不正确。');
  return phone;
}

/** Which of the two was taken. PostgreSQL's text is not parsed: the indexes are asked again. */
export async function takenProblem(
  { db, fields }: Pick<PeopleDeps, 'fields'> & { db: Transaction },
  error: unknown,
  values: { number?: string | undefined; phone?: string | undefined },
): Promise<unknown> {
  if (!isUniqueViolation(error)) return error;
  const holder = values.number
    ? await db.person.findFirst({
        where: { citizenNumberIndex: { in: citizenNumberIndexes(fields, values.number) } },
        select: { id: true },
      })
    : null;
  return new Problem(holder || !values.phone ? 'citizen-number-taken' : 'phone-taken', { cause: error });
}
