/** Which algorithm the bare OID in a seal or signature names, and whether the value is right. */
import { parseDer } from '#crypto/der.ts';
import { oid as encodeOid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type DigestName, UnsupportedKeyError } from '#crypto/suite.ts';
import { keyFitsAlgorithm, readSignatureAlgorithm, verifySignature } from '#crypto/verify-signature.ts';
import type { Certificate } from '#pki/certificate.ts';

/** OIDs seen for SM2 with SM3 besides the right one; the last is a misprint of a widespread library. */
const SM2_ALIASES = [OID.sm2Signature, OID.sm2Curve, '1.2.156.10197.501'];

export interface SesValueCheck {
  good: boolean;
  /** As in the report: `sm2-sm3`, `rs256`… */
  suite?: string;
  /** The digest that goes with the algorithm, for dataHash. */
  digest?: DigestName;
  /** The algorithm or key cannot be judged. */
  unsupported: boolean;
  /** OID and key are of different kinds. */
  keyDiffers: boolean;
  warnings: string[];
}

/** Never throws for bad input. */
export function checkSesValue(certificate: Certificate, oid: string, message: Uint8Array, signature: Uint8Array): SesValueCheck {
  const result: SesValueCheck = { good: false, unsupported: false, keyDiffers: false, warnings: [] };
  const isAlias = SM2_ALIASES.includes(oid);
  const algorithm = readSignatureAlgorithm(parseDer(sequence(encodeOid(isAlias ? OID.sm2WithSm3 : oid))));
  if (!algorithm) return { ...result, unsupported: true };
  try {
    const key = certificate.publicKey();
    result.suite = key.label;
    const digest = algorithm.scheme === 'sm2' ? 'sm3' : algorithm.digest;
    if (digest) result.digest = digest;
    if (!keyFitsAlgorithm(key, algorithm)) return { ...result, keyDiffers: true };
    if (isAlias) result.warnings.push('signature-algorithm-alias');
    if (key.scheme === 'sm2' && signature.length === 64) result.warnings.push('signature-value-raw');
    result.good = verifySignature(key, algorithm, message, signature, digest);
    return result;
  } catch (error) {
    if (!(error instanceof UnsupportedKeyError)) throw error;
    return { ...result, unsupported: true };
  }
}
