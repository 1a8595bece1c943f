import { findStaff } from '#access/find-staff.ts';
import { findClient } from '#oidc/clients.ts';
import { findPerson } from '#people/find-person.ts';
import { maskPerson } from '#people/person.ts';
import { organisationName } from '#web/staff-position.ts';
import type { WebContext } from '#web/web-context.ts';

/** What the service does by rule, with nobody deciding. */
const SYSTEM: Record<string, string> = { enrolment: '系统按规则批准 by rule', renewal: '系统按规则续期 by rule' };

/** An actor of the audit as operators know it: staff with their organisation, systems by name, people masked. */
export async function describeActor(context: WebContext, actor: string): Promise<string> {
  const [kind, id = ''] = actor.split(':', 2);
  if (kind === 'staff') {
    const staff = await findStaff(context, id);
    return staff ? `${await personName(context, staff.personId)}（${await organisationName(context, staff.organisationId)}）` : actor;
  }
  if (kind === 'client') return (await findClient(context, id))?.name.zh ?? actor;
  if (kind === 'system') return SYSTEM[id] ?? actor;
  return kind === 'person' ? personName(context, id) : actor;
}

/** The same for the rows of one page or table: each actor is looked up once. */
export function actorDescriber(context: WebContext): (actor: string) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return (actor) => {
    const described = known.get(actor) ?? describeActor(context, actor);
    known.set(actor, described);
    return described;
  };
}

async function personName(context: WebContext, personId: string): Promise<string> {
  const person = await findPerson(context, personId);
  return person ? maskPerson(person).displayName : '—';
}
