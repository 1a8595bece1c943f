/**
 * The one door to signatures. Every signature of Tongren names its suite; nobody else calls node:crypto to sign.
 * SM2 always uses the default identity `1234567812345678` (GB/T 35276), so that others accept what we sign.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign as signOnce,
  verify as verifyOnce,
} from 'node:crypto';
import { parseDer, TAG } from './der.ts';
import { isOnCurve, P256_CURVE, SM2_CURVE } from './elliptic-point.ts';
import { integer, sequence } from './encode-der.ts';

export type Suite = 'sm2-sm3' | 'es256' | 'ed25519' | 'rs256';
export const SUITES: readonly Suite[] = ['sm2-sm3', 'es256', 'ed25519', 'rs256'];

export type DigestName = 'sm3' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** SubjectPublicKeyInfo of an SM2 key up to the point: id-ecPublicKey with curve 1.2.156.10197.1.301. */
const SM2_SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a811ccf5501822d034200', 'hex');

/** The same of a P-256 key: id-ecPublicKey with prime256v1 (RFC 5480 §2.1.1.1). */
const P256_SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** ENTL ‖ ID ‖ a ‖ b ‖ Gx ‖ Gy of the curve, with the default identity: the constant part of Z (GB/T 32918.2 §5.5). */
const SM2_Z_PREFIX = Buffer.concat([
  Buffer.from('0080', 'hex'),
  Buffer.from('1234567812345678', 'latin1'),
  Buffer.from(
    'fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc' +
      '28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93' +
      '32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7' +
      'bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0',
    'hex',
  ),
]);

/** A public key with the suite it signs in. Make it once and keep it: parsing costs more than verifying. */
export interface PublicKey {
  readonly suite: Suite;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly key: KeyObject;
  /** SM2 only: Z for the default identity. */
  readonly z?: Uint8Array;
}

export interface PrivateKey {
  readonly suite: Suite;
  readonly key: KeyObject;
  readonly publicKey: PublicKey;
}

/** Thrown for a key of a kind no suite takes. */
export class UnsupportedKeyError extends Error {
  override name = 'UnsupportedKeyError';
}

/** Hash of the concatenated parts. */
export function digest(name: DigestName, ...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  // One call into OpenSSL where one is enough.
  if (only && parts.length === 1) return hash(name, only, 'buffer');
  const running = createHash(name);
  for (const part of parts) running.update(part);
  return running.digest();
}

/** The digest a suite signs with: SM3 with SM2, otherwise SHA-256. */
export function digestOfSuite(suite: Suite): DigestName {
  return suite === 'sm2-sm3' ? 'sm3' : 'sha256';
}

/** Reads a SubjectPublicKeyInfo and decides its suite. Throws UnsupportedKeyError for other kinds or points off the curve. */
export function importPublicKey(spki: Uint8Array): PublicKey {
  const mark = Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString('latin1');
  const known = recent.get(mark);
  if (known) return known;
  const key = readPublicKey(Uint8Array.from(spki));
  if (recent.size >= MAX_RECENT) recent.delete(recent.keys().next().value ?? '');
  recent.set(mark, key);
  return key;
}

/** One key is looked at several times on its way into a certificate; reading it costs more than the certificate's signature. */
const recent = new Map<string, PublicKey>();
const MAX_RECENT = 256;

function readPublicKey(own: Uint8Array): PublicKey {
  const prefix = own.length === 91 ? own.subarray(0, 26) : undefined;
  const point = own.subarray(26);
  if (prefix && Buffer.compare(prefix, SM2_SPKI_PREFIX) === 0) {
    if (!isOnCurve(point, SM2_CURVE)) throw new UnsupportedKeyError('SM2 point not in uncompressed form, or not on the curve');
    return new EllipticKey('sm2-sm3', own, digest('sm3', SM2_Z_PREFIX, own.subarray(27)));
  }
  // The usual form of P-256; others, which are as right, go the long way.
  if (prefix && Buffer.compare(prefix, P256_SPKI_PREFIX) === 0 && isOnCurve(point, P256_CURVE)) return new EllipticKey('es256', own);
  const key = importKey(own);
  return { suite: suiteOfKey(key), spki: own, key };
}

/** Many keys are only looked at, on their way into a certificate: OpenSSL reads this one when something is to be verified with it. */
class EllipticKey implements PublicKey {
  #key: KeyObject | undefined;
  readonly suite: Suite;
  readonly spki: Uint8Array;
  readonly z?: Uint8Array;

  constructor(suite: Suite, spki: Uint8Array, z?: Uint8Array) {
    this.suite = suite;
    this.spki = spki;
    if (z) this.z = z;
  }

  get key(): KeyObject {
    this.#key ??= importKey(this.spki);
    return this.#key;
  }
}

function importKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new UnsupportedKeyError('not a public key we can read', { cause });
  }
}

function suiteOfKey(key: KeyObject): Suite {
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'es256';
      break;
    case 'ed25519':
      return 'ed25519';
    case 'rsa':
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return 'rs256';
      break;
  }
  throw new UnsupportedKeyError('no suite of ours uses this kind of key');
}

/** Reads a PKCS#8 private key (DER) with the public key that belongs to it. */
export function importPrivateKey(pkcs8: Uint8Array): PrivateKey {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  const publicKey = importPublicKey(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return { suite: publicKey.suite, key, publicKey };
}

/** A fresh key pair. `pkcs8` is secret: only a key store may hold it. */
export function generateKeyPair(suite: Suite): { pkcs8: Uint8Array; spki: Uint8Array } {
  const { privateKey, publicKey } = makePair(suite);
  return {
    pkcs8: Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' })),
    spki: Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' })),
  };
}

/** The SM2 pair must not be used as it comes: node would sign plain ECDSA with it. Exported and read again it is SM2. */
function makePair(suite: Suite): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (suite) {
    case 'sm2-sm3':
      return generateKeyPairSync('ec', { namedCurve: 'SM2' });
    case 'es256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'rs256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
}

/** Signs the message. ECDSA and SM2 signatures are DER `SEQUENCE {r, s}`. */
export function signMessage(privateKey: PrivateKey, message: Uint8Array): Uint8Array {
  const { suite, key, publicKey } = privateKey;
  if (suite === 'sm2-sm3') return createSign('sm3').update(requireZ(publicKey)).update(message).sign(key);
  return signOnce(suite === 'ed25519' ? null : 'sha256', message, key);
}

/**
 * Whether the signature over the message is right. Never throws for a bad signature.
 * @param digestName another digest than the suite's own, for RSA and ECDSA signatures made by others.
 */
export function verifyMessage(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array, digestName?: DigestName): boolean {
  try {
    if (publicKey.suite === 'sm2-sm3') {
      return createVerify('sm3').update(requireZ(publicKey)).update(message).verify(publicKey.key, signature);
    }
    return verifyOnce(publicKey.suite === 'ed25519' ? null : (digestName ?? 'sha256'), message, publicKey.key, signature);
  } catch {
    return false;
  }
}

function requireZ(publicKey: PublicKey): Uint8Array {
  if (!publicKey.z) throw new UnsupportedKeyError('an SM2 key without Z');
  return publicKey.z;
}

/** DER `SEQUENCE {r, s}` from raw r‖s, 32 octets each (COSE, JOSE, some SM2 products). */
export function derFromRawSignature(raw: Uint8Array): Uint8Array {
  return sequence(integer(raw.subarray(0, raw.length / 2)), integer(raw.subarray(raw.length / 2)));
}

/** Raw r‖s, 32 octets each, from DER. Throws DerError when it is not such a signature. */
export function rawFromDerSignature(der: Uint8Array): Uint8Array {
  const element = parseDer(der).expect(TAG.sequence);
  const raw = new Uint8Array(64);
  for (const index of [0, 1]) {
    const value = element.at(index).asBigInt();
    raw.set(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'), index * 32);
  }
  return raw;
}

/**
 * Known-answer test of GB/T 32918.5, run at start-up: node's SM2 by way of createVerify is undocumented,
 * so a Node that changed it must not start. Throws when the answer is wrong.
 */
export function assertSm2KnownAnswer(): void {
  const point =
    '09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13';
  const key = importPublicKey(Buffer.concat([SM2_SPKI_PREFIX, Buffer.from(`04${point}`, 'hex')]));
  const good = derFromRawSignature(
    Buffer.from(
      'f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa',
      'hex',
    ),
  );
  const message = Buffer.from('message digest', 'latin1');
  const own = generateKeyPair('sm2-sm3');
  const signed = signMessage(importPrivateKey(own.pkcs8), message);
  if (
    !verifyMessage(key, message, good) ||
    verifyMessage(key, Buffer.from('message digesu', 'latin1'), good) ||
    !verifyMessage(importPublicKey(own.spki), message, signed)
  ) {
    throw new Error('SM2 known-answer test failed: this Node computes SM2 signatures that nobody else would accept.');
  }
}
