import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { DataKeys } from '#ports/data-keys.ts';

/** Wraps data keys under a key derived from the master secret (AES-256-GCM; nonce 12 ‖ ciphertext ‖ tag 16). A KMS adapter would take its place. */
export function localDataKeys(masterSecret: string): DataKeys {
  const wrappingKey = Buffer.from(hkdfSync('sha256', masterSecret, '', 'tongren data-key wrapping', 32));
  return {
    async wrap(plainKey) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce);
      return Buffer.concat([nonce, cipher.update(plainKey), cipher.final(), cipher.getAuthTag()]);
    },
    async unwrap(wrappedKey) {
      const decipher = createDecipheriv('aes-256-gcm', wrappingKey, wrappedKey.subarray(0, 12));
      decipher.setAuthTag(wrappedKey.subarray(-16));
      return Buffer.concat([decipher.update(wrappedKey.subarray(12, -16)), decipher.final()]);
    },
  };
}
