/**
 * Codes by SMS. Each belongs to a challenge that only the asking browser knows, so a stranger who asks for a code to somebody's phone,
 * or guesses at one, neither invalidates nor uses up that person's own. Phone and code are never kept in clear.
 */
import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import { findPersonIdByPhone } from '#people/find-person.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import { Problem } from '#problem.ts';
import type { SignInDeps } from './proof.ts';

export const CODE_LIFE_SECONDS = 300;
export const TRIES_PER_CODE = 5;

export type SmsPurpose = 'sign-in' | 'change-phone';

interface StoredChallenge {
  purpose: SmsPurpose;
  /** Sealed, base64. */
  phone: string;
  codeHash: string;
  expiresAt: number;
}

const challengeKey = (challenge: string) => `sms-challenge:${challenge}`;
const phonePlace = (challenge: string) => `sms-challenge:${challenge}`;
/** First the one to keep; a code drawn under an older version of the key is as good. */
const codeHashes = (fields: FieldCipher, challenge: string, code: string) => fields.blindIndexes('sms-code', `${challenge}:${code}`);

/** Draws a code and keeps it for five minutes. The code is for the message alone. */
export async function drawSmsCode(
  { clock, fields, ephemeral }: Pick<SignInDeps, 'clock' | 'fields' | 'ephemeral'>,
  input: { phone: string; purpose: SmsPurpose },
): Promise<{ challenge: string; code: string; expiresAt: Date }> {
  const challenge = randomBytes(16).toString('base64url');
  const code = String(randomInt(1_000_000)).padStart(6, '0');
  const expiresAt = new Date(clock.now().getTime() + CODE_LIFE_SECONDS * 1000);
  const stored: StoredChallenge = {
    purpose: input.purpose,
    phone: Buffer.from(fields.seal(phonePlace(challenge), input.phone)).toString('base64'),
    codeHash: Buffer.from(codeHashes(fields, challenge, code)[0]).toString('base64'),
    expiresAt: expiresAt.getTime(),
  };
  await ephemeral.set(challengeKey(challenge), JSON.stringify(stored), CODE_LIFE_SECONDS);
  return { challenge, code, expiresAt };
}

export async function dropSmsCode({ ephemeral }: Pick<SignInDeps, 'ephemeral'>, challenge: string): Promise<void> {
  await ephemeral.remove(challengeKey(challenge));
}

/** The phone a living challenge was sent to, in clear: for sending again and for the masked form on the page. */
export async function findPhoneOfChallenge(
  { clock, fields, ephemeral }: Pick<SignInDeps, 'clock' | 'fields' | 'ephemeral'>,
  challenge: string,
): Promise<string | undefined> {
  const stored = await readChallenge(ephemeral, challenge);
  if (!stored || clock.now().getTime() >= stored.expiresAt) return undefined;
  return fields.openText(phonePlace(challenge), Buffer.from(stored.phone, 'base64'));
}

/**
 * Uses a code: once, within its life, within five tries, whatever runs in parallel (tries are counted before they are judged, and taking
 * the challenge away decides the one winner). Returns the phone it proves.
 * No address is locked for wrong codes: guesses are bounded by the codes sent, and whoever shares the address still gets in.
 * Throws Problem `sms-code-wrong`, `sms-code-expired` (also when spent or unknown).
 */
export async function takeSmsCode(
  deps: SignInDeps,
  input: { challenge: string; code: string; purpose: SmsPurpose },
): Promise<{ phone: string }> {
  const { db, clock, fields, ephemeral } = deps;
  const { challenge, purpose } = input;
  const stored = await readChallenge(ephemeral, challenge);
  if (!stored || stored.purpose !== purpose || clock.now().getTime() >= stored.expiresAt) throw new Problem('sms-code-expired');
  const tries = await ephemeral.increment(`sms-tries:${challenge}`, CODE_LIFE_SECONDS);
  if (tries > TRIES_PER_CODE) throw new Problem('sms-code-expired');
  const given = codeHashes(fields, challenge, input.code.replace(/\s/g, '').slice(0, 16));
  const kept = Buffer.from(stored.codeHash, 'base64');
  if (!given.map((hash) => timingSafeEqual(hash, kept)).includes(true)) {
    const personId = await findPersonIdByPhone(deps, fields.openText(phonePlace(challenge), Buffer.from(stored.phone, 'base64')));
    const subject = personId === undefined ? 'person:unknown' : `person:${personId}`;
    await db.$transaction((tx) =>
      recordEvent(tx, { kind: 'sms-code-refused', actor: 'anonymous', subject, at: clock.now(), detail: { purpose, tries } }),
    );
    throw new Problem('sms-code-wrong');
  }
  if ((await ephemeral.take(challengeKey(challenge))) === undefined) throw new Problem('sms-code-expired');
  return { phone: fields.openText(phonePlace(challenge), Buffer.from(stored.phone, 'base64')) };
}

async function readChallenge(ephemeral: EphemeralStore, challenge: string): Promise<StoredChallenge | undefined> {
  const text = /^[A-Za-z0-9_-]{22}$/.test(challenge) ? await ephemeral.get(challengeKey(challenge)) : undefined;
  return text === undefined ? undefined : (JSON.parse(text) as StoredChallenge);
}
