// @ts-check
/**
 * The keys this browser holds for certificates. WebCrypto makes them so that they can never be read out, and IndexedDB keeps them:
 * a key lives as long as this browser's data for this site, and nowhere else.
 */
import { KEY_ALGORITHM, SIGNATURE_ALGORITHM } from './certification-request.js';

/**
 * @typedef {object} HeldKey
 * @property {string} fingerprint SHA-256 of the SubjectPublicKeyInfo, hex
 * @property {CryptoKey} key
 * @property {string} [serial] of the certificate, hex; not there while the answer to the request is missing
 * @property {string} [label] masked name, to tell people at one browser apart
 * @property {string} [notAfter] ISO 8601
 * @property {boolean} [signsIn] false for a certificate that only signs for an organisation
 */

const DATABASE = 'tongren-held-keys';
const STORE = 'keys';

/** `no-web-crypto` over plain http, `no-key-store` where the browser keeps nothing (some private windows); undefined when all is there. */
export async function findHindrance() {
  if (!globalThis.crypto?.subtle) return 'no-web-crypto';
  try {
    await listHeldKeys();
    return undefined;
  } catch {
    return 'no-key-store';
  }
}

/** A pair whose private half cannot leave the browser. */
export function makeKeyPair() {
  return /** @type {Promise<CryptoKeyPair>} */ (crypto.subtle.generateKey(KEY_ALGORITHM, false, ['sign', 'verify']));
}

/** @param {CryptoKey} publicKey */
export async function fingerprintOf(publicKey) {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', await crypto.subtle.exportKey('spki', publicKey))));
}

/** @param {HeldKey} held */
export async function keepKey(held) {
  await inStore('readwrite', (store) => store.put(held));
}

/** @param {string} fingerprint */
export async function forgetKey(fingerprint) {
  await inStore('readwrite', (store) => store.delete(fingerprint));
}

/** @returns {Promise<HeldKey[]>} */
export function listHeldKeys() {
  return inStore('readonly', (store) => store.getAll());
}

/** @param {string} serial */
export async function findKeyOf(serial) {
  return (await listHeldKeys()).find((held) => held.serial === serial);
}

/** Raw r‖s over SHA-256, as base64url. @param {CryptoKey} key @param {Uint8Array<ArrayBuffer>} bytes */
export async function signWith(key, bytes) {
  return base64url(new Uint8Array(await crypto.subtle.sign(SIGNATURE_ALGORITHM, key, bytes)));
}

/** @param {Uint8Array} bytes */
export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    if (!globalThis.indexedDB) return reject(new Error('no IndexedDB'));
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'fingerprint' });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

/**
 * Ends with the transaction: what was kept is kept then.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function inStore(mode, work) {
  const database = await openDatabase();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}
