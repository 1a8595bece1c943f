/** Adding evidence of who a person is. Evidence is never taken away; it expires. */
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import { type AssuranceLevel, type EvidenceMethod, levelOfMethod } from './assurance.ts';
import { requirePerson } from './find-person.ts';
import type { PeopleDeps } from './person.ts';

export interface NewEvidence {
  personId: string;
  method: EvidenceMethod;
  source: string;
  expiresAt?: Date | undefined;
  by: string;
}

/** Returns the level the person now has. Throws Problem `person-not-found`, or `invalid-input` when a nameless person is to rise above 1. */
export async function raiseAssurance(deps: PeopleDeps, input: NewEvidence): Promise<AssuranceLevel> {
  const { db, clock } = deps;
  const at = clock.now();
  const level = levelOfMethod(input.method);
  const person = await requirePerson(deps, input.personId);
  if (level > 1 && person.name === undefined) {
    throw new Problem('invalid-input', { errors: [{ pointer: '/name', detail: 'A name is needed first.', detailZh: '请先登记姓名。' }] });
  }
  await db.$transaction(async (tx) => {
    await tx.assuranceEvidence.create({
      data: { personId: input.personId, level, method: input.method, source: input.source, at, expiresAt: input.expiresAt ?? null },
    });
    await recordEvent(tx, {
      kind: 'assurance-raised',
      actor: input.by,
      subject: `person:${input.personId}`,
      at,
      detail: { method: input.method, level },
    });
  });
  return (await requirePerson(deps, input.personId)).assuranceLevel;
}
