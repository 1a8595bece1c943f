/** Checks one signer of a SignedData: message digest, signature, and which certificate the signer bound himself to. */
import type { CmsSigner, SignedData } from './cms.ts';
import { singleAttribute } from './cms.ts';
import { type DerElement, DerError, parseDer, TAG } from './der.ts';
import { setOf } from './encode-der.ts';
import { OID } from './oids.ts';
import { digest } from './suite.ts';
import { digestOfOid, importVerifyingKey, keyFitsAlgorithm, verifySignature } from './verify-signature.ts';

export interface SignerCheck {
  /** False when the content is not what was signed. True without attributes: then the signature alone tells. */
  digestMatches: boolean;
  signatureGood: boolean;
  /** The attributes only verify in an order other than the stored one, or stand in BER order: right, but not DER. */
  attributesReordered: boolean;
  /** Why nothing could be judged: `unsupported-algorithm`, `unsupported-key`. */
  unsupported?: 'unsupported-algorithm' | 'unsupported-key';
  /** Why the parts contradict each other in form: attributes missing or double, content type different. */
  malformed?: string;
}

/**
 * @param spki the signer certificate's key.
 * @param content the encapsulated content, or what a detached signature is over.
 * Never throws for bad input.
 */
export function verifySigner(signedData: SignedData, signer: CmsSigner, spki: Uint8Array, content: Uint8Array): SignerCheck {
  const failed: SignerCheck = { digestMatches: false, signatureGood: false, attributesReordered: false };
  const algorithm = signer.signatureAlgorithm;
  if (!algorithm || (!signer.digest && algorithm.scheme !== 'ed25519')) return { ...failed, unsupported: 'unsupported-algorithm' };
  // A signature algorithm that names its own digest must agree with digestAlgorithm, else two readers see two messages.
  if (algorithm.digest && signer.digest && algorithm.digest !== signer.digest) return { ...failed, malformed: 'digest-algorithms-differ' };
  try {
    const key = importVerifyingKey(spki);
    const fitting =
      algorithm.scheme === 'ecdsa' && key.scheme === 'sm2' && signer.digest === 'sm3' ? { scheme: 'sm2' as const } : algorithm;
    if (!keyFitsAlgorithm(key, fitting)) return failed;
    const check = (message: Uint8Array) => verifySignature(key, fitting, message, signer.signature, signer.digest);
    if (!signer.signedAttributesBytes) return { ...failed, digestMatches: true, signatureGood: check(content) };
    const fault = faultOfAttributes(signedData, signer);
    if (fault) return { ...failed, malformed: fault };
    const expected = singleAttribute(signer.signedAttributes, OID.messageDigest)?.asOctets();
    const name = signer.digest ?? 'sha512';
    const digestMatches = expected !== undefined && Buffer.compare(digest(name, content), expected) === 0;
    if (check(signer.signedAttributesBytes)) return { digestMatches, signatureGood: true, attributesReordered: false };
    const sorted = setOf(...signer.signedAttributeParts);
    return { digestMatches, signatureGood: check(sorted), attributesReordered: true };
  } catch (error) {
    if (error instanceof DerError) return { ...failed, malformed: 'attributes-unreadable' };
    return { ...failed, unsupported: 'unsupported-key' };
  }
}

/** RFC 5652 §5.3: content-type and message-digest must be there once, and content-type must name the content. */
function faultOfAttributes(signedData: SignedData, signer: CmsSigner): string | undefined {
  const contentType = singleAttribute(signer.signedAttributes, OID.contentType)?.asOid();
  if (contentType === undefined) return 'content-type-missing';
  const sameData = (type: string) => (type === OID.gmData ? OID.data : type);
  if (sameData(contentType) !== sameData(signedData.contentTypeOid)) return 'content-type-differs';
  return singleAttribute(signer.signedAttributes, OID.messageDigest) ? undefined : 'message-digest-missing';
}

/** The certificate inside that the signer names, by issuer and serial or by key identifier; DER. */
export function findSignerCertificate(signedData: SignedData, signer: CmsSigner): Uint8Array | undefined {
  return signedData.certificates.find((certificate) => {
    try {
      return isNamedBy(parseDer(certificate, { maxElements: 5_000, maxDepth: 24 }), signer);
    } catch (error) {
      if (error instanceof DerError) return false;
      throw error;
    }
  });
}

function isNamedBy(certificate: DerElement, signer: CmsSigner): boolean {
  const fields = [...certificate.at(0, TAG.sequence).children];
  if (fields[0]?.tag === 0xa0) fields.shift();
  if (signer.subjectKeyIdentifier) {
    const extensions = fields.find(({ tag }) => tag === 0xa3)?.inner().children ?? [];
    const own = extensions.find((extension) => extension.at(0).asOid() === OID.subjectKeyIdentifier);
    const identifier = own?.children.at(-1);
    return identifier !== undefined && same(parseDer(identifier.asOctets()).asOctets(), signer.subjectKeyIdentifier);
  }
  const [serial, , issuer] = fields;
  return Boolean(serial && issuer && same(serial.content, signer.serialContent) && same(issuer.bytes, signer.issuer));
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

/**
 * What signing-certificate(-v2) says about a certificate: `matches`, `differs`, or `absent` when there is no such attribute
 * (RFC 5035 §5.4: only the first entry names the signer). `double` when it stands more than once.
 */
export function judgeSigningCertificate(signer: CmsSigner, certificate: Uint8Array): 'matches' | 'differs' | 'absent' | 'double' {
  const found = signer.signedAttributes.filter(({ oid }) => oid === OID.signingCertificateV2 || oid === OID.signingCertificate);
  if (found.length === 0) return 'absent';
  if (found.length > 1 || found[0]?.values.length !== 1) return 'double';
  try {
    const entry = found[0].values[0]?.at(0).at(0);
    const fields = entry?.children ?? [];
    const algorithm = fields[0]?.tag === TAG.sequence ? digestOfOid(fields[0].at(0).asOid()) : undefined;
    const name = found[0].oid === OID.signingCertificate ? 'sha1' : fields[0]?.tag === TAG.sequence ? algorithm : 'sha256';
    const hash = fields.find(({ tag }) => tag === TAG.octetString)?.asOctets();
    return name && hash && same(digest(name, certificate), hash) ? 'matches' : 'differs';
  } catch (error) {
    if (error instanceof DerError) return 'differs';
    throw error;
  }
}
