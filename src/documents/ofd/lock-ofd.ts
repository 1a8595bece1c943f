/** Locking an OFD file: a last signature of type Sign (GB/T 35275) over everything, the signature list included. */
import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { x509Time } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest } from '#crypto/suite.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';
import { addSignature } from './add-signature.ts';
import type { SignatureProvider } from './signature-xml.ts';

export interface LockOfdInput {
  /** DER, the signer's first, then its issuers. An SM2 certificate. */
  certificates: readonly Uint8Array[];
  signedAt: Date;
  provider: SignatureProvider;
  /**
   * `content`: the SM2 value is over the 32-octet digest of Signature.xml, the commonest form. `attributes`: over signed
   * attributes, for keys that sign nothing else. Default `content`.
   */
  variant?: 'content' | 'attributes';
  documentIndex?: number;
  sign: SignBytes;
}

/** Problems: as `sealOfd`. Afterwards no signature can be added or removed unnoticed. */
export async function lockOfd(ofd: Uint8Array, input: LockOfdInput): Promise<Uint8Array> {
  return addSignature(ofd, {
    type: 'Sign',
    signedAt: input.signedAt,
    stamps: [],
    provider: input.provider,
    lock: true,
    documentIndex: input.documentIndex,
    makeValue: (description) => makeValue(digest('sm3', description), input),
  });
}

async function makeValue(messageDigest: Uint8Array, { certificates, variant, signedAt, sign }: LockOfdInput): Promise<Uint8Array> {
  const common = { form: 'gm', suite: 'sm2-sm3', certificates } as const;
  if (variant !== 'attributes') return encodeSignedData({ ...common, content: messageDigest, signature: await sign(messageDigest) });
  const signedAttributes = encodeSignedAttributes({ contentType: OID.gmData, messageDigest, signingTime: x509Time(signedAt) });
  return encodeSignedData({ ...common, signedAttributes, signature: await sign(signedAttributes) });
}
