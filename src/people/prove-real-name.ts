/**
 * Real name by register: name and citizen number are compared with the population register and raise the person to level 3.
 * Tries are few, so that nobody asks the register for other people's numbers through us.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import type { PopulationRegistry } from '#ports/population-registry.ts';
import { Problem } from '#problem.ts';
import { type AssuranceLevel, levelOfMethod } from './assurance.ts';
import { parseCitizenNumber } from './citizen-number.ts';
import { claimIdentifiers } from './claim-identifiers.ts';
import { requirePerson } from './find-person.ts';
import { citizenNumberIndexes, type PeopleDeps, placeOf } from './person.ts';
import { parsePersonName } from './person-name.ts';
import { takenProblem } from './register-person.ts';

const TRIES_PER_DAY = 5;
const DAY_SECONDS = 86_400;

export type RealNameDeps = PeopleDeps & { registry: PopulationRegistry; ephemeral: EphemeralStore };

/**
 * Throws Problem `invalid-input` with pointers, `too-many-requests`, `real-name-mismatch` (also when the register has no such record),
 * `citizen-number-taken` when the number is another account's: that conflict goes to a desk, never to a guess.
 * A number once proved is not exchanged for another.
 */
export async function proveRealName(
  deps: RealNameDeps,
  input: { personId: string; name: string; citizenNumber: string; by: string },
): Promise<AssuranceLevel> {
  const { db, clock, fields, registry, ephemeral } = deps;
  const { personId, by } = input;
  const at = clock.now();
  const name = parsePersonName(input.name);
  const { number } = parseCitizenNumber(input.citizenNumber, at);
  const person = await requirePerson(deps, personId);
  if (person.citizenNumber !== undefined && person.citizenNumber !== number) throw new Problem('real-name-mismatch');
  const tries = await ephemeral.increment(`real-name-tries:${personId}`, DAY_SECONDS);
  if (tries > TRIES_PER_DAY) throw new Problem('too-many-requests', { retryAfterSeconds: DAY_SECONDS });
  const answer = await registry.match({ name, citizenNumber: number });
  if (answer !== 'match') {
    await db.$transaction((tx) =>
      recordEvent(tx, { kind: 'real-name-refused', actor: by, subject: `person:${personId}`, at, detail: { answer } }),
    );
    throw new Problem('real-name-mismatch');
  }
  try {
    await db.$transaction(async (tx) => {
      const { citizenNumberIndex } = await claimIdentifiers(tx, deps, { number }, { personId, at });
      const isFreeOrSame = [{ citizenNumberIndex: null }, { citizenNumberIndex: { in: citizenNumberIndexes(fields, number) } }];
      const { count } = await tx.person.updateMany({
        where: { id: personId, OR: isFreeOrSame },
        data: {
          name: fields.seal(placeOf('name', personId), name),
          citizenNumber: fields.seal(placeOf('citizen-number', personId), number),
          citizenNumberIndex,
          updatedAt: at,
        },
      });
      if (count === 0) throw new Problem('real-name-mismatch');
      await tx.assuranceEvidence.create({
        data: { personId, level: levelOfMethod('registry-match'), method: 'registry-match', source: registry.name, at },
      });
      await recordEvent(tx, {
        kind: 'assurance-raised',
        actor: by,
        subject: `person:${personId}`,
        at,
        detail: { method: 'registry-match', level: levelOfMethod('registry-match'), source: registry.name },
      });
    });
  } catch (error) {
    throw await takenProblem(deps, error, { number });
  }
  return (await requirePerson(deps, personId)).assuranceLevel;
}
