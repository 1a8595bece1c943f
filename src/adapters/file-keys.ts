/**
 * Keys in encrypted files: one file for each key, written once and never overwritten. A master key comes from the secret by
 * scrypt; each file is sealed by its own HKDF key with AES-256-GCM, name, suite, purposes and public key authenticated with it,
 * so that nobody can give a key another use by editing its file.
 */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import {
  assertSm2KnownAnswer,
  generateKeyPair,
  importPrivateKey,
  type PrivateKey,
  SUITES,
  type Suite,
  signMessage,
  verifyMessage,
} from '#crypto/suite.ts';
import { KEY_PURPOSES, type KeyStore, type StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { readIfThere, writeOnce } from './durable-file.ts';

const scryptAsync = promisify(scrypt) as (
  secret: Uint8Array | string,
  salt: Uint8Array,
  length: number,
  options: object,
) => Promise<Buffer>;
/** About 0.1 s and 32 MiB, once for each start. */
const SCRYPT = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
export const FOLDER_FILE = 'folder.json';
/** While the secret changes (`rewrap-key-folder.ts`): what will open the folder. */
export const NEXT_FOLDER_FILE = 'folder.next.json';
export const SUFFIX = '.key.json';
/** What stays of a retired key: as the key's file, without the private half, under a MAC. */
export const RETIRED_SUFFIX = '.retired.json';
/** Another process may have retired a key that is in memory here: looked for at most this often. */
const LOOK_EVERY_MS = 500;
/** Two changes this near to each other may leave a folder with the same time. */
const MTIME_TICK_MS = 2_000;
const ROOT_NAME = /^ca-root-[a-z0-9-]{1,40}$/;
const NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;

const folderShape = z.object({ version: z.literal(1), salt: z.base64(), check: z.base64() });
export const keyShape = z.object({
  version: z.literal(1),
  name: z.string().regex(NAME),
  suite: z.enum(['sm2-sm3', 'es256', 'ed25519', 'rs256']),
  purposes: z.array(z.enum(KEY_PURPOSES)).min(1),
  spki: z.base64(),
  sealed: z.base64(),
});
export type KeyFile = z.infer<typeof keyShape>;
export const retiredShape = keyShape.omit({ sealed: true }).extend({ mac: z.base64() });
export type RetiredFile = z.infer<typeof retiredShape>;

interface LoadedKey {
  stored: StoredKey;
  /** Undefined once it is retired. */
  privateKey: PrivateKey | undefined;
  lookedAt: number;
}

export interface FileKeyStore extends KeyStore {
  /** The key with this public key, if it is one of ours: what lets the signer refuse certificates for strangers' keys. */
  findByPublicKey(spki: Uint8Array): Promise<StoredKey | undefined>;
}

/**
 * Opens the folder, making it (0700) when it is not there. Throws a plain Error when the secret is not the one the keys were sealed with,
 * when a file was changed, or when this Node's SM2 is not the standard's.
 */
export async function fileKeyStore({ folder, secret }: { folder: string; secret: string | Uint8Array }): Promise<FileKeyStore> {
  assertSm2KnownAnswer();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const master = await openFolder(folder, secret);
  const loaded = new Map<string, Promise<LoadedKey | undefined>>();
  const namesByPublicKey = new Map<string, string>();

  const load = async (name: string): Promise<LoadedKey | undefined> => {
    const known = await loaded.get(name);
    if (!known?.privateKey || performance.now() - known.lookedAt < LOOK_EVERY_MS) return known ?? read(name);
    known.lookedAt = performance.now();
    if (!existsSync(join(folder, name + RETIRED_SUFFIX))) return known;
    loaded.delete(name);
    return read(name);
  };
  const read = (name: string): Promise<LoadedKey | undefined> => {
    const known = loaded.get(name);
    if (known) return known;
    const loading = readKey(folder, master, name).then((key) => {
      // Absence is not remembered: another process may make the key.
      if (!key) loaded.delete(name);
      else namesByPublicKey.set(Buffer.from(key.stored.spki).toString('base64'), name);
      return key;
    });
    loading.catch(() => loaded.delete(name));
    loaded.set(name, loading);
    return loading;
  };

  let wholeFolder = { mtimeMs: Number.NaN, readAt: 0 };
  /** Strangers' keys are asked after all the time: a folder that has not changed since all of it was read is not read again. */
  const readAll = async (): Promise<void> => {
    const { mtimeMs } = statSync(folder);
    if (mtimeMs === wholeFolder.mtimeMs && mtimeMs + MTIME_TICK_MS < wholeFolder.readAt) return;
    const readAt = Date.now();
    for (const file of await readdir(folder)) {
      const suffix = [SUFFIX, RETIRED_SUFFIX].find((one) => file.endsWith(one));
      if (suffix) await load(file.slice(0, -suffix.length));
    }
    wholeFolder = { mtimeMs, readAt };
  };

  return {
    suites: SUITES,
    async create(name, suite, purposes) {
      if (!NAME.test(name) || purposes.length === 0) throw new Problem('invalid-input', { detail: 'Not a key name, or no purpose.' });
      if (existsSync(join(folder, name + RETIRED_SUFFIX))) throw new Problem('key-exists');
      const pair = generateKeyPair(suite);
      const header = { version: 1 as const, name, suite, purposes: [...purposes], spki: Buffer.from(pair.spki).toString('base64') };
      const file: KeyFile = { ...header, sealed: seal(master, header, pair.pkcs8).toString('base64') };
      pair.pkcs8.fill(0);
      if (!(await writeOnce(folder, name + SUFFIX, JSON.stringify(file, undefined, 2)))) throw new Problem('key-exists');
      const key = await load(name);
      if (!key) throw new Error(`The key ${name} vanished while it was made.`);
      return key.stored;
    },
    async find(name) {
      return NAME.test(name) ? (await load(name))?.stored : undefined;
    },
    async findByPublicKey(spki) {
      const wanted = Buffer.from(spki).toString('base64');
      if (!namesByPublicKey.has(wanted)) await readAll();
      const name = namesByPublicKey.get(wanted);
      return name ? (await load(name))?.stored : undefined;
    },
    async sign(name, purpose, structure) {
      const key = NAME.test(name) ? await load(name) : undefined;
      if (!key) throw new Problem('key-not-found');
      if (!key.privateKey) throw new Problem('key-retired');
      if (!key.stored.purposes.includes(purpose)) throw new Problem('signing-refused', { detail: 'The key has another purpose.' });
      return signMessage(key.privateKey, structure);
    },
    async retire(name) {
      const key = NAME.test(name) ? await load(name) : undefined;
      if (!key) throw new Problem('key-not-found');
      const { suite, purposes, spki } = key.stored;
      const header = { version: 1 as const, name, suite, purposes: [...purposes], spki: Buffer.from(spki).toString('base64') };
      const file: RetiredFile = { ...header, mac: retiredMac(master, header).toString('base64') };
      await writeOnce(folder, name + RETIRED_SUFFIX, JSON.stringify(file, undefined, 2));
      // From here on it is retired, also when what follows is cut off: the next who retires or reads it removes the file.
      await rm(join(folder, name + SUFFIX), { force: true });
      loaded.delete(name);
    },
  };
}

/**
 * The private half (PKCS #8) of a root's key in such a folder, for the ceremony that takes it offline; the caller overwrites it.
 * Apart from the store, so that no store has a way to hand out keys. Undefined when there is none or it is retired. Throws as `fileKeyStore`.
 */
export async function readRootKey(
  { folder, secret }: { folder: string; secret: string | Uint8Array },
  name: string,
): Promise<{ suite: Suite; spki: Uint8Array; pkcs8: Uint8Array } | undefined> {
  if (!ROOT_NAME.test(name)) throw new Problem('signing-refused', { detail: 'Only keys of roots are taken offline.' });
  if (!existsSync(join(folder, FOLDER_FILE))) throw new Error(`${folder} is no folder of keys. / 不是密钥目录。`);
  const master = await openFolder(folder, secret);
  // Proves the file before anything comes out of it.
  const key = await readKey(folder, master, name);
  const text = key?.privateKey ? await readIfThere(join(folder, name + SUFFIX)) : undefined;
  if (!key || text === undefined) return undefined;
  return { suite: key.stored.suite, spki: key.stored.spki, pkcs8: unseal(master, keyShape.parse(JSON.parse(text))) };
}

async function openFolder(folder: string, secret: string | Uint8Array): Promise<Buffer> {
  const existing = await readIfThere(join(folder, FOLDER_FILE));
  if (existing === undefined) {
    const { text, master } = await newMaster(secret);
    if (await writeOnce(folder, FOLDER_FILE, text)) return master;
    return openFolder(folder, secret);
  }
  if (existsSync(join(folder, NEXT_FOLDER_FILE)))
    throw new Error(
      `The change of the secret of ${folder} was cut off: run \`keys rewrap\` again. / 更换主密钥的过程中断，请再次运行 keys rewrap。`,
    );
  const master = await masterOf(join(folder, FOLDER_FILE), existing, secret);
  if (!master) throw new Error(`The secret does not open the keys in ${folder}: it is not the one they were made with.`);
  return master;
}

/** Undefined when the secret is another. Throws a plain Error when the file is damaged. */
export async function masterOf(path: string, text: string, secret: string | Uint8Array): Promise<Buffer | undefined> {
  const parsed = folderShape.safeParse(readJson(text));
  if (!parsed.success) throw new Error(`${path} is damaged.`);
  const master = await scryptAsync(secret, Buffer.from(parsed.data.salt, 'base64'), 32, SCRYPT);
  const check = Buffer.from(parsed.data.check, 'base64');
  return check.length === 32 && timingSafeEqual(check, checkOf(master)) ? master : undefined;
}

/** What a folder is opened by, new: the text of its file, and the master key. */
export async function newMaster(secret: string | Uint8Array): Promise<{ text: string; master: Buffer }> {
  const salt = randomBytes(32);
  const master = await scryptAsync(secret, salt, 32, SCRYPT);
  return { text: JSON.stringify({ version: 1, salt: salt.toString('base64'), check: checkOf(master).toString('base64') }), master };
}

function checkOf(master: Buffer): Buffer {
  return createHmac('sha256', master).update('tongren key folder').digest();
}

type KeyHeader = Omit<KeyFile, 'sealed'>;

function cipherKey(master: Buffer, name: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `tongren key file ${name}`, 32));
}

function associated({ version, name, suite, purposes, spki }: KeyHeader): Buffer {
  return Buffer.from(JSON.stringify([version, name, suite, purposes, spki]));
}

/** nonce (12) ‖ ciphertext ‖ tag (16). */
export function seal(master: Buffer, header: KeyHeader, pkcs8: Uint8Array): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', cipherKey(master, header.name), nonce).setAAD(associated(header));
  return Buffer.concat([nonce, cipher.update(pkcs8), cipher.final(), cipher.getAuthTag()]);
}

export function unseal(master: Buffer, file: KeyFile): Buffer {
  const sealed = Buffer.from(file.sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', cipherKey(master, file.name), sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(associated(file)).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
}

export function retiredMac(master: Buffer, header: KeyHeader): Buffer {
  return createHmac('sha256', cipherKey(master, header.name)).update('tongren retired key').update(associated(header)).digest();
}

async function readRetired(folder: string, master: Buffer, name: string): Promise<LoadedKey | undefined> {
  const text = await readIfThere(join(folder, name + RETIRED_SUFFIX));
  if (text === undefined) return undefined;
  const parsed = retiredShape.safeParse(readJson(text));
  const mac = Buffer.from(parsed.data?.mac ?? '', 'base64');
  if (!parsed.success || parsed.data.name !== name || mac.length !== 32 || !timingSafeEqual(mac, retiredMac(master, parsed.data)))
    throw new Error(`The file of the retired key ${name} is damaged or was changed.`);
  await rm(join(folder, name + SUFFIX), { force: true });
  const { suite, purposes, spki } = parsed.data;
  const stored = { name, suite, purposes, spki: Uint8Array.from(Buffer.from(spki, 'base64')), retired: true as const };
  return { stored, privateKey: undefined, lookedAt: 0 };
}

export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readKey(folder: string, master: Buffer, name: string): Promise<LoadedKey | undefined> {
  const retired = await readRetired(folder, master, name);
  if (retired) return retired;
  const text = await readIfThere(join(folder, name + SUFFIX));
  if (text === undefined) return undefined;
  const damaged = (cause?: unknown) => new Error(`The key file of ${name} is damaged or was changed.`, { cause });
  let privateKey: PrivateKey;
  let file: KeyFile;
  try {
    file = keyShape.parse(JSON.parse(text));
    const pkcs8 = unseal(master, file);
    privateKey = importPrivateKey(pkcs8);
    pkcs8.fill(0);
  } catch (cause) {
    throw damaged(cause);
  }
  const spki = Uint8Array.from(Buffer.from(file.spki, 'base64'));
  if (file.name !== name || privateKey.suite !== file.suite || Buffer.compare(privateKey.publicKey.spki, spki) !== 0) throw damaged();
  proveWorking(privateKey);
  return { stored: { name, suite: file.suite, purposes: file.purposes, spki }, privateKey, lookedAt: performance.now() };
}

/** A key that cannot verify what it signs must not come into use. */
function proveWorking(privateKey: PrivateKey): void {
  const message = Buffer.from('tongren known answer');
  if (!verifyMessage(privateKey.publicKey, message, signMessage(privateKey, message)))
    throw new Error('A key signs what it does not verify.');
}
