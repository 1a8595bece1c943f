/** The holder a clerk names by number. A person not yet known is registered first, after the population register agreed. */
import { type Staff, staffActor } from '#access/staff.ts';
import type { LicenceHolder } from '#licences/prepare-licence.ts';
import { findPersonIdByCitizenNumber } from '#people/find-person.ts';
import { findOrganisationByCode } from '#people/organisations.ts';
import { registerPerson } from '#people/register-person.ts';
import { faultyField, Problem } from '#problem.ts';
import type { WebContext } from '#web/web-context.ts';

export interface NamedHolder {
  kind: 'natural' | 'legal';
  /** Citizen number, or unified social credit code. */
  number: string;
  /** Needed only for a person who is not known yet. */
  name: string;
}

/** Mistyped names of one clerk in an hour: enough for a busy desk, too few to learn people's names and numbers through us. */
const MISMATCHES_PER_HOUR = 30;
const HOUR_SECONDS = 3_600;

/** Throws Problem `invalid-input` at /holderNumber or /holderName, `too-many-requests` after many names that did not match, and what registering a person throws. */
export async function findHolder(context: WebContext, named: NamedHolder, staff: Staff): Promise<LicenceHolder> {
  if (named.kind === 'legal') {
    const organisation = await findOrganisationByCode(context, named.number);
    if (!organisation) throw faultyField('/holderNumber', 'No organisation with this code is registered.', '未登记该代码的机构，请核对。');
    return { organisationId: organisation.id };
  }
  const known = await findPersonIdByCitizenNumber(context, named.number);
  if (known !== undefined) return { personId: known };
  if (!named.name) {
    throw faultyField(
      '/holderName',
      'Not known yet: give the name as well, it is compared with the population register.',
      '该人员尚未登记，请填写姓名，系统将与人口库比对后登记。',
    );
  }
  const input = { name: named.name, citizenNumber: named.number };
  const mismatches = `holder-mismatches:${staff.id}`;
  if (Number((await context.ephemeral.get(mismatches)) ?? 0) >= MISMATCHES_PER_HOUR)
    throw new Problem('too-many-requests', { retryAfterSeconds: HOUR_SECONDS });
  if ((await context.registry.match(input)) !== 'match') {
    await context.ephemeral.increment(mismatches, HOUR_SECONDS);
    throw faultyField('/holderName', 'Name and number do not match the population register.', '姓名与公民身份号码在人口库中不一致。');
  }
  const evidence = { method: 'registry-match', source: context.registry.name } as const;
  const person = await registerPerson(context, { ...input, evidence, by: staffActor(staff) });
  return { personId: person.id };
}
