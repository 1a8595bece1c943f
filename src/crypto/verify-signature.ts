/**
 * Checks signatures made by others, in more algorithms than we sign in ourselves: RSA (PKCS#1 v1.5 and PSS), ECDSA on the
 * NIST curves, Ed25519 and SM2. What cannot be judged is told apart from what is wrong.
 */
import { constants, createPublicKey, type KeyObject, verify as verifyOnce } from 'node:crypto';
import { type DerElement, DerError, parseDer, TAG } from './der.ts';
import { OID } from './oids.ts';
import { type DigestName, derFromRawSignature, importPublicKey, type PublicKey, UnsupportedKeyError, verifyMessage } from './suite.ts';

export type SignatureScheme = 'sm2' | 'ecdsa' | 'rsa' | 'rsa-pss' | 'ed25519';

export interface SignatureAlgorithm {
  scheme: SignatureScheme;
  /** Absent where only the CMS digestAlgorithm tells it (`rsaEncryption`). */
  digest?: DigestName;
  /** RSA-PSS only. */
  saltLength?: number;
}

export interface VerifyingKey {
  scheme: 'sm2' | 'ecdsa' | 'rsa' | 'ed25519';
  /** For people: `sm2-sm3`, `es256`, `es384`, `es512`, `rs256`, `ed25519`. */
  label: string;
  key: KeyObject;
  sm2?: PublicKey;
}

const DIGESTS: Record<string, DigestName> = {
  [OID.sm3]: 'sm3',
  [OID.sha1]: 'sha1',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

const SIGNATURES: Record<string, SignatureAlgorithm> = {
  [OID.sm2WithSm3]: { scheme: 'sm2', digest: 'sm3' },
  [OID.sm2Signature]: { scheme: 'sm2', digest: 'sm3' },
  [OID.sm2Curve]: { scheme: 'sm2', digest: 'sm3' },
  [OID.ecdsaWithSha1]: { scheme: 'ecdsa', digest: 'sha1' },
  [OID.ecdsaWithSha256]: { scheme: 'ecdsa', digest: 'sha256' },
  [OID.ecdsaWithSha384]: { scheme: 'ecdsa', digest: 'sha384' },
  [OID.ecdsaWithSha512]: { scheme: 'ecdsa', digest: 'sha512' },
  [OID.ecPublicKey]: { scheme: 'ecdsa' },
  [OID.rsaEncryption]: { scheme: 'rsa' },
  [OID.sha1WithRsa]: { scheme: 'rsa', digest: 'sha1' },
  [OID.sha256WithRsa]: { scheme: 'rsa', digest: 'sha256' },
  [OID.sha384WithRsa]: { scheme: 'rsa', digest: 'sha384' },
  [OID.sha512WithRsa]: { scheme: 'rsa', digest: 'sha512' },
  [OID.ed25519]: { scheme: 'ed25519' },
};

const CURVES: Record<string, string> = { prime256v1: 'es256', secp384r1: 'es384', secp521r1: 'es512' };
const MIN_RSA_BITS = 1024;
const MAX_RSA_BITS = 8192;

/** The digest an AlgorithmIdentifier or a bare OID names, if we know it. */
export function digestOfOid(oid: string): DigestName | undefined {
  return DIGESTS[oid];
}

/** Reads an AlgorithmIdentifier of a signature; undefined for kinds we cannot judge. Throws DerError when it is not one. */
export function readSignatureAlgorithm(element: DerElement): SignatureAlgorithm | undefined {
  const oid = element.expect(TAG.sequence).at(0).asOid();
  return oid === OID.rsaPss ? readPss(element.children[1]) : SIGNATURES[oid];
}

/** RSASSA-PSS-params (RFC 8017 §A.2.3): the hash and the mask generator's hash must agree, as everybody writes them. */
function readPss(parameters: DerElement | undefined): SignatureAlgorithm | undefined {
  if (parameters?.tag !== TAG.sequence) return undefined;
  const hash = parameters.find(0xa0)?.inner().at(0).asOid() ?? OID.sha1;
  const mask = parameters.find(0xa1)?.inner();
  const maskHash = mask?.children[1]?.at(0).asOid() ?? OID.sha1;
  const saltLength = parameters.find(0xa2)?.inner().asNumber() ?? 20;
  const digest = DIGESTS[hash];
  if (!digest || digest === 'sm3' || hash !== maskHash || (mask && mask.at(0).asOid() !== OID.mgf1)) return undefined;
  if (saltLength < 0 || saltLength > 512 || parameters.find(0xa3)) return undefined;
  return { scheme: 'rsa-pss', digest, saltLength };
}

/** Reads a SubjectPublicKeyInfo for verifying. Throws UnsupportedKeyError for kinds or sizes we do not judge. */
export function importVerifyingKey(spki: Uint8Array): VerifyingKey {
  if (Buffer.from(spki.subarray(0, 27)).includes(Buffer.from('2a811ccf5501822d', 'hex'))) {
    const sm2 = importPublicKey(spki);
    if (sm2.suite !== 'sm2-sm3') throw new UnsupportedKeyError('an SM2 key in a form we do not read');
    return { scheme: 'sm2', label: 'sm2-sm3', key: sm2.key, sm2 };
  }
  const key = readKey(spki);
  // Curve parameters written out may name a generator of the attacker's choice (CVE-2020-0601): only named curves.
  if (key.asymmetricKeyType === 'ec' && !namesItsCurve(spki)) throw new UnsupportedKeyError('curve parameters written out');
  switch (key.asymmetricKeyType) {
    case 'ec': {
      const label = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
      if (label) return { scheme: 'ecdsa', label, key };
      break;
    }
    case 'rsa':
    case 'rsa-pss': {
      const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
      if (bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS) return { scheme: 'rsa', label: 'rs256', key };
      break;
    }
    case 'ed25519':
      return { scheme: 'ed25519', label: 'ed25519', key };
  }
  throw new UnsupportedKeyError('no algorithm of ours uses this kind of key');
}

function namesItsCurve(spki: Uint8Array): boolean {
  try {
    return parseDer(spki, { maxElements: 100, maxDepth: 8 }).at(0).at(1).tag === TAG.oid;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

function readKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new UnsupportedKeyError('not a public key we can read', { cause });
  }
}

/** True when a key of this kind may carry such a signature at all. */
export function keyFitsAlgorithm(key: VerifyingKey, algorithm: SignatureAlgorithm): boolean {
  return algorithm.scheme === key.scheme || (algorithm.scheme === 'rsa-pss' && key.scheme === 'rsa');
}

/**
 * Whether the signature over the message is right. Never throws for a bad signature.
 * SM2 signatures of raw 64 octets, seen from some products, are read like DER ones.
 * @param digest used where the algorithm does not name its digest itself.
 */
export function verifySignature(
  key: VerifyingKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
  digest?: DigestName,
): boolean {
  if (!keyFitsAlgorithm(key, algorithm)) return false;
  if (key.sm2) return verifyMessage(key.sm2, message, isDerSignature(signature) ? signature : toDer(signature));
  const hash = algorithm.scheme === 'ed25519' ? null : (algorithm.digest ?? digest);
  if (hash === undefined) return false;
  const padding =
    algorithm.scheme === 'rsa-pss'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength ?? 20 }
      : algorithm.scheme === 'rsa'
        ? { padding: constants.RSA_PKCS1_PADDING }
        : {};
  try {
    return verifyOnce(hash, message, { key: key.key, ...padding }, signature);
  } catch {
    return false;
  }
}

function toDer(signature: Uint8Array): Uint8Array {
  return signature.length === 64 ? derFromRawSignature(signature) : signature;
}

function isDerSignature(signature: Uint8Array): boolean {
  try {
    return parseDer(signature, { maxElements: 3, maxDepth: 2 }).expect(TAG.sequence).children.length === 2;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}
