// @ts-check
/** PKCS#10 (RFC 2986) for a P-256 key of WebCrypto. The subject is left empty: names come from the register, never from a browser. */
import { bitString, element, objectIdentifier, sequence, smallInteger, unsignedInteger } from './der-writer.js';

export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
export const SIGNATURE_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const LINE = 64;

/** WebCrypto's r‖s as the SEQUENCE of two numbers that X.509 carries (RFC 3279 §2.2.3). @param {Uint8Array} raw */
export function derSignature(raw) {
  if (raw.length !== 64) throw new RangeError('r and s of 32 octets each');
  return sequence(unsignedInteger(raw.subarray(0, 32)), unsignedInteger(raw.subarray(32)));
}

/** What is signed, by which it is proved that the key is at hand. @param {Uint8Array} spki SubjectPublicKeyInfo */
export function requestInformation(spki) {
  return sequence(smallInteger(0), sequence(), spki, element(0xa0));
}

/** @param {Uint8Array} information @param {Uint8Array} rawSignature */
export function requestOf(information, rawSignature) {
  return sequence(information, sequence(objectIdentifier(ECDSA_WITH_SHA256)), bitString(derSignature(rawSignature)));
}

/** @param {string} label @param {Uint8Array} der */
export function toPem(label, der) {
  const lines = btoa(String.fromCharCode(...der)).match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The request, signed by the key it is for; PEM. @param {CryptoKeyPair} pair */
export async function certificationRequest(pair) {
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
  const information = requestInformation(spki);
  const signature = await crypto.subtle.sign(SIGNATURE_ALGORITHM, pair.privateKey, information);
  return toPem('CERTIFICATE REQUEST', requestOf(information, new Uint8Array(signature)));
}
