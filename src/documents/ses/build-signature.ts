/** Making a V4 SES_Signature (GB/T 38540-2020): structures here, the signer's key elsewhere. */
import { bitString, generalizedTime, ia5String, integer, octetString, oid, sequence } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import type { SignBytes } from '#documents/sign-bytes.ts';

export interface SesSignatureInput {
  /** DER of the SESeal, taken over byte by byte. */
  seal: Uint8Array;
  signerCertificate: Uint8Array;
  signedAt: Date;
  /** SM3 of what is sealed. */
  dataHash: Uint8Array;
  /** In an OFD package the absolute path of Signature.xml. ASCII. */
  propertyInfo: string;
  /** The signer's SM2 key; the bytes are DER(toSign). */
  sign: SignBytes;
}

/** DER of TBS_Sign, the bytes the signer signs. */
export function encodeTbsSign(input: Omit<SesSignatureInput, 'sign' | 'signerCertificate'>): Uint8Array {
  return sequence(integer(4), input.seal, generalizedTime(input.signedAt), bitString(input.dataHash), ia5String(input.propertyInfo));
}

/** DER of SES_Signature, the content of SignedValue.dat. */
export async function buildSesSignature(input: SesSignatureInput): Promise<Uint8Array> {
  const toSign = encodeTbsSign(input);
  const signature = await input.sign(toSign);
  return sequence(toSign, octetString(input.signerCertificate), oid(OID.sm2WithSm3), bitString(signature));
}
