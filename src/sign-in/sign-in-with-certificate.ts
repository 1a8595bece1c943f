/**
 * Signing in with a person's certificate: the key behind it signs a statement made for this browser and this minute. Whatever is
 * wrong is answered alike. The key lives in software as far as we can know, so this is one factor (`swk`, RFC 8176).
 */
import { recordEvent } from '#audit/record-event.ts';
import { certificateStatus, trustedCertificates } from '#certificates/find-certificates.ts';
import { findHeldCertificate, type HeldCertificate } from '#certificates/held-certificates.ts';
import { derFromRawSignature, UnsupportedKeyError } from '#crypto/suite.ts';
import { verifySignature } from '#crypto/verify-signature.ts';
import { findPerson } from '#people/find-person.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { validatePath } from '#pki/validate-path.ts';
import { Problem } from '#problem.ts';
import { takeCertificateChallenge } from './certificate-challenge.ts';
import { ACCOUNT_RULE, ADDRESS_RULE, addressKey, admitTry, forgiveAll, forgiveOne, guardKey } from './guard.ts';
import { networkOfAddress } from './network-of-address.ts';
import { type Proof, proofOf, type SignInDeps } from './proof.ts';

/** Certificates that speak for a person themselves, and for nobody else. */
const SIGN_IN_PROFILES: readonly ProfileName[] = ['person'];
const SERIAL = /^[0-9a-f]{2,40}$/;
const RAW_OCTETS = 64;

export interface CertificateTry {
  challenge: string;
  /** Serial number of the certificate, hex. */
  serialHex: string;
  /** Over the UTF-8 of the statement, in the suite of the key: DER, or raw r‖s as WebCrypto makes it. */
  signature: Uint8Array;
  /** The cookie that came with the challenge. */
  browser: string | undefined;
  ip: string;
}

type CertificateSignInDeps = Omit<SignInDeps, 'sms'> & { publicOrigin: string };

/**
 * Throws Problem `certificate-sign-in-failed`, the same for an unknown, ended, revoked or foreign certificate, a wrong signature,
 * and a challenge that was used, is too old or is another browser's; `too-many-requests` after many failures from one address;
 * `sign-in-locked` after some with one certificate from one network, so that no outsider locks its holder out.
 */
export async function signInWithCertificate(deps: CertificateSignInDeps, input: CertificateTry): Promise<Proof> {
  const address = addressKey(deps.fields, input.ip);
  const fromHere = await admitTry(deps, address, ADDRESS_RULE);
  if (!fromHere.admitted) throw new Problem('too-many-requests', { retryAfterSeconds: fromHere.retryAfterSeconds });
  const serialHex = input.serialHex.toLowerCase().slice(0, 64);
  const account = guardKey(deps.fields, 'login', `certificate:${serialHex}:${networkOfAddress(input.ip)}`);
  const admission = await admitTry(deps, account, ACCOUNT_RULE);
  if (!admission.admitted) throw new Problem('sign-in-locked', { retryAfterSeconds: admission.retryAfterSeconds });

  const statement = await takeCertificateChallenge(deps, input);
  const held = SERIAL.test(serialHex) ? await findHeldCertificate(deps, serialHex) : undefined;
  const personId = held?.holder.kind === 'person' ? held.holder.personId : undefined;
  const isRight =
    statement !== undefined && held !== undefined && (await isUsable(deps, held)) && isSigned(held, statement, input.signature);
  if (!isRight || personId === undefined || !(await findPerson(deps, personId))) {
    await recordFailure(deps, personId, admission.lockedBy);
    throw new Problem('certificate-sign-in-failed');
  }
  await forgiveAll(deps, account);
  await forgiveOne(deps, address, ADDRESS_RULE);
  const proof = await proofOf(deps, personId, 'swk');
  await deps.db.$transaction((tx) =>
    recordEvent(tx, {
      kind: 'signed-in',
      actor: `person:${personId}`,
      subject: `person:${personId}`,
      at: proof.at,
      detail: { method: 'certificate', acr: proof.acr, certificate: serialHex },
    }),
  );
  return proof;
}

/** Its path leads to a root of ours, and by our own records, which are newer than any list, nothing on it is revoked. */
async function isUsable(deps: CertificateSignInDeps, held: HeldCertificate): Promise<boolean> {
  if (held.status !== 'good' || !SIGN_IN_PROFILES.includes(held.profile)) return false;
  const { roots, issuing } = await trustedCertificates(deps);
  const { valid, path } = validatePath({ leaf: held.certificate, intermediates: issuing, anchors: roots, at: deps.clock.now() });
  if (!valid) return false;
  const between = await Promise.all(path.slice(1, -1).map(({ serialHex }) => certificateStatus(deps, serialHex)));
  return between.every(({ status }) => status === 'good');
}

function isSigned(held: HeldCertificate, statement: string, signature: Uint8Array): boolean {
  if (!held.certificate.keyUsage?.has('digital-signature')) return false;
  const der = signature.length === RAW_OCTETS ? derFromRawSignature(signature) : signature;
  try {
    const key = held.certificate.publicKey();
    const algorithm = key.scheme === 'sm2' ? ({ scheme: 'sm2', digest: 'sm3' } as const) : ({ scheme: 'ecdsa', digest: 'sha256' } as const);
    return verifySignature(key, algorithm, Buffer.from(statement, 'utf8'), der);
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return false;
    throw error;
  }
}

async function recordFailure(deps: CertificateSignInDeps, personId: string | undefined, locked: boolean): Promise<void> {
  const subject = personId === undefined ? 'person:unknown' : `person:${personId}`;
  const at = deps.clock.now();
  await deps.db.$transaction(async (tx) => {
    await recordEvent(tx, { kind: 'sign-in-failed', actor: 'anonymous', subject, at, detail: { method: 'certificate' } });
    if (locked) await recordEvent(tx, { kind: 'sign-in-locked', actor: 'system:sign-in', subject, at });
  });
}
