/** A person's phone, proved by a code beforehand (`sign-in/`). A number held by another account is refused; a desk sorts that out. */
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { claimIdentifiers } from './claim-identifiers.ts';
import { type PeopleDeps, placeOf } from './person.ts';
import { parsePhone, takenProblem } from './register-person.ts';

/** Throws Problem `invalid-input` at `/phone`, `phone-taken`, `person-not-found`. */
export async function changePhone(deps: PeopleDeps, input: { personId: string; phone: string; by: string }): Promise<void> {
  const { db, clock, fields } = deps;
  const phone = parsePhone(input.phone);
  const at = clock.now();
  try {
    await db.$transaction(async (tx) => {
      const { phoneIndex } = await claimIdentifiers(tx, deps, { phone }, { personId: input.personId, at });
      const { count } = await tx.person.updateMany({
        where: { id: input.personId },
        data: { phone: fields.seal(placeOf('phone', input.personId), phone), phoneIndex, updatedAt: at },
      });
      if (count === 0) throw new Problem('person-not-found');
      await recordEvent(tx, { kind: 'phone-changed', actor: input.by, subject: `person:${input.personId}`, at });
    });
  } catch (error) {
    throw await takenProblem(deps, error, { phone });
  }
}
