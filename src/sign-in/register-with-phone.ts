/** A first account for a phone that answered: level 1, or 2 with a name of the person's own telling. */
import { parsePersonName } from '#people/person-name.ts';
import { registerPerson } from '#people/register-person.ts';
import { Problem } from '#problem.ts';
import { type Proof, proofOf, type SignInDeps } from './proof.ts';

const TICKET_LIFE_SECONDS = 600;
const ticketKey = (ticket: string) => `registration:${ticket}`;

/** @param phone proved by a code a moment ago */
export async function keepRegistrationTicket({ fields, ephemeral }: SignInDeps, ticket: string, phone: string): Promise<void> {
  await ephemeral.set(ticketKey(ticket), Buffer.from(fields.seal(ticketKey(ticket), phone)).toString('base64'), TICKET_LIFE_SECONDS);
}

/** Throws Problem `registration-expired`, `phone-taken`, `invalid-input` at `/name`. */
export async function registerWithPhone(deps: SignInDeps, input: { ticket: string; name?: string | undefined }): Promise<Proof> {
  // Before the ticket is taken: a mistyped name must not cost the person another code.
  const name = input.name?.trim() ? parsePersonName(input.name) : undefined;
  const sealed = /^[A-Za-z0-9_-]{43}$/.test(input.ticket) ? await deps.ephemeral.take(ticketKey(input.ticket)) : undefined;
  if (sealed === undefined) throw new Problem('registration-expired');
  const phone = deps.fields.openText(ticketKey(input.ticket), Buffer.from(sealed, 'base64'));
  const method = name === undefined ? ('phone-code' as const) : ('self-declared' as const);
  const person = await registerPerson(deps, { name, phone, evidence: { method, source: 'self-registration' }, by: 'anonymous' });
  return proofOf(deps, person.id, 'sms');
}
