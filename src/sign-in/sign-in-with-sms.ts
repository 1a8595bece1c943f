import { randomBytes } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import { findPersonIdByPhone } from '#people/find-person.ts';
import { type Proof, proofOf, type SignInDeps } from './proof.ts';
import { keepRegistrationTicket } from './register-with-phone.ts';
import { takeSmsCode } from './sms-code.ts';

export type SmsSignIn =
  | { status: 'signed-in'; proof: Proof }
  /** The phone is proved and nobody's: the ticket registers it. Only its holder learns so. */
  | { status: 'no-account'; ticket: string };

/** Not touched by the password's lockout: an outsider cannot close this way. Throws as `takeSmsCode`. */
export async function signInWithSms(deps: SignInDeps, input: { challenge: string; code: string }): Promise<SmsSignIn> {
  const { phone } = await takeSmsCode(deps, { ...input, purpose: 'sign-in' });
  const personId = await findPersonIdByPhone(deps, phone);
  if (personId === undefined) {
    const ticket = randomBytes(32).toString('base64url');
    await keepRegistrationTicket(deps, ticket, phone);
    return { status: 'no-account', ticket };
  }
  const proof = await proofOf(deps, personId, 'sms');
  await deps.db.$transaction((tx) =>
    recordEvent(tx, {
      kind: 'signed-in',
      actor: `person:${personId}`,
      subject: `person:${personId}`,
      at: proof.at,
      detail: { method: 'sms', acr: proof.acr },
    }),
  );
  return { status: 'signed-in', proof };
}
