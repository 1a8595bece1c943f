/**
 * Signing in with a certificate of another authority that the trust list takes for it (mutual recognition): the holder signed our text
 * with a tool of their own. The certificate must have been added to the account before, and must still name its person. How far it
 * counts is what the list says of the authority. Who has proved the key is told plainly what is wrong with its certificate.
 */
import { recordEvent } from '#audit/record-event.ts';
import { findForeignCertificateOwner, noteForeignCertificateUse } from '#certificates/foreign-certificates.ts';
import { type ForeignHolder, requireForeignHolder } from '#certificates/judge-foreign-certificate.ts';
import { findPersonIdByCitizenNumber } from '#people/find-person.ts';
import type { Outbound } from '#ports/outbound.ts';
import { Problem } from '#problem.ts';
import type { AuthenticationMethod } from './acr.ts';
import { takeCertificateChallenge } from './certificate-challenge.ts';
import { ACCOUNT_RULE, ADDRESS_RULE, addressKey, admitTry, forgiveAll, forgiveOne, guardKey } from './guard.ts';
import { networkOfAddress } from './network-of-address.ts';
import { type Proof, proofOf, type SignInDeps } from './proof.ts';
import { type ForeignProof, readForeignProof } from './read-foreign-proof.ts';

/** What a level of the list means here: on its own, as one of two factors, like hardware. */
const METHODS: Record<ForeignHolder['level'], AuthenticationMethod> = { 3: 'pop', 4: 'swk', 5: 'hwk' };

export type ForeignSignInDeps = Omit<SignInDeps, 'sms'> & { publicOrigin: string; outbound: Outbound };

export interface ForeignTry {
  challenge: string;
  /** CMS, or bare; DER, PEM or Base64. */
  signature: Uint8Array;
  /** PEM or DER: the signer's first. Needed with a bare signature. */
  certificates?: Uint8Array;
  /** The cookie that came with the challenge. */
  browser: string | undefined;
  ip: string;
}

/**
 * Throws Problem `foreign-certificate-proof-wrong` for a signature or challenge that is not right, `foreign-certificate-refused` and
 * `foreign-certificate-status-unknown` for the certificate, `foreign-certificate-not-linked` where no account has added it, the same
 * whether or not there is an account of its person; `too-many-requests` and `sign-in-locked` as every sign-in.
 */
export async function signInWithForeignCertificate(deps: ForeignSignInDeps, input: ForeignTry): Promise<Proof> {
  const { proof, forgive, fail } = await proveForeignKey(deps, 'foreign-sign-in', input);
  const { fingerprint } = proof.certificate;
  try {
    const holder = await requireForeignHolder(deps, proof);
    const personId = await findPersonIdByCitizenNumber(deps, holder.citizenNumber);
    const owner = await findForeignCertificateOwner(deps, fingerprint);
    // Both: a number that was corrected since must not open the account it was added to.
    if (owner === undefined || owner !== personId) throw new Problem('foreign-certificate-not-linked');
    await forgive();
    const { trustEntryId } = holder;
    const proved = { ...(await proofOf(deps, owner, METHODS[holder.level])), trustEntryId };
    await deps.db.$transaction(async (tx) => {
      await noteForeignCertificateUse(deps, tx, { fingerprint, trustEntryId });
      await recordEvent(tx, {
        kind: 'signed-in',
        actor: `person:${owner}`,
        subject: `person:${owner}`,
        at: proved.at,
        detail: { method: 'foreign-certificate', acr: proved.acr, certificate: fingerprint, trustEntryId },
      });
    });
    return proved;
  } catch (error) {
    if (error instanceof Problem) await fail(error.code);
    throw error;
  }
}

/**
 * The key behind the certificate signed this browser's text, and neither its network nor the certificate there has failed too often.
 * What comes after calls `forgive` when all was right, `fail` when not.
 */
export async function proveForeignKey(
  deps: ForeignSignInDeps,
  use: 'foreign-sign-in' | 'foreign-add',
  input: ForeignTry,
): Promise<{ proof: ForeignProof; forgive: () => Promise<void>; fail: (reason: string) => Promise<void> }> {
  const address = addressKey(deps.fields, input.ip);
  const fromHere = await admitTry(deps, address, ADDRESS_RULE);
  if (!fromHere.admitted) throw new Problem('too-many-requests', { retryAfterSeconds: fromHere.retryAfterSeconds });
  const statement = await takeCertificateChallenge(deps, { ...input, use });
  const proof = statement === undefined ? undefined : readForeignProof(statement, input);
  if (!proof) {
    await recordFailure(deps, { use, reason: 'foreign-certificate-proof-wrong' });
    throw new Problem('foreign-certificate-proof-wrong');
  }
  const { fingerprint } = proof.certificate;
  // Each try asks its authority something, so tries with one certificate are counted too.
  const account = guardKey(deps.fields, 'login', `foreign:${fingerprint}:${networkOfAddress(input.ip)}`);
  const admission = await admitTry(deps, account, ACCOUNT_RULE);
  if (!admission.admitted) throw new Problem('sign-in-locked', { retryAfterSeconds: admission.retryAfterSeconds });
  return {
    proof,
    forgive: async () => {
      await forgiveAll(deps, account);
      await forgiveOne(deps, address, ADDRESS_RULE);
    },
    fail: (reason) => recordFailure(deps, { use, reason, certificate: fingerprint }),
  };
}

/** Names nobody: whose certificate it is may not be certain. */
async function recordFailure(
  { db, clock }: Pick<ForeignSignInDeps, 'db' | 'clock'>,
  { use, ...detail }: { use: string; reason: string; certificate?: string },
): Promise<void> {
  const kind = use === 'foreign-add' ? 'foreign-certificate-not-added' : 'sign-in-failed';
  await db.$transaction((tx) =>
    recordEvent(tx, {
      kind,
      actor: 'anonymous',
      subject: 'person:unknown',
      at: clock.now(),
      detail: { method: 'foreign-certificate', ...detail },
    }),
  );
}
