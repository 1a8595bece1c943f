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

export interface CipherKeys {
  /** The first seals, all open. */
  fieldKeys: readonly FieldKey[];
  /** The first makes the blind indexes that are written; what is looked for may stand under any. */
  indexKeys: readonly FieldKey[];
  /** 32 secret bytes. Never changes. */
  identifierKey: Uint8Array;
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
  /** Keyed HMAC of a normalised value: equal values of one kind meet, and tell nothing without the key. 32 bytes. The one to write. */
  blindIndex(kind: string, value: string): Uint8Array<ArrayBuffer>;
  /** Under every version of the key that still counts, first the one to write: what was written before is found under any of them. */
  blindIndexes(kind: string, value: string): [Uint8Array<ArrayBuffer>, ...Uint8Array<ArrayBuffer>[]];
  /** The versions of `blindIndexes`, in its order. */
  readonly indexVersions: readonly number[];
  /** Keyed HMAC that stays the same for good, whatever is rotated: for identifiers that others keep. 32 bytes. */
  lastingIdentifier(kind: string, value: string): Uint8Array<ArrayBuffer>;
}

export function fieldCipher({ fieldKeys: keys, indexKeys, identifierKey }: CipherKeys): FieldCipher {
  const newest = keys[0];
  const writing = indexKeys[0];
  const isWhole = [...keys, ...indexKeys, { key: identifierKey }].every(({ key }) => key.length === 32);
  if (!newest || !writing || !isWhole) throw new Error('Field keys are 32 bytes each.');
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
    blindIndex: (kind, value) => keyedHash(writing.key, kind, value),
    blindIndexes: (kind, value) => [
      keyedHash(writing.key, kind, value),
      ...indexKeys.slice(1).map(({ key }) => keyedHash(key, kind, value)),
    ],
    indexVersions: indexKeys.map(({ version }) => version),
    lastingIdentifier: (kind, value) => keyedHash(identifierKey, kind, value),
  };
}

function keyedHash(key: Uint8Array, kind: string, value: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHmac('sha256', key).update(kind).update('\0').update(value).digest());
}

/** A cipher whose keys can be replaced while it is in use: for a running process that learns of a new one. */
export function replaceableFieldCipher(keys: CipherKeys): FieldCipher & { replaceKeys(keys: CipherKeys): void } {
  let inner = fieldCipher(keys);
  return {
    seal: (place, plain) => inner.seal(place, plain),
    open: (place, sealed) => inner.open(place, sealed),
    openText: (place, sealed) => inner.openText(place, sealed),
    blindIndex: (kind, value) => inner.blindIndex(kind, value),
    blindIndexes: (kind, value) => inner.blindIndexes(kind, value),
    get indexVersions() {
      return inner.indexVersions;
    },
    lastingIdentifier: (kind, value) => inner.lastingIdentifier(kind, value),
    replaceKeys(fresh) {
      inner = fieldCipher(fresh);
    },
  };
}
