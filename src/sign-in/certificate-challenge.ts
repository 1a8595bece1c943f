/**
 * What a key signs to sign somebody in: a statement that no document, certificate or protocol could be mistaken for, with the
 * origin that asked and a number used once. It is bound to the browser that asked for it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Problem } from '#problem.ts';
import { networkOfAddress } from './network-of-address.ts';
import type { SignInDeps } from './proof.ts';

const LIFE_SECONDS = 120;
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

const storeKey = (challenge: string) => `certificate-challenge:${challenge}`;
const hashOf = (browser: string) => createHash('sha256').update(browser).digest('base64url');

export function signInStatement(publicOrigin: string, challenge: string): string {
  return `Tongren certificate sign-in, version 1\norigin: ${publicOrigin}\nchallenge: ${challenge}\n`;
}

/** A new challenge of two minutes. Throws Problem `too-many-requests` for a network that asks for very many: each takes room. */
export async function beginCertificateSignIn(
  { clock, ephemeral, publicOrigin }: ChallengeDeps,
  { ip }: { ip: string },
): Promise<CertificateChallenge> {
  const asked = await ephemeral.increment(`certificate-challenges:${networkOfAddress(ip)}`, LIFE_SECONDS);
  if (asked > MAX_PER_NETWORK) throw new Problem('too-many-requests', { retryAfterSeconds: LIFE_SECONDS });
  const challenge = randomBytes(32).toString('base64url');
  const browser = randomBytes(32).toString('base64url');
  const expiresAt = new Date(clock.now().getTime() + LIFE_SECONDS * 1000);
  const stored: Stored = { browserHash: hashOf(browser), expiresAt: expiresAt.getTime() };
  await ephemeral.set(storeKey(challenge), JSON.stringify(stored), LIFE_SECONDS);
  return { challenge, statement: signInStatement(publicOrigin, challenge), expiresAt, browser };
}

/** The statement of a challenge, once, in its time, and for the browser it was given to; otherwise undefined. */
export async function takeCertificateChallenge(
  { clock, ephemeral, publicOrigin }: ChallengeDeps,
  input: { challenge: string; browser: string | undefined },
): Promise<string | undefined> {
  if (!NUMBER.test(input.challenge) || input.browser === undefined) return undefined;
  const text = await ephemeral.take(storeKey(input.challenge));
  if (text === undefined) return undefined;
  const stored = JSON.parse(text) as Stored;
  const isSameBrowser = timingSafeEqual(Buffer.from(hashOf(input.browser)), Buffer.from(stored.browserHash));
  return isSameBrowser && clock.now().getTime() < stored.expiresAt ? signInStatement(publicOrigin, input.challenge) : undefined;
}
