import { fieldCipher } from '#crypto/field-cipher.ts';

/** A field cipher with keys made of constants: for tests only. */
export const testFields = () =>
  fieldCipher({
    fieldKeys: [{ version: 1, key: new Uint8Array(32).fill(7) }],
    indexKeys: [{ version: 1, key: new Uint8Array(32).fill(9) }],
    identifierKey: new Uint8Array(32).fill(11),
  });
