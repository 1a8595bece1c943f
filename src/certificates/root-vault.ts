/**
 * Root keys that are nowhere but in encrypted files, opened by shares of several people for the moment of one act.
 * The files are worthless without `threshold` shares: the key that encrypts them is 256 random bits and kept nowhere whole.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { combineShares, type SecretShare, splitSecret } from '#crypto/secret-shares.ts';
import { generateKeyPair, importPrivateKey, signMessage } from '#crypto/suite.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { authorityKeyName } from './authorities.ts';
import { AUTHORITY_SUITES, type AuthoritySuite } from './certificate-deps.ts';

const FORMAT = 'tongren-root-key';
const KEY_OCTETS = 32;
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;

const fileShape = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  keyName: z.string().regex(/^ca-root-(sm2|p256)(-\d+)?$/),
  suite: z.enum(['sm2-sm3', 'es256']),
  /** DER SubjectPublicKeyInfo, base64. */
  spki: z.base64(),
  algorithm: z.literal('AES-256-GCM'),
  /** The set of shares that opens it. */
  shareSet: z.string().regex(/^[0-9a-f]{8}$/),
  threshold: z.int().min(2).max(32),
  shares: z.int().min(2).max(32),
  nonce: z.base64(),
  /** PKCS #8 and tag, base64. */
  sealed: z.base64(),
});

/** What is written to `<keyName>.key.json`. */
export type RootKeyFile = z.infer<typeof fileShape>;

/** Reads such a file. Throws a plain Error in a sentence. */
export function parseRootKeyFile(text: string): RootKeyFile {
  try {
    return fileShape.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error('This is no file with a root key. / 不是根密钥文件。', { cause });
  }
}

/** Root keys in memory: a key store for as long as it is not closed. Signs for roots alone. */
export interface OpenRoots extends KeyStore {
  /** Overwrites the keys. */
  close(): void;
}

interface RootKey {
  keyName: string;
  suite: AuthoritySuite;
  spki: Uint8Array;
  pkcs8: Uint8Array;
}

/** New root keys, in memory only. */
export function generateRoots(): OpenRoots & { keys: readonly RootKey[] } {
  const keys = AUTHORITY_SUITES.map((suite) => ({ keyName: authorityKeyName('root', suite), suite, ...generateKeyPair(suite) }));
  return { ...rootStore(keys), keys };
}

/** Encrypts the keys under one new random key and splits that. */
export function sealRoots(
  keys: readonly RootKey[],
  { shares: count, threshold }: { shares: number; threshold: number },
): { files: RootKeyFile[]; shares: SecretShare[] } {
  const secret = randomBytes(KEY_OCTETS);
  try {
    const shares = splitSecret(Uint8Array.from(secret), { shares: count, threshold });
    const shareSet = shares[0]?.set ?? '';
    const files = keys.map(({ keyName, suite, spki, pkcs8 }): RootKeyFile => {
      const nonce = randomBytes(NONCE_OCTETS);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: TAG_OCTETS }).setAAD(boundData(keyName, suite, spki));
      const sealed = Buffer.concat([cipher.update(pkcs8), cipher.final(), cipher.getAuthTag()]);
      const text = { nonce: nonce.toString('base64'), sealed: sealed.toString('base64'), spki: Buffer.from(spki).toString('base64') };
      return { format: FORMAT, version: 1, keyName, suite, algorithm: 'AES-256-GCM', shareSet, threshold, shares: count, ...text };
    });
    return { files, shares };
  } finally {
    secret.fill(0);
  }
}

/** The keys of these files. Throws SecretShareError, or a plain Error when the shares are not those of the files. */
export function openRoots(files: readonly RootKeyFile[], shares: readonly SecretShare[]): OpenRoots & { keys: readonly RootKey[] } {
  const stray = files.find(({ shareSet }) => shares.some(({ set }) => set !== shareSet));
  if (stray)
    throw new Error(`These are not the shares of ${stray.keyName}: it was made with set ${stray.shareSet}. / 份额与根密钥文件不匹配。`);
  const secret = combineShares(shares);
  try {
    const keys = files.map((file) => openRoot(file, secret));
    return { ...rootStore(keys), keys };
  } finally {
    secret.fill(0);
  }
}

function openRoot(file: RootKeyFile, secret: Uint8Array): RootKey {
  const { keyName, suite } = file;
  const spki = Uint8Array.from(Buffer.from(file.spki, 'base64'));
  const sealed = Buffer.from(file.sealed, 'base64');
  try {
    const nonce = Buffer.from(file.nonce, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: TAG_OCTETS }).setAAD(boundData(keyName, suite, spki));
    decipher.setAuthTag(sealed.subarray(-TAG_OCTETS));
    const pkcs8 = Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(0, -TAG_OCTETS)), decipher.final()]));
    return { keyName, suite, spki, pkcs8 };
  } catch (cause) {
    throw new Error(`The shares do not open ${keyName}, or its file was changed. / 份额无法打开该根密钥，或文件已被改动。`, { cause });
  }
}

/** A file whose name, suite or public key was changed does not open. */
function boundData(keyName: string, suite: string, spki: Uint8Array): Uint8Array {
  return createHash('sha256').update(`${FORMAT} 1 ${keyName} ${suite} `).update(spki).digest();
}

function rootStore(keys: readonly RootKey[]): OpenRoots {
  let open = [...keys];
  const stored = ({ keyName, suite, spki }: RootKey) => ({ name: keyName, suite, spki, purposes: ['certificate', 'crl'] as const });
  return {
    suites: AUTHORITY_SUITES,
    create: () => Promise.reject(new Problem('signing-refused')),
    async find(name) {
      const found = open.find(({ keyName }) => keyName === name);
      return found && stored(found);
    },
    async sign(name, purpose, structure) {
      const found = open.find(({ keyName }) => keyName === name);
      if (!found) throw new Problem('key-not-found');
      if (purpose !== 'certificate' && purpose !== 'crl') throw new Problem('signing-refused');
      return signMessage(importPrivateKey(found.pkcs8), structure);
    },
    retire: () => Promise.reject(new Problem('signing-refused')),
    close() {
      for (const { pkcs8 } of open) pkcs8.fill(0);
      open = [];
    },
  };
}

/** One store: roots from the vault, everything else from the installation's own. */
export function withRoots(roots: KeyStore, keys: KeyStore): KeyStore {
  const homeOf = (name: string) => (name.startsWith('ca-root-') ? roots : keys);
  return {
    suites: keys.suites,
    create: (name, suite, purposes) => homeOf(name).create(name, suite, purposes),
    find: (name) => homeOf(name).find(name),
    sign: (name, purpose, structure, evidence) => homeOf(name).sign(name, purpose, structure, evidence),
    retire: (name, successor) => homeOf(name).retire(name, successor),
  };
}
