/** Making a V4 SES_Signature (GB/T 38540-2020): structures here, the signer's key elsewhere. */
import { bitString, explicit, generalizedTime, ia5String, integer, octetString, oid, sequence } from '#crypto/encode-der.ts';
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
  /** Gives a time-stamp token (RFC 3161, GB/T 20520) over the octets it is handed, the signature value. Without it there is none. */
  timestamp?: ((signature: Uint8Array) => Promise<Uint8Array>) | undefined;
}

/** DER of TBS_Sign, the bytes the signer signs. */
export function encodeTbsSign(input: Omit<SesSignatureInput, 'sign' | 'signerCertificate' | 'timestamp'>): Uint8Array {
  return sequence(integer(4), input.seal, generalizedTime(input.signedAt), bitString(input.dataHash), ia5String(input.propertyInfo));
}

/** DER of SES_Signature, the content of SignedValue.dat. */
export async function buildSesSignature(input: SesSignatureInput): Promise<Uint8Array> {
  const toSign = encodeTbsSign(input);
  const signature = await input.sign(toSign);
  const token = await input.timestamp?.(signature);
  // §7.3.2: timeStamp [0] EXPLICIT BIT STRING OPTIONAL.
  const timeStamp = token ? [explicit(0, bitString(token))] : [];
  return sequence(toSign, octetString(input.signerCertificate), oid(OID.sm2WithSm3), bitString(signature), ...timeStamp);
}
