/** Who is registered as the legal representative of an organisation: whoever binds it without a mandate (Civil Code art. 61). */
import { recordEvent } from '#audit/record-event.ts';
import { Problem } from '#problem.ts';
import type { Database, Transaction } from '#storage/database.ts';

type Reading = { db: Database };

export interface Representative {
  organisationId: string;
  personId: string;
  source: string;
  since: Date;
}

/** Takes the place of who was it before; without a person, there is none from now on. Written in the transaction of who decides it. */
export async function recordRepresentative(
  tx: Transaction,
  input: { organisationId: string; personId?: string | undefined; source: string; by: string; at: Date },
): Promise<void> {
  const { organisationId, personId = null, source, by, at } = input;
  const before = await tx.legalRepresentative.findUnique({ where: { organisationId } });
  const data = { personId, source, since: at };
  await tx.legalRepresentative.upsert({ where: { organisationId }, create: { organisationId, ...data }, update: data });
  await recordEvent(tx, {
    ...{ kind: 'representative-recorded', actor: by, subject: `organisation:${organisationId}`, at },
    detail: { person: personId, before: before?.personId ?? null, source },
  });
}

export async function findRepresentative({ db }: Reading, organisationId: string): Promise<Representative | undefined> {
  const row = await db.legalRepresentative.findUnique({ where: { organisationId } });
  return row?.personId ? { ...row, personId: row.personId } : undefined;
}

/** Ids of the organisations this person represents. */
export async function listRepresented({ db }: Reading, personId: string): Promise<string[]> {
  const rows = await db.legalRepresentative.findMany({ where: { personId }, orderBy: { since: 'asc' }, take: 100 });
  return rows.map(({ organisationId }) => organisationId);
}

/** Until the transaction ends the office does not change hands. Throws Problem `not-representative`. */
export async function requireRepresentative(tx: Transaction, input: { organisationId: string; personId: string }): Promise<void> {
  const { organisationId, personId } = input;
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM legal_representative WHERE organisation_id = ${organisationId}::uuid AND person_id = ${personId}::uuid FOR SHARE`;
  if (rows.length === 0) throw new Problem('not-representative');
}

/** Organisations whose representative changed since then, with who it is now. */
export async function listChangedRepresentatives(
  { db }: Reading,
  since: Date,
): Promise<{ organisationId: string; personId: string | null }[]> {
  return db.legalRepresentative.findMany({ where: { since: { gt: since } }, select: { organisationId: true, personId: true } });
}
