/**
 * Certification requests (PKCS#10, RFC 2986): what is taken from one is the key, proved to be in the requester's hands by the
 * request's own signature. Names and extensions are read for comparison and display only; what stands in a certificate comes
 * from our registers.
 */
import { context, type DerElement, DerError, parseDer, TAG } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { importPublicKey, type Suite, UnsupportedKeyError } from '#crypto/suite.ts';
import {
  importVerifyingKey,
  keyFitsAlgorithm,
  readSignatureAlgorithm,
  type VerifyingKey,
  verifySignature,
} from '#crypto/verify-signature.ts';
import { Problem } from '#problem.ts';
import { type Extension, parseExtensions } from './extensions.ts';
import { type GeneralName, parseGeneralNames } from './general-name.ts';
import { type Name, parseName } from './name.ts';
import { parsePemBlocks } from './pem.ts';

/** A request with an RSA key of 8192 bits and ten names has under 4 kB. */
export const MAX_CSR_BYTES = 16_384;
const MAX_CSR_TEXT = 65_536;
const LIMITS = { maxElements: 600, maxDepth: 16 };
const MAX_ATTRIBUTES = 16;
const MAX_PASSWORD_CHARACTERS = 255;
/** RFC 7468 §7, and the older word that GnuTLS and keytool write. */
const LABELS: readonly string[] = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

export interface Csr {
  der: Uint8Array;
  /** SubjectPublicKeyInfo, whose private key signed the request. */
  spki: Uint8Array;
  /** Suite of the key; whether a profile takes it is for the profile to say. */
  suite: Suite;
  /** Name the requester wrote; may be empty. */
  subject: Name;
  /** Types of the attributes, in their order. */
  attributes: readonly string[];
  requestedExtensions: ReadonlyMap<string, Extension>;
  requestedAltNames: readonly GeneralName[];
  challengePassword?: string;
}

/**
 * Reads a request as DER or PEM and checks its signature. Throws Problem `csr-not-acceptable` and nothing else: for what is no
 * PKCS#10 or too large, keys no suite takes, digests too weak, and a signature that the key did not make.
 */
export function parseCsr(input: Uint8Array | string): Csr {
  try {
    return read(derOf(input));
  } catch (error) {
    if (error instanceof DerError) throw refusal('It is not DER of a PKCS#10 request.', '内容不是 DER 编码的 PKCS#10 证书请求。', error);
    throw error;
  }
}

function derOf(input: Uint8Array | string): Uint8Array {
  if (typeof input !== 'string' && input[0] === TAG.sequence) return limited(input);
  if (input.length > MAX_CSR_TEXT) throw tooLarge();
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1');
  const found = parsePemBlocks(text).filter(({ label }) => LABELS.includes(label));
  const [only] = found;
  if (!only || found.length > 1) {
    throw refusal('There is not exactly one CERTIFICATE REQUEST block in the text.', '文本中应有且仅有一个 CERTIFICATE REQUEST 数据块。');
  }
  return limited(only.der);
}

function limited(der: Uint8Array): Uint8Array {
  if (der.length > MAX_CSR_BYTES) throw tooLarge();
  return der;
}

function read(der: Uint8Array): Csr {
  const [info, algorithm, signature, extra] = parseDer(der, LIMITS).expect(TAG.sequence).children;
  if (!info || !algorithm || !signature || extra) throw new DerError('a request has three parts');
  const [version, subject, spki, attributes, more] = info.expect(TAG.sequence).children;
  if (!version || !subject || !spki || more) throw new DerError('the request information has other parts');
  // RFC 2986 §4.1: attributes are mandatory, but old software leaves out an empty set.
  if (attributes && attributes.tag !== context(0)) throw new DerError('no attributes where they belong');
  if (version.asNumber() !== 0) throw refusal('It is of another version than 1.', '证书请求的版本不是 v1。');
  const { suite, key } = readKey(spki.bytes);
  requireSignature(info.bytes, key, algorithm, signature.asBits());
  return { der, spki: spki.bytes, suite, subject: parseName(subject), ...readAttributes(attributes) };
}

/** SubjectPublicKeyInfo of a 256-bit curve by name with its point uncompressed: one key, one encoding, one digest. */
const CURVE_SPKI_BYTES = 91;

function readKey(spki: Uint8Array): { suite: Suite; key: VerifyingKey } {
  try {
    const { suite } = importPublicKey(spki);
    const onCurve = suite === 'es256' || suite === 'sm2-sm3';
    if (onCurve && (spki.length !== CURVE_SPKI_BYTES || spki[26] !== 4)) throw new UnsupportedKeyError('another form of the point');
    return { suite, key: importVerifyingKey(spki) };
  } catch (error) {
    if (!(error instanceof UnsupportedKeyError)) throw error;
    throw refusal(
      'Keys are taken on P-256 or SM2 (named curve, uncompressed point), Ed25519, and RSA of at least 2048 bits.',
      '仅支持 P-256、SM2（命名曲线、非压缩点）、Ed25519 以及 2048 位以上的 RSA 密钥。',
      error,
    );
  }
}

/** Proof of possession (RFC 2986 §3): the key in the request made the signature over it. */
function requireSignature(info: Uint8Array, key: VerifyingKey, algorithm: DerElement, signature: Uint8Array): void {
  const named = readSignatureAlgorithm(algorithm);
  const namesDigest = named?.digest !== undefined || named?.scheme === 'ed25519';
  if (!named || !namesDigest || !keyFitsAlgorithm(key, named)) {
    throw refusal('Its signature algorithm is unknown or does not fit the key.', '签名算法未知，或与公钥不匹配。');
  }
  if (named.digest === 'sha1')
    throw refusal('It is signed with SHA-1, which proves nothing any more.', '请求使用 SHA-1 签名，安全强度不足。');
  if (verifySignature(key, named, info, signature)) return;
  if (key.scheme === 'sm2') {
    throw refusal(
      'Its SM2 signature is not right. The signer identity must be 1234567812345678 (OpenSSL: -sigopt distid:1234567812345678).',
      'SM2 签名不正确。签名者标识应为 1234567812345678（OpenSSL：-sigopt distid:1234567812345678）。',
    );
  }
  throw refusal('Its signature was not made with its key.', '签名验证失败：请求并非由其中的密钥签署。');
}

type Attributes = Pick<Csr, 'attributes' | 'requestedExtensions' | 'requestedAltNames' | 'challengePassword'>;

function readAttributes(element: DerElement | undefined): Attributes {
  const items = element?.children ?? [];
  if (items.length > MAX_ATTRIBUTES) throw new DerError('too many attributes');
  const values = new Map<string, DerElement>();
  for (const item of items) {
    const [type, set, extra] = item.expect(TAG.sequence).children;
    const oid = type?.asOid() ?? '';
    const value = set?.expect(TAG.set).children[0];
    if (!value || extra || values.has(oid)) throw new DerError('an attribute that stands twice, is empty or has other parts');
    values.set(oid, value);
  }
  const asked = values.get(OID.extensionRequest);
  const requestedExtensions = asked ? parseExtensions(asked) : new Map<string, Extension>();
  const altNames = requestedExtensions.get(OID.subjectAltName);
  const password = values.get(OID.challengePassword)?.asText();
  if (password !== undefined && password.length > MAX_PASSWORD_CHARACTERS) throw new DerError('challenge password too long');
  return {
    attributes: [...values.keys()],
    requestedExtensions,
    requestedAltNames: altNames ? parseGeneralNames(parseDer(altNames.value, LIMITS).expect(TAG.sequence)) : [],
    ...(password === undefined ? {} : { challengePassword: password }),
  };
}

function tooLarge(): Problem {
  return refusal('It is larger than 16 kB.', '证书请求超过 16 kB。');
}

function refusal(detail: string, detailZh: string, cause?: unknown): Problem {
  return new Problem('csr-not-acceptable', { detail, detailZh, ...(cause ? { cause } : {}) });
}
