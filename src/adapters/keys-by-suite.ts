import type { Suite } from '#crypto/suite.ts';
import type { KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';

export interface SearchableKeyStore extends KeyStore {
  findByPublicKey(spki: Uint8Array): Promise<StoredKey | undefined>;
}

/**
 * Several stores as one: a new key is made in the first that offers its suite, an existing one is used where it is. So P-256 keys
 * live in an HSM and SM2 keys in encrypted files, and keys made before the HSM came keep working until they are rotated.
 * One name is one key over all stores; the earlier store counts.
 */
export function keysBySuite(stores: readonly SearchableKeyStore[]): SearchableKeyStore {
  const homes = new Map<string, SearchableKeyStore>();

  const homeOf = async (name: string): Promise<SearchableKeyStore | undefined> => {
    const known = homes.get(name);
    if (known) return known;
    for (const store of stores) {
      if (!(await store.find(name))) continue;
      homes.set(name, store);
      return store;
    }
    return undefined;
  };

  return {
    suites: [...new Set(stores.flatMap(({ suites }) => suites))] as readonly Suite[],
    async create(name, suite, purposes) {
      const store = stores.find(({ suites }) => suites.includes(suite));
      if (!store) throw new Problem('suite-not-offered');
      if (await homeOf(name)) throw new Problem('key-exists');
      return store.create(name, suite, purposes);
    },
    async find(name) {
      return (await homeOf(name))?.find(name);
    },
    async findByPublicKey(spki) {
      for (const store of stores) {
        const key = await store.findByPublicKey(spki);
        if (key && (await homeOf(key.name)) === store) return key;
      }
      return undefined;
    },
    async sign(name, purpose, structure, evidence) {
      const store = await homeOf(name);
      if (!store) throw new Problem('key-not-found');
      return store.sign(name, purpose, structure, evidence);
    },
    async retire(name, successor) {
      const store = await homeOf(name);
      if (!store) throw new Problem('key-not-found');
      await store.retire(name, successor);
    },
  };
}
