/**
 * Sign-in with phone or citizen number and password. Wrong account, wrong password and no password set answer alike, in words and
 * in time; tries are limited per account and per address, and durable.
 */
import { recordEvent } from '#audit/record-event.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import { normaliseCitizenNumber } from '#people/citizen-number.ts';
import { findPersonIdByCitizenNumber, findPersonIdByPhone } from '#people/find-person.ts';
import { normalisePhone } from '#people/phone.ts';
import { Problem } from '#problem.ts';
import { ACCOUNT_RULE, ADDRESS_RULE, addressKey, admitTry, forgiveAll, forgiveOne, type GuardKey, guardKey } from './guard.ts';
import { isRightPassword } from './is-right-password.ts';
import { findDeviceOf } from './known-devices.ts';
import { type Proof, proofOf, type SignInDeps } from './proof.ts';

export interface PasswordTry {
  /** Phone or citizen number as typed. */
  login: string;
  password: string;
  ip: string;
  /** The device cookie, when the browser has one. */
  device?: string | undefined;
}

/** Throws Problem `sign-in-failed`, `sign-in-locked` (with the seconds to wait), `too-many-requests` for an address that fails a lot. */
export async function signInWithPassword(deps: Omit<SignInDeps, 'sms' | 'ephemeral'>, input: PasswordTry): Promise<Proof> {
  const { db, clock, fields } = deps;
  const personId = await findPersonIdByLogin(deps, input.login);
  const device = await findDeviceOf(deps, personId, input.device);
  // A browser the person used before has its own count; failures of others at the same address do not touch it.
  const address = device ? undefined : addressKey(fields, input.ip);
  const fromHere = address && (await admitTry(deps, address, ADDRESS_RULE));
  if (fromHere?.admitted === false) throw new Problem('too-many-requests', { retryAfterSeconds: fromHere.retryAfterSeconds });
  const account = accountKey(fields, { personId, login: input.login, deviceId: device?.id });
  const admission = await admitTry(deps, account, ACCOUNT_RULE);
  if (!admission.admitted) throw new Problem('sign-in-locked', { retryAfterSeconds: admission.retryAfterSeconds });

  if (!(await isRightPassword(deps, personId, input.password)) || personId === undefined) {
    await db.$transaction(async (tx) => {
      const subject = personId === undefined ? 'person:unknown' : `person:${personId}`;
      const at = clock.now();
      await recordEvent(tx, { kind: 'sign-in-failed', actor: 'anonymous', subject, at, detail: { method: 'password' } });
      if (admission.lockedBy) await recordEvent(tx, { kind: 'sign-in-locked', actor: 'system:sign-in', subject, at });
    });
    throw new Problem('sign-in-failed');
  }
  await forgiveAll(deps, account);
  if (address) await forgiveOne(deps, address, ADDRESS_RULE);
  const proof = await proofOf(deps, personId, 'pwd');
  await db.$transaction((tx) =>
    recordEvent(tx, {
      kind: 'signed-in',
      actor: `person:${personId}`,
      subject: `person:${personId}`,
      at: proof.at,
      detail: { method: 'password', acr: proof.acr },
    }),
  );
  return proof;
}

async function findPersonIdByLogin(deps: Pick<SignInDeps, 'db' | 'fields'>, login: string): Promise<string | undefined> {
  return (await findPersonIdByPhone(deps, login)) ?? (await findPersonIdByCitizenNumber(deps, login));
}

/** Several logins of one person share a count; what is nobody's is counted just the same, so that a lock tells nothing either. */
function accountKey(fields: FieldCipher, known: { personId: string | undefined; login: string; deviceId: string | undefined }): GuardKey {
  if (known.deviceId !== undefined) return guardKey(fields, 'device', known.deviceId);
  if (known.personId !== undefined) return guardKey(fields, 'account', known.personId);
  const login = normalisePhone(known.login) ?? normaliseCitizenNumber(known.login) ?? known.login.trim().toLowerCase().slice(0, 64);
  return guardKey(fields, 'login', login);
}
