import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { DataKeys } from '#ports/data-keys.ts';

/**
 * Wraps data keys under a key derived from the master secret (AES-256-GCM; nonce 12 ‖ ciphertext ‖ tag 16). A KMS adapter would take its place.
 * @param secretBefore opens what was wrapped before the secret changed; nothing is wrapped with it.
 */
export function localDataKeys(masterSecret: string, secretBefore?: string): DataKeys {
  const wrappingKey = wrappingKeyOf(masterSecret);
  const keyBefore = secretBefore === undefined ? undefined : wrappingKeyOf(secretBefore);
  return {
    async wrap(plainKey) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce);
      return Buffer.concat([nonce, cipher.update(plainKey), cipher.final(), cipher.getAuthTag()]);
    },
    async unwrap(wrappedKey) {
      try {
        return unwrapWith(wrappingKey, wrappedKey);
      } catch (error) {
        if (!keyBefore) throw error;
        return unwrapWith(keyBefore, wrappedKey);
      }
    },
  };
}

function wrappingKeyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'tongren data-key wrapping', 32));
}

function unwrapWith(key: Buffer, wrappedKey: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, wrappedKey.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(wrappedKey.subarray(-16));
  return Buffer.concat([decipher.update(wrappedKey.subarray(12, -16)), decipher.final()]);
}
