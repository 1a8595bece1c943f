/** Which chains a signature stands on, so that validation data can be looked for: its signer's and its timestamp authority's. */
import { parseSignedData, type SignedData } from '#crypto/cms.ts';
import { findSignerCertificate } from '#crypto/cms-verify.ts';
import { OID } from '#crypto/oids.ts';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import type { LocatedSignature } from './locate-signature.ts';
import { normaliseBer } from './normalise-ber.ts';
import { unpad } from './signature-dictionary.ts';
import type { ChainToProve } from './validation-data.ts';

/**
 * Empty for a signature whose value cannot be reached. Throws DerError for one that cannot be read.
 * @param further certificates the document carries, DER.
 * @param at when the signature is known to have existed.
 * @param stampedUntil as of when its timestamps are judged: the time of the next one over them, or now.
 */
export function chainsOf(signature: LocatedSignature, further: readonly Uint8Array[], at: Date, stampedUntil: Date): ChainToProve[] {
  const { contents, isTimestamp, subFilter } = signature;
  const padded = contents && unpad(contents);
  if (!contents) return [];
  if (isTimestamp) return padded ? [chainOfToken(padded, further, stampedUntil)] : [];
  if (subFilter === 'GM.sm2seal') {
    const seal = padded && parseSesSignature(padded);
    return seal ? [{ role: 'signer', certificates: [seal.signerCertificate, ...further], at }] : [];
  }
  const signedData = parseSignedData(normaliseBer(contents).der);
  const chains: ChainToProve[] = [{ role: 'signer', certificates: certificatesOf(signedData, further), at }];
  const token = signedData.signers[0]?.unsignedAttributes.find(({ oid }) => oid === OID.timeStampToken)?.values[0];
  if (token) chains.push(chainOfToken(token.bytes, further, stampedUntil));
  return chains;
}

function chainOfToken(token: Uint8Array, further: readonly Uint8Array[], at: Date): ChainToProve {
  const signedData = parseSignedData(token);
  return { role: 'timestamp', certificates: certificatesOf(signedData, further), at };
}

function certificatesOf(signedData: SignedData, further: readonly Uint8Array[]): Uint8Array[] {
  const all = [...signedData.certificates, ...further];
  const [signer] = signedData.signers;
  const own = signer && findSignerCertificate({ ...signedData, certificates: all }, signer);
  return own ? [own, ...all.filter((certificate) => certificate !== own)] : all;
}
