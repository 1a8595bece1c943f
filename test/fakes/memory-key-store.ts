import { generateKeyPair, importPrivateKey, type PrivateKey, SUITES, signMessage } from '#crypto/suite.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';

/** Keys in memory, no policy: for tests of rooms that only need signatures. */
export function memoryKeyStore(): KeyStore {
  const keys = new Map<string, { stored: StoredKey; privateKey: PrivateKey }>();
  return {
    suites: SUITES,
    async create(name, suite, purposes) {
      const pair = generateKeyPair(suite);
      const stored = { name, suite, purposes, spki: pair.spki };
      keys.set(name, { stored, privateKey: importPrivateKey(pair.pkcs8) });
      return stored;
    },
    async find(name) {
      return keys.get(name)?.stored;
    },
    async sign(name, _purpose, structure) {
      const key = keys.get(name);
      if (!key) throw new Error(`no key ${name}`);
      if (key.stored.retired) throw new Problem('key-retired');
      return signMessage(key.privateKey, structure);
    },
    async retire(name) {
      const key = keys.get(name);
      if (!key) throw new Problem('key-not-found');
      key.stored = { ...key.stored, retired: true };
    },
  };
}
