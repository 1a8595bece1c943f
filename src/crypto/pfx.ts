/**
 * Writes PKCS#12 files (RFC 7292) with the protection of RFC 8018 and RFC 9579's spirit: PBES2 with AES-256-CBC, PBKDF2-HMAC-SHA256,
 * and a MAC of SHA-256. OpenSSL 3, GnuTLS and Java read it without old algorithms switched on.
 */
import { createCipheriv, createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { context, TAG } from './der.ts';
import { explicit, implicitPrimitive, integer, nullValue, octetString, oid, sequence, setOf, tlv } from './encode-der.ts';
import { OID } from './oids.ts';

/** What OWASP asks of PBKDF2-HMAC-SHA256, and more; the file may be tried offline for years. */
export const PFX_ITERATIONS = 210_000;
/** RFC 7292 appendix B runs in JavaScript, and its speed limits nobody who attacks the key: that has its own, slower lock. */
const MAC_ITERATIONS = 10_000;
const SALT_BYTES = 16;
const deriveKey = promisify(pbkdf2);

export interface PfxInput {
  /** PKCS#8 of the key. Secret. */
  pkcs8: Uint8Array;
  /** DER, the certificate of the key first. */
  chain: readonly Uint8Array[];
  /** Printable ASCII: Java derives no key from anything else. The caller judges its strength. */
  password: string;
  friendlyName: string;
}

/** The PFX, DER. Deriving the keys happens off the event loop. */
export async function encodePfx({ pkcs8, chain, password, friendlyName }: PfxInput): Promise<Uint8Array> {
  const [leaf] = chain;
  if (!leaf) throw new RangeError('A key file holds at least one certificate.');
  if (!/^[\x20-\x7e]+$/.test(password)) throw new RangeError('The password of a key file is printable ASCII.');
  const mark = createHash('sha1').update(leaf).digest();
  const naming = [
    attribute(OID.friendlyName, tlv(TAG.bmpString, Buffer.from(friendlyName, 'utf16le').swap16())),
    attribute(OID.localKeyId, octetString(mark)),
  ];
  const keyBag = bag(OID.shroudedKeyBag, sequence(...(await protect(pkcs8, password))), naming);
  const certificateBags = chain.map((der, index) =>
    bag(OID.certificateBag, sequence(oid(OID.x509CertificateBag), explicit(0, octetString(der))), index === 0 ? naming : []),
  );
  const [algorithm, sealed] = await protect(sequence(...certificateBags), password);
  const encrypted = sequence(integer(0), sequence(oid(OID.data), algorithm, implicitPrimitive(0, sealedContent(sealed))));
  const safe = sequence(sequence(oid(OID.encryptedData), explicit(0, encrypted)), plainData(sequence(keyBag)));
  return sequence(integer(3), plainData(safe), encodeMac(safe, password));
}

/** AlgorithmIdentifier of PBES2 and the OCTET STRING of what it gave. */
async function protect(plain: Uint8Array, password: string): Promise<[Uint8Array, Uint8Array]> {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(16);
  const key = await deriveKey(Buffer.from(password, 'utf8'), salt, PFX_ITERATIONS, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  key.fill(0);
  const prf = sequence(oid(OID.hmacWithSha256), nullValue());
  const derivation = sequence(oid(OID.pbkdf2), sequence(octetString(salt), integer(PFX_ITERATIONS), integer(32), prf));
  const algorithm = sequence(oid(OID.pbes2), sequence(derivation, sequence(oid(OID.aes256Cbc), octetString(iv))));
  return [algorithm, octetString(body)];
}

/** encryptedContent is an IMPLICIT OCTET STRING: the same content under another tag. */
function sealedContent(octets: Uint8Array): Uint8Array {
  const header = octets[1] ?? 0;
  return octets.subarray(header < 0x80 ? 2 : 2 + (header & 0x7f));
}

function bag(type: string, value: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(type), explicit(0, value), ...(attributes.length > 0 ? [setOf(...attributes)] : []));
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value));
}

function plainData(content: Uint8Array): Uint8Array {
  return sequence(oid(OID.data), tlv(context(0), octetString(content)));
}

function encodeMac(content: Uint8Array, password: string): Uint8Array {
  const salt = randomBytes(SALT_BYTES);
  const mac = createHmac('sha256', macKey(password, salt, MAC_ITERATIONS))
    .update(content)
    .digest();
  const digestInfo = sequence(sequence(oid(OID.sha256), nullValue()), octetString(mac));
  return sequence(digestInfo, octetString(salt), integer(MAC_ITERATIONS));
}

/**
 * RFC 7292 appendix B.2 with SHA-256, identifier 3 and 32 octets: one block, so the step that adjusts I for a further block never comes.
 * The password is BMPString with two zero octets at its end.
 */
function macKey(password: string, salt: Uint8Array, iterations: number): Buffer {
  const block = 64;
  const fill = (octets: Uint8Array) => {
    const out = Buffer.alloc(Math.ceil(octets.length / block) * block);
    for (let index = 0; index < out.length; index++) out[index] = octets[index % octets.length] ?? 0;
    return out;
  };
  const text = Buffer.from(`${password}\0`, 'utf16le').swap16();
  let key = createHash('sha256').update(Buffer.alloc(block, 3)).update(fill(salt)).update(fill(text)).digest();
  for (let round = 1; round < iterations; round++) key = createHash('sha256').update(key).digest();
  return key;
}
