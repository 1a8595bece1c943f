/** Sending a code to a phone. The answer never tells whether the phone has an account. Limits per phone and address keep us from being a nuisance by SMS. */
import { recordEvent } from '#audit/record-event.ts';
import { findPersonIdByPhone } from '#people/find-person.ts';
import { parsePhone } from '#people/register-person.ts';
import { Problem } from '#problem.ts';
import { addressKey } from './guard.ts';
import { findDeviceOf } from './known-devices.ts';
import type { SignInDeps } from './proof.ts';
import { CODE_LIFE_SECONDS, drawSmsCode, dropSmsCode, type SmsPurpose } from './sms-code.ts';

export const RESEND_SECONDS = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** Codes to one phone. Known devices draw from a pool of their own, which strangers cannot empty. */
const PER_PHONE = [
  { most: 5, seconds: HOUR },
  { most: 15, seconds: DAY },
] as const;
/** Codes asked for by strangers from one address, where a whole service hall may sit. */
const PER_ADDRESS = [
  { most: 60, seconds: HOUR },
  { most: 300, seconds: DAY },
] as const;

export interface SmsRequest {
  /** As typed. */
  phone: string;
  ip: string;
  device?: string | undefined;
  purpose?: SmsPurpose;
}

/** Throws Problem `invalid-input` at `/phone`, `too-many-requests` (with the seconds to wait), `sms-not-sent`. */
export async function requestSmsCode(
  deps: SignInDeps,
  input: SmsRequest,
): Promise<{ challenge: string; phone: string; expiresAt: Date; resendAt: Date }> {
  const { db, clock, fields, ephemeral, sms } = deps;
  const phone = parsePhone(input.phone);
  const purpose = input.purpose ?? 'sign-in';
  const personId = await findPersonIdByPhone(deps, phone);
  const known = (await findDeviceOf(deps, personId, input.device)) !== undefined;
  // Counts under an older version of the key go on counting while it does.
  const phoneKeys = fields.blindIndexes('sms-limit', phone).map(keyText);
  const fromKeys = addressKey(fields, input.ip).map(keyText);

  const [wait = '', ...olderWaits] = phoneKeys.map((key, version) => `sms-wait:${key}:${fromKeys[version]}`);
  const isWaiting = (await Promise.all(olderWaits.map((key) => ephemeral.get(key)))).some((mark) => mark !== undefined);
  if (isWaiting || !(await ephemeral.setIfAbsent(wait, '1', RESEND_SECONDS))) throw tooMany(RESEND_SECONDS);
  const of = (name: string, keys: readonly string[]) => keys.map((key) => `${name}:${key}`);
  if (!known) await spend(deps, of('sms-from', fromKeys), PER_ADDRESS);
  await spend(deps, of(`sms-to${known ? '-known' : ''}`, phoneKeys), PER_PHONE);

  const { challenge, code, expiresAt } = await drawSmsCode(deps, { phone, purpose });
  try {
    await sms.send({ phone, text: messageText(code, purpose) });
  } catch (cause) {
    await dropSmsCode(deps, challenge);
    throw new Problem('sms-not-sent', { cause });
  }
  const at = clock.now();
  await db.$transaction((tx) =>
    recordEvent(tx, {
      kind: 'sms-code-sent',
      actor: 'anonymous',
      subject: personId === undefined ? 'person:unknown' : `person:${personId}`,
      at,
      detail: { purpose },
    }),
  );
  return { challenge, phone, expiresAt, resendAt: new Date(at.getTime() + RESEND_SECONDS * 1000) };
}

function messageText(code: string, purpose: SmsPurpose): string {
  const what = purpose === 'sign-in' ? '登录' : '更换手机号';
  return `【通认】您的${what}验证码为${code}，${CODE_LIFE_SECONDS / 60}分钟内有效。工作人员不会向您索要验证码，请勿告诉他人。`;
}

async function spend(
  { ephemeral }: SignInDeps,
  [key, ...older]: readonly string[],
  limits: readonly { most: number; seconds: number }[],
): Promise<void> {
  for (const { most, seconds } of limits) {
    const before = await Promise.all(older.map(async (one) => Number((await ephemeral.get(`${one}:${seconds}`)) ?? 0)));
    const spent = before.reduce((sum, count) => sum + count, await ephemeral.increment(`${key}:${seconds}`, seconds));
    if (spent > most) throw tooMany(seconds);
  }
}

const keyText = (key: Uint8Array) => Buffer.from(key).toString('base64url');

const tooMany = (seconds: number) => new Problem('too-many-requests', { retryAfterSeconds: seconds });
