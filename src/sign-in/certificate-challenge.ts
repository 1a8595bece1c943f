/**
 * What a key signs to sign somebody in, or to add its certificate to an account: a statement that no document, certificate or protocol
 * could be mistaken for, with what it is for, the origin that asked and a number used once. It is bound to the browser that asked for it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Problem } from '#problem.ts';
import { networkOfAddress } from './network-of-address.ts';
import type { SignInDeps } from './proof.ts';

export type ChallengeUse = 'sign-in' | 'foreign-sign-in' | 'foreign-add';

/** A script of the page signs at once; a person with a tool of their own needs minutes. */
const LIFE_SECONDS: Record<ChallengeUse, number> = { 'sign-in': 120, 'foreign-sign-in': 600, 'foreign-add': 600 };
const TITLES: Record<ChallengeUse, string> = {
  'sign-in': 'Tongren certificate sign-in, version 1',
  'foreign-sign-in': 'Tongren sign-in with a certificate of another authority, version 1',
  'foreign-add': 'Tongren adding a certificate of another authority to an account, version 1',
};
/** Living challenges of one network: a service hall behind one address needs some tens. */
const MAX_PER_NETWORK = 300;
const NUMBER = /^[A-Za-z0-9_-]{43}$/;

export interface CertificateChallenge {
  challenge: string;
  /** Its UTF-8 bytes are to be signed. */
  statement: string;
  expiresAt: Date;
  /** For a cookie of this browser. */
  browser: string;
}

interface Stored {
  browserHash: string;
  expiresAt: number;
}

type ChallengeDeps = Pick<SignInDeps, 'clock' | 'ephemeral'> & { publicOrigin: string };

const storeKey = (use: ChallengeUse, challenge: string) => `certificate-challenge:${use}:${challenge}`;
const hashOf = (browser: string) => createHash('sha256').update(browser).digest('base64url');

export function signInStatement(publicOrigin: string, challenge: string, use: ChallengeUse = 'sign-in'): string {
  return `${TITLES[use]}\norigin: ${publicOrigin}\nchallenge: ${challenge}\n`;
}

/** A challenge in the form in which they are given out. */
export function isChallenge(text: string): boolean {
  return NUMBER.test(text);
}

/**
 * A new challenge of two or, for a tool of the person's own, ten minutes. Throws Problem `too-many-requests` for a network that asks
 * for very many: each takes room.
 * @param browser what it is bound to; without one, a new secret for a cookie.
 */
export async function beginCertificateSignIn(
  { clock, ephemeral, publicOrigin }: ChallengeDeps,
  { ip, use = 'sign-in', browser = randomBytes(32).toString('base64url') }: { ip: string; use?: ChallengeUse; browser?: string },
): Promise<CertificateChallenge> {
  const lifeSeconds = LIFE_SECONDS[use];
  const asked = await ephemeral.increment(`certificate-challenges:${networkOfAddress(ip)}`, LIFE_SECONDS['sign-in']);
  if (asked > MAX_PER_NETWORK) throw new Problem('too-many-requests', { retryAfterSeconds: LIFE_SECONDS['sign-in'] });
  const challenge = randomBytes(32).toString('base64url');
  const expiresAt = new Date(clock.now().getTime() + lifeSeconds * 1000);
  const stored: Stored = { browserHash: hashOf(browser), expiresAt: expiresAt.getTime() };
  await ephemeral.set(storeKey(use, challenge), JSON.stringify(stored), lifeSeconds);
  return { challenge, statement: signInStatement(publicOrigin, challenge, use), expiresAt, browser };
}

/** The statement of a challenge, once, in its time, for its use, and for the browser it was given to; otherwise undefined. */
export async function takeCertificateChallenge(
  { clock, ephemeral, publicOrigin }: ChallengeDeps,
  { challenge, browser, use = 'sign-in' }: { challenge: string; browser: string | undefined; use?: ChallengeUse },
): Promise<string | undefined> {
  if (!isChallenge(challenge) || browser === undefined) return undefined;
  const text = await ephemeral.take(storeKey(use, challenge));
  if (text === undefined) return undefined;
  const stored = JSON.parse(text) as Stored;
  const isSameBrowser = timingSafeEqual(Buffer.from(hashOf(browser)), Buffer.from(stored.browserHash));
  return isSameBrowser && clock.now().getTime() < stored.expiresAt ? signInStatement(publicOrigin, challenge, use) : undefined;
}
