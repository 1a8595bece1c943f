/** Sealing an OFD file: a V4 e-seal signature (GB/T 38540-2020) over the whole package. */
import { DerError } from '#crypto/der.ts';
import { digest } from '#crypto/suite.ts';
import { buildSesSignature } from '#documents/ses/build-signature.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';
import { Problem } from '#problem.ts';
import { addSignature, type NewSignature, type StampPlace } from './add-signature.ts';
import type { SignatureProvider } from './signature-xml.ts';

export interface SealOfdInput {
  /** DER SESeal, as the seal maker made it. */
  seal: Uint8Array;
  /** DER certificate of the signer; one of those the seal names. */
  signerCertificate: Uint8Array;
  signedAt: Date;
  /** At least one place; several for a seam stamp (骑缝章) or the same seal on many pages. */
  stamps: readonly StampPlace[];
  provider: SignatureProvider;
  /** Protect the signature list too, so that nothing can be added or removed. Default: more seals may follow. */
  lock?: boolean;
  documentIndex?: number;
  /** The signer's SM2 key; the bytes are DER(toSign). */
  sign: SignBytes;
  /** Gives a time-stamp token over the signature value, so that the seal outlives its certificate. */
  timestamp?: (signature: Uint8Array) => Promise<Uint8Array>;
}

/**
 * The sealed file. The same input gives the same bytes but for the signature value and the time-stamp.
 * Problems: `seal-signer-mismatch`, `ofd-not-readable`, `ofd-not-sealable`, `ofd-locked`, `invalid-input`.
 */
export async function sealOfd(ofd: Uint8Array, input: SealOfdInput): Promise<Uint8Array> {
  return addSignature(ofd, sealSignature(input));
}

/** The signature a seal puts on a package. Problem `seal-signer-mismatch`. */
export function sealSignature(input: SealOfdInput): NewSignature {
  assertMaySign(input);
  return {
    type: 'Seal',
    seal: input.seal,
    signedAt: input.signedAt,
    stamps: input.stamps,
    provider: input.provider,
    lock: input.lock ?? false,
    documentIndex: input.documentIndex,
    makeValue: (description, path) =>
      buildSesSignature({
        seal: input.seal,
        signerCertificate: input.signerCertificate,
        signedAt: input.signedAt,
        dataHash: digest('sm3', description),
        propertyInfo: path,
        sign: input.sign,
        timestamp: input.timestamp,
      }),
  };
}

/** A seal by somebody it does not name would verify nowhere: refused before the key is used. */
function assertMaySign({ seal, signerCertificate }: SealOfdInput): void {
  try {
    const { certificates, certificateDigests } = parseSeal(seal);
    if (certificateDigests.length > 0) return;
    if (certificates.some((one) => Buffer.compare(one, signerCertificate) === 0)) return;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
  }
  throw new Problem('seal-signer-mismatch');
}
