import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import type { SigningKey } from './signing-keys.ts';

/** OpenID Connect Back-Channel Logout 1.0 §2.4 advises two minutes at most. */
const VALID_SECONDS = 120;

export interface LogoutTokenInput {
  issuer: string;
  clientId: string;
  subject: string;
  /** Absent when every session of the subject ended. */
  sid: string | undefined;
  /** The algorithm the app expects of its ID tokens. */
  alg: string;
  at: Date;
}

/** A logout token (§2.4): `events` with one member, `sub`, `sid`, never a nonce. Mint a fresh one for each attempt. */
export async function mintLogoutToken(keys: readonly SigningKey[], input: LogoutTokenInput): Promise<string> {
  const key = keys.find(({ alg, state }) => alg === input.alg && state === 'active');
  if (!key) throw new Error(`no active ${input.alg} key`);
  const issuedAt = Math.floor(input.at.getTime() / 1000);
  return new SignJWT({
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    ...(input.sid === undefined ? {} : { sid: input.sid }),
  })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'logout+jwt' })
    .setIssuer(input.issuer)
    .setAudience(input.clientId)
    .setSubject(input.subject)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + VALID_SECONDS)
    .sign(await importJWK(key.privateJwk, key.alg));
}
