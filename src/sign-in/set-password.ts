/** Passwords are set by the person, or at the start by whoever registers them. A change ends every other session and forgets known devices. */
import { recordEvent } from '#audit/record-event.ts';
import { requirePerson } from '#people/find-person.ts';
import { Problem } from '#problem.ts';
import { ACCOUNT_RULE, admitTry, forgiveAll, guardKey } from './guard.ts';
import { isRightPassword, passwordPlace } from './is-right-password.ts';
import { forgetDevicesOf } from './known-devices.ts';
import { hashPassword } from './password-hash.ts';
import { checkPassword } from './password-policy.ts';
import type { SignInDeps } from './proof.ts';
import { endSessionsOf, type Session } from './sessions.ts';

type PasswordDeps = Omit<SignInDeps, 'sms' | 'ephemeral'>;

/** Throws Problem `invalid-input` at `/password`, `person-not-found`. */
export async function setPassword(deps: PasswordDeps, input: { personId: string; password: string; by: string }): Promise<void> {
  const { db, clock, fields } = deps;
  const { personId, password, by } = input;
  checkPassword(password, await requirePerson(deps, personId));
  const hash = fields.seal(passwordPlace(personId), await hashPassword(password));
  const at = clock.now();
  await db.$transaction(async (tx) => {
    await tx.passwordCredential.upsert({ where: { personId }, create: { personId, hash, changedAt: at }, update: { hash, changedAt: at } });
    await recordEvent(tx, { kind: 'password-set', actor: by, subject: `person:${personId}`, at });
  });
}

export async function hasPassword({ db }: Pick<PasswordDeps, 'db'>, personId: string): Promise<boolean> {
  return (await db.passwordCredential.count({ where: { personId } })) > 0;
}

/**
 * By the signed-in person, who proves the old password again: a found browser is not enough. Tries count as sign-in tries do.
 * Throws Problem `sign-in-failed`, `sign-in-locked`, `invalid-input` at `/password`.
 */
export async function changePassword(
  deps: PasswordDeps,
  input: { personId: string; current: string; next: string; keepSessionId?: string | undefined },
): Promise<void> {
  const { personId } = input;
  const key = guardKey(deps.fields, 'account', personId);
  const admission = await admitTry(deps, key, ACCOUNT_RULE);
  if (!admission.admitted) throw new Problem('sign-in-locked', { retryAfterSeconds: admission.retryAfterSeconds });
  if (!(await isRightPassword(deps, personId, input.current))) throw new Problem('sign-in-failed');
  await forgiveAll(deps, key);
  await setPassword(deps, { personId, password: input.next, by: `person:${personId}` });
  await endSessionsOf(deps, { personId, except: input.keepSessionId, by: `person:${personId}` });
  await forgetDevicesOf(deps, personId);
}

/** How young the SMS proof must be that stands in for a forgotten password. */
const FRESH_MS = 15 * 60_000;

export function hasFreshSmsProof(session: Pick<Session, 'amr' | 'authTime'>, at: Date): boolean {
  return session.amr.includes('sms') && at.getTime() - session.authTime.getTime() < FRESH_MS;
}

/**
 * A first password, or a new one for a forgotten one: who just proved the phone sets it without the old one.
 * Other sessions end, and the lock that strangers may have put on the account is lifted.
 * Throws Problem `fresh-sms-needed`, `invalid-input` at `/password`.
 */
export async function resetPassword(deps: PasswordDeps, input: { session: Session; password: string }): Promise<void> {
  const { id, personId } = input.session;
  if (!hasFreshSmsProof(input.session, deps.clock.now())) throw new Problem('fresh-sms-needed');
  await setPassword(deps, { personId, password: input.password, by: `person:${personId}` });
  await forgiveAll(deps, guardKey(deps.fields, 'account', personId));
  await endSessionsOf(deps, { personId, except: id, by: `person:${personId}` });
  await forgetDevicesOf(deps, personId);
}
