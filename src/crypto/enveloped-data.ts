/**
 * CMS AuthEnvelopedData (RFC 5083) for one holder of a P-256 key: AES-256-GCM under a key agreed with a fresh key of ours
 * (RFC 5753 §3.1, ephemeral-static ECDH, X9.63 KDF with SHA-256, AES key wrap). OpenSSL opens it with `cms -decrypt`.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { context, DerError, parseDer, TAG } from './der.ts';
import { bitString, explicit, implicitPrimitive, integer, octetString, oid, sequence, setOf, tlv } from './encode-der.ts';
import { OID } from './oids.ts';
import { importPublicKey, UnsupportedKeyError } from './suite.ts';

const WRAP_IV = Buffer.alloc(8, 0xa6);
const TAG_BYTES = 16;

/** Thrown when an envelope does not open: for another key, or changed. */
export class EnvelopeError extends Error {
  override name = 'EnvelopeError';
}

/** ContentInfo for the holder of `recipientSpki`, whom it names by the key's identifier. Throws UnsupportedKeyError for keys not of P-256. */
export function sealEnvelope(recipientSpki: Uint8Array, keyIdentifier: Uint8Array, content: Uint8Array): Uint8Array {
  const recipient = importPublicKey(recipientSpki);
  if (recipient.suite !== 'es256') throw new UnsupportedKeyError('not a P-256 key');
  const ephemeral = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const contentKey = randomBytes(32);
  const nonce = randomBytes(12);
  const wrapper = createCipheriv('id-aes256-wrap', agreedKey(ephemeral.privateKey, recipient.key), WRAP_IV);
  const wrapped = Buffer.concat([wrapper.update(contentKey), wrapper.final()]);
  const cipher = createCipheriv('aes-256-gcm', contentKey, nonce);
  const body = Buffer.concat([cipher.update(content), cipher.final()]);
  const point = parseDer(Uint8Array.from(ephemeral.publicKey.export({ type: 'spki', format: 'der' })))
    .at(1)
    .asBits();
  const agreement = tlv(
    context(1),
    integer(3),
    explicit(0, tlv(context(1), sequence(oid(OID.ecPublicKey)), bitString(point))),
    sequence(oid(OID.ecdhSha256Kdf), sequence(oid(OID.aes256Wrap))),
    sequence(sequence(tlv(context(0), octetString(keyIdentifier)), octetString(wrapped))),
  );
  const parameters = sequence(octetString(nonce), integer(TAG_BYTES));
  const encrypted = sequence(oid(OID.data), sequence(oid(OID.aes256Gcm), parameters), implicitPrimitive(0, body));
  contentKey.fill(0);
  return sequence(
    oid(OID.authEnvelopedData),
    explicit(0, sequence(integer(0), setOf(agreement), encrypted, octetString(cipher.getAuthTag()))),
  );
}

/** What `sealEnvelope` put in. @param pkcs8 the recipient's private key. Throws DerError or EnvelopeError. */
export function openEnvelope(pkcs8: Uint8Array, envelope: Uint8Array): Uint8Array {
  const info = parseDer(envelope, { maxElements: 60, maxDepth: 12 }).expect(TAG.sequence);
  if (info.at(0).asOid() !== OID.authEnvelopedData) throw new DerError('not an AuthEnvelopedData');
  const data = info.at(1, context(0)).inner();
  const agreement = data.at(1, TAG.set).at(0, context(1));
  const originator = agreement.at(1, context(0)).inner().at(1).asBits();
  const wrapped = agreement.at(3).at(0).at(1).asOctets();
  const encrypted = data.at(2);
  const nonce = encrypted.at(1).at(1).at(0).asOctets();
  if (nonce.length !== 12) throw new DerError('a nonce of another length');
  try {
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    const unwrapper = createDecipheriv('id-aes256-wrap', agreedKey(key, publicKeyOf(originator)), WRAP_IV);
    const contentKey = Buffer.concat([unwrapper.update(wrapped), unwrapper.final()]);
    const decipher = createDecipheriv('aes-256-gcm', contentKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(data.at(3).asOctets());
    return Buffer.concat([decipher.update(encrypted.at(2, context(0, false)).content), decipher.final()]);
  } catch (cause) {
    if (cause instanceof DerError) throw cause;
    throw new EnvelopeError('for another key, or changed', { cause });
  }
}

function publicKeyOf(point: Uint8Array): KeyObject {
  const spki = sequence(sequence(oid(OID.ecPublicKey), oid(OID.p256)), bitString(point));
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

/** RFC 5753 §7.2 ECC-CMS-SharedInfo: the wrap algorithm and the length of its key in bits. */
function agreedKey(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(256);
  const info = sequence(sequence(oid(OID.aes256Wrap)), explicit(2, octetString(bits)));
  return createHash('sha256')
    .update(diffieHellman({ privateKey, publicKey }))
    .update(Buffer.of(0, 0, 0, 1))
    .update(info)
    .digest();
}
