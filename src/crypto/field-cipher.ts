/**
 * Encryption of single fields and stored files, and blind indexes for equality search.
 * AES-256-GCM with the purpose and the row as associated data, so that a ciphertext moved to another column or row does not open.
 * Layout: version (1 byte) ‖ nonce (12) ‖ ciphertext ‖ tag (16).
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface FieldKey {
  version: number;
  /** 32 secret bytes. */
  key: Uint8Array;
}

/** Thrown when a ciphertext does not open: changed, moved, or of a key we do not hold. */
export class FieldCipherError extends Error {
  override name = 'FieldCipherError';
}

export interface FieldCipher {
  /** @param place where the value stands, for example `person.name:<id>`; needed again to open it. */
  seal(place: string, plain: string | Uint8Array): Uint8Array<ArrayBuffer>;
  open(place: string, sealed: Uint8Array): Uint8Array<ArrayBuffer>;
  openText(place: string, sealed: Uint8Array): string;
  /** Keyed HMAC of a normalised value: equal values of one kind meet, and tell nothing without the key. 32 bytes. */
  blindIndex(kind: string, value: string): Uint8Array<ArrayBuffer>;
}

/**
 * @param keys the first seals, all open.
 * @param indexKey 32 secret bytes; changing it means building every index anew.
 */
export function fieldCipher(keys: readonly FieldKey[], indexKey: Uint8Array): FieldCipher {
  const newest = keys[0];
  if (!newest || keys.some(({ key }) => key.length !== 32) || indexKey.length !== 32) throw new Error('Field keys are 32 bytes each.');
  const byVersion = new Map(keys.map(({ version, key }) => [version, Buffer.from(hkdfSync('sha256', key, '', 'tongren field', 32))]));
  const requireKey = (version: number) => {
    const key = byVersion.get(version);
    if (!key) throw new FieldCipherError('sealed with a key that is not here');
    return key;
  };
  const open = (place: string, sealed: Uint8Array): Uint8Array<ArrayBuffer> => {
    if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES) throw new FieldCipherError('too short');
    const decipher = createDecipheriv('aes-256-gcm', requireKey(sealed[0] ?? 0), sealed.subarray(1, 1 + NONCE_BYTES));
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    try {
      return Uint8Array.from(
        Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()]),
      );
    } catch (cause) {
      throw new FieldCipherError('changed, or not from this place', { cause });
    }
  };
  return {
    seal(place, plain) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', requireKey(newest.version), nonce);
      cipher.setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Uint8Array.from(Buffer.concat([Buffer.of(newest.version), nonce, body, cipher.getAuthTag()]));
    },
    open,
    openText: (place, sealed) => Buffer.from(open(place, sealed)).toString('utf8'),
    blindIndex: (kind, value) => Uint8Array.from(createHmac('sha256', indexKey).update(kind).update('\0').update(value).digest()),
  };
}

/** A cipher whose keys can be replaced while it is in use: for a running process that learns of a new one. */
export function replaceableFieldCipher(
  keys: readonly FieldKey[],
  indexKey: Uint8Array,
): FieldCipher & { replaceKeys(keys: readonly FieldKey[]): void } {
  let inner = fieldCipher(keys, indexKey);
  return {
    seal: (place, plain) => inner.seal(place, plain),
    open: (place, sealed) => inner.open(place, sealed),
    openText: (place, sealed) => inner.openText(place, sealed),
    blindIndex: (kind, value) => inner.blindIndex(kind, value),
    replaceKeys(fresh) {
      inner = fieldCipher(fresh, indexKey);
    },
  };
}
