/**
 * Two certificates for one holder (GM/T 0034): the signing key is the holder's own and stays there; the encryption key is made here,
 * kept sealed, and handed over in an envelope that only the signing key opens.
 */
import { recordEvent } from '#audit/record-event.ts';
import { sealEnvelope } from '#crypto/enveloped-data.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import { sealSm2EnvelopedKey } from '#crypto/sm2-enveloped-key.ts';
import { generateKeyPair, type Suite } from '#crypto/suite.ts';
import { keyIdentifier } from '#pki/build-certificate.ts';
import { PROFILES } from '#pki/profiles.ts';
import { faultyField } from '#problem.ts';
import type { Transaction } from '#storage/database.ts';
import type { AuthoritySuite, CertificateDeps } from './certificate-deps.ts';
import { type IssueCertificateInput, type IssuedCertificate, issueCertificates } from './issue-certificate.ts';

export type ArchiveDeps = CertificateDeps & { fields: FieldCipher };

/** How the private key travels: GB/T 35276 SM2EnvelopedKey, or CMS AuthEnvelopedData around PKCS#8. */
export interface KeyEnvelope {
  form: 'sm2-enveloped-key' | 'cms';
  bytes: Uint8Array;
}

export interface IssuedPair {
  signing: IssuedCertificate;
  encryption: IssuedCertificate;
  envelope: KeyEnvelope;
}

/**
 * @param input as for `issueCertificate`, of a profile that has an encryption twin, with the holder's signing key.
 * Throws Problem `invalid-input` for other profiles, and what `issueCertificate` throws: then neither exists.
 */
export async function issuePair(deps: ArchiveDeps, input: IssueCertificateInput): Promise<IssuedPair> {
  const twin = PROFILES[input.profile].encryptionTwin;
  if (!twin) throw faultyField('/profile', 'Certificates of this kind are issued alone.', '此类证书不签发加密证书。');
  const pair = generateKeyPair(input.suite);
  let signingSerial = '';
  const signingInput: IssueCertificateInput = {
    ...input,
    within: async (tx, serialHex) => {
      signingSerial = serialHex;
      await input.within?.(tx, serialHex);
    },
  };
  const encryptionInput: IssueCertificateInput = {
    ...input,
    profile: twin,
    spki: pair.spki,
    within: (tx, serialHex) => archiveKey(tx, deps, { serialHex, signingSerial, suite: input.suite, pkcs8: pair.pkcs8, by: input.by }),
  };
  const [signing, encryption] = await issueCertificates(deps, [signingInput, encryptionInput]);
  if (!signing || !encryption) throw new Error('two asked for, fewer issued');
  const envelope = sealKeyFor(input.spki, { suite: input.suite, ...pair });
  pair.pkcs8.fill(0);
  return { signing, encryption, envelope };
}

/** Keeps the key of an encryption certificate, sealed, in the transaction that stores the certificate. */
export async function archiveKey(
  tx: Transaction,
  { fields, clock }: Pick<ArchiveDeps, 'fields' | 'clock'>,
  key: { serialHex: string; signingSerial: string; suite: AuthoritySuite; pkcs8: Uint8Array; by: string },
): Promise<void> {
  const { serialHex, signingSerial, suite, pkcs8, by } = key;
  const at = clock.now();
  const sealedKey = fields.seal(archivePlace(serialHex), pkcs8);
  await tx.archivedKey.create({ data: { serialHex, signingSerial, suite, sealedKey, archivedAt: at } });
  const detail = { signing: signingSerial, suite };
  await recordEvent(tx, { kind: 'key-archived', actor: by, subject: `certificate:${serialHex}`, detail, at });
}

/** The envelope for the holder of `recipient`, a signing key of the same suite. */
export function sealKeyFor(recipient: Uint8Array, key: { suite: Suite; pkcs8: Uint8Array; spki: Uint8Array }): KeyEnvelope {
  if (key.suite === 'sm2-sm3') return { form: 'sm2-enveloped-key', bytes: sealSm2EnvelopedKey(recipient, key.pkcs8, key.spki) };
  return { form: 'cms', bytes: sealEnvelope(recipient, keyIdentifier(recipient), key.pkcs8) };
}

/** Where the sealed key stands, so that one moved to another row does not open. */
export function archivePlace(serialHex: string): string {
  return `archived-key.pkcs8:${serialHex}`;
}
