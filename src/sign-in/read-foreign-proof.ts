/**
 * A signature that a person's own tool made over a text of ours: CMS with the certificate inside or beside it (openssl cms, PKCS#7,
 * GM/T 0010), or the bare signature beside the certificate. DER, PEM or Base64. Tells only that the key signed; whether its
 * certificate counts for anything is judged elsewhere.
 */
import { parseSignedData, type SignedData } from '#crypto/cms.ts';
import { findSignerCertificate, judgeSigningCertificate, verifySigner } from '#crypto/cms-verify.ts';
import { DerError } from '#crypto/der.ts';
import { type DigestName, derFromRawSignature, UnsupportedKeyError } from '#crypto/suite.ts';
import { type SignatureAlgorithm, verifySignature } from '#crypto/verify-signature.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { parsePemBlocks } from '#pki/pem.ts';

export interface ForeignProof {
  certificate: Certificate;
  /** Came with it; trusted for nothing. */
  intermediates: Certificate[];
}

const MAX_CERTIFICATES = 10;
const RAW_EC_OCTETS = 64;
const CERTIFICATE_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'];
const ECDSA_DIGESTS: Record<string, DigestName> = { es256: 'sha256', es384: 'sha384', es512: 'sha512' };

/** @param certificates PEM or DER: the signer's first. Undefined for whatever does not prove it. Never throws for what was sent. */
export function readForeignProof(
  statement: string,
  { signature, certificates }: { signature: Uint8Array; certificates?: Uint8Array },
): ForeignProof | undefined {
  const message = Buffer.from(statement, 'utf8');
  try {
    const beside = certificates && certificates.length > 0 ? readCertificates(certificates) : [];
    const bytes = decoded(signature);
    const signedData = readSignedData(bytes);
    const proof = signedData ? proofOfCms(signedData, message, beside) : proofOfBare(bytes, message, beside);
    return proof && proof.intermediates.length <= MAX_CERTIFICATES ? proof : undefined;
  } catch (error) {
    if (error instanceof DerError || error instanceof UnsupportedKeyError) return undefined;
    throw error;
  }
}

/** One signer, the very text or none inside, no SHA-1. */
function proofOfCms(signedData: SignedData, message: Uint8Array, beside: readonly Certificate[]): ForeignProof | undefined {
  const [signer] = signedData.signers;
  const holds = signedData.content ?? (signedData.contentElement ? new Uint8Array() : message);
  if (!signer || signedData.signers.length > 1 || signer.digest === 'sha1' || Buffer.compare(holds, message) !== 0) return undefined;
  const all = [...signedData.certificates, ...beside.map(({ der }) => der)];
  const der = findSignerCertificate({ ...signedData, certificates: all }, signer);
  if (!der) return undefined;
  const certificate = parseCertificate(der);
  const { digestMatches, signatureGood, malformed } = verifySigner(signedData, signer, certificate.spki, message);
  const binding = judgeSigningCertificate(signer, der);
  if (!digestMatches || !signatureGood || malformed || binding === 'differs' || binding === 'double') return undefined;
  const others = all.filter((one) => Buffer.compare(one, der) !== 0);
  return { certificate, intermediates: others.slice(0, MAX_CERTIFICATES + 1).map((one) => parseCertificate(one)) };
}

function proofOfBare(signature: Uint8Array, message: Uint8Array, [certificate, ...intermediates]: Certificate[]): ForeignProof | undefined {
  if (!certificate) return undefined;
  const key = certificate.publicKey();
  const isRaw = signature.length === RAW_EC_OCTETS && key.label === 'es256';
  const value = isRaw ? derFromRawSignature(signature) : signature;
  const isRight = algorithmsFor(key.scheme, key.label).some((algorithm) => verifySignature(key, algorithm, message, value));
  return isRight ? { certificate, intermediates } : undefined;
}

/** A bare signature does not say how it was made: as each kind of key usually signs. */
function algorithmsFor(scheme: string, label: string): SignatureAlgorithm[] {
  switch (scheme) {
    case 'sm2':
      return [{ scheme: 'sm2', digest: 'sm3' }];
    case 'ecdsa':
      return [{ scheme: 'ecdsa', digest: ECDSA_DIGESTS[label] ?? 'sha256' }];
    case 'rsa':
      return [
        { scheme: 'rsa', digest: 'sha256' },
        { scheme: 'rsa-pss', digest: 'sha256', saltLength: 32 },
      ];
    default:
      return [{ scheme: 'ed25519' }];
  }
}

/** Undefined for what is no SignedData; anything after it makes it none. */
function readSignedData(bytes: Uint8Array): SignedData | undefined {
  try {
    const read = parseSignedData(bytes);
    return read.length === bytes.length ? read : undefined;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function readCertificates(bytes: Uint8Array): Certificate[] {
  const blocks = pemOf(bytes)?.filter(({ label }) => CERTIFICATE_LABELS.includes(label));
  const ders = blocks ? blocks.map(({ der }) => der) : [decoded(bytes)];
  if (ders.length > MAX_CERTIFICATES) throw new DerError('too many certificates');
  return ders.map((der) => parseCertificate(der));
}

/** The bytes of a PEM block or of Base64; what is neither is taken as it is. */
function decoded(bytes: Uint8Array): Uint8Array {
  const [block] = pemOf(bytes) ?? [];
  if (block) return block.der;
  const compact = Buffer.from(bytes).toString('latin1').replace(/\s/g, '');
  return compact.length >= 32 && /^[A-Za-z0-9+/]+={0,2}$/.test(compact) ? Uint8Array.from(Buffer.from(compact, 'base64')) : bytes;
}

function pemOf(bytes: Uint8Array) {
  const text = Buffer.from(bytes).toString('latin1');
  return text.includes('-----BEGIN') ? parsePemBlocks(text) : undefined;
}
